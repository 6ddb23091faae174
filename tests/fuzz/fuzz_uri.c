/*
 * Fuzz target: reading, completing and comparing URIs. The input is two texts
 * with a line feed between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "message/uri.h"
#include "srf/srf.h"

#include <string.h>

enum { TEXT_MAX = 4096 };

static void check_view(srf__str_t whole, srf__str_t piece)
{
    if (piece.len == 0)
        return;
    FUZZ_CHECK(piece.p >= whole.p);
    FUZZ_CHECK(piece.p + piece.len <= whole.p + whole.len);
}

/* They are read as they were when the URI was: nothing is left over, and what
 * the URI says of itself is found among them. */
static void check_params(const srf__uri_t *uri)
{
    srf__str_t rest = uri->params;
    srf__uri_param_t param;
    char name[TEXT_MAX + 1];
    bool lr = false;
    unsigned maddrs = 0;
    unsigned transports = 0;

    while (srf__uri_param_next(&rest, &param)) {
        check_view(uri->params, param.whole);
        check_view(param.whole, param.name);
        check_view(param.whole, param.value);
        FUZZ_CHECK(param.name.len > 0);
        FUZZ_CHECK(srf__uri_param_write_name(&param, name) <= param.name.len);
        lr = lr || srf__uri_param_is(&param, "lr");
        maddrs += srf__uri_param_is(&param, "maddr");
        transports += srf__uri_param_is(&param, "transport");
    }
    FUZZ_CHECK(rest.len == 0);
    if (uri->scheme == SRF__SCHEME_TEL)
        return;
    FUZZ_CHECK(uri->lr == lr);
    FUZZ_CHECK(maddrs == (uri->maddr.len > 0));
    FUZZ_CHECK(transports == (uri->transport != SRF__TRANSPORT_NONE ||
                              uri->transport_unknown));
}

static void check_uri(srf__str_t text, const srf__uri_t *uri)
{
    uint8_t ip[16];

    check_view(text, uri->text);
    check_view(uri->text, uri->user);
    check_view(uri->text, uri->password);
    check_view(uri->text, uri->host);
    check_view(uri->text, uri->params);
    check_view(uri->text, uri->headers);
    check_view(uri->text, uri->maddr);
    FUZZ_CHECK(srf__uri_eq(uri, uri));
    (void)srf__host_to_ip(uri->host, ip);
    if (uri->scheme == SRF__SCHEME_OTHER)
        return;
    if (uri->scheme != SRF__SCHEME_TEL) {
        FUZZ_CHECK(uri->host.len > 0);
        FUZZ_CHECK(srf__uri_port(uri) != 0);
    }
    check_params(uri);
    for (size_t i = 0; i < uri->text.len; i++)
        FUZZ_CHECK((unsigned char)uri->text.p[i] > ' ');
}

/* What was completed needs no completing. */
static void check_normalize(const char *text)
{
    srf__buf_t once;
    srf__buf_t twice;
    srf__uri_t uri;
    srf__uri_t again;
    char copy[TEXT_MAX + 64];

    srf__buf_init(&once, sizeof(copy));
    srf__buf_init(&twice, sizeof(copy));
    if (srf__target_normalize(text, &once, &uri) == 0) {
        srf__str_t result = srf__buf_str(&once);
        check_uri(result, &uri);
        FUZZ_CHECK(uri.scheme != SRF__SCHEME_OTHER);
        FUZZ_CHECK(uri.headers.len == 0);
        FUZZ_CHECK(result.len < sizeof(copy));
        memcpy(copy, result.p, result.len);
        copy[result.len] = '\0';
        FUZZ_CHECK(srf__target_normalize(copy, &twice, &again) == 0);
        FUZZ_CHECK(srf__str_eq(result, srf__buf_str(&twice)));
        FUZZ_CHECK(srf__uri_eq(&uri, &again));
    }
    srf__buf_deinit(&once);
    srf__buf_deinit(&twice);
}

/* What a program reads it with says the same. */
static void check_public(const char *text)
{
    srf_uri_t *uri;
    srf__uri_t read;
    int err = srf_uri_parse(text, &uri);
    bool good = srf__uri_parse(srf__str_of(text), &read) == 0;

    FUZZ_CHECK(good == (err == 0 || err == SRF_ERR_UNSUPPORTED));
    FUZZ_CHECK((uri != NULL) == (err == 0));
    if (err != 0)
        return;
    FUZZ_CHECK(uri->port == read.port);
    FUZZ_CHECK((uri->user != NULL) ==
               (read.has_user || read.scheme == SRF__SCHEME_TEL));
    for (int32_t i = 0; i < uri->param_count; i++) {
        const srf_param_t *param = &uri->params[i];
        FUZZ_CHECK(srf_param_find(uri->params, uri->param_count, param->name) !=
                   NULL);
    }
    srf_free(uri);
}

/* What a program prints it with: nothing is left that does more than stand
 * there, and doing it again changes nothing. */
static void check_printable(const char *text, size_t len)
{
    static char once[4 * TEXT_MAX + 1];
    static char twice[4 * TEXT_MAX + 1];
    size_t cut = len / 3;

    size_t size = srf_printable(once, sizeof(once), text, len);
    FUZZ_CHECK(size < sizeof(once) && strlen(once) == size);
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK((unsigned char)once[i] >= ' ' && once[i] != 0x7f);
    FUZZ_CHECK(srf_printable(twice, sizeof(twice), once, size) == size);
    FUZZ_CHECK(memcmp(once, twice, size + 1) == 0);
    FUZZ_CHECK(srf_printable(twice, cut, text, len) == size);
    FUZZ_CHECK(cut == 0 || memcmp(once, twice, strlen(twice)) == 0);
}

/* A network has its own address in it. */
static void check_network(const char *text)
{
    srf_cidr_t cidr;

    (void)srf_address_kind(text);
    if (srf_cidr_parse(text, &cidr) != 0)
        return;
    FUZZ_CHECK(cidr.family == 4 || cidr.family == 6);
    FUZZ_CHECK(cidr.bits <= (cidr.family == 4 ? 32u : 128u));
    if (strchr(text, '/') == NULL)
        FUZZ_CHECK(srf_cidr_match(&cidr, text) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    srf__uri_t uris[3];
    srf__str_t params;
    srf__str_t value;

    if (size > TEXT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    srf__str_t whole = srf__str(text, size);
    const char *cut = memchr(text, '\n', size);
    size_t first_len = cut == NULL ? size : (size_t)(cut - text);
    srf__str_t first = srf__str(text, first_len);
    srf__str_t second =
        cut == NULL ? first : srf__str(cut + 1, size - first_len - 1);

    int err = srf__uri_parse(first, &uris[0]);
    if (err == 0)
        check_uri(first, &uris[0]);
    if (err == 0 && srf__uri_parse(second, &uris[1]) == 0) {
        check_uri(second, &uris[1]);
        FUZZ_CHECK(srf__uri_eq(&uris[0], &uris[1]) ==
                   srf__uri_eq(&uris[1], &uris[0]));
    }
    if (srf__name_addr_parse(whole, &uris[2], &params) == 0) {
        check_uri(whole, &uris[2]);
        check_view(whole, params);
        (void)srf__tag_read(params.p, params.p + params.len, &value);
    }
    check_normalize(text);
    check_public(text);
    check_printable(text, size);
    check_network(text);
    return 0;
}
