/*
 * Fuzz target: framing. The first bytes of the input say how the others are
 * cut; what comes out must not depend on it, and each message is one that the
 * scanner takes whole or refuses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "message/lines.h"
#include "message/scan.h"
#include "transport/framing.h"

#include <string.h>

enum { CUTS = 8, HEADERS = 64, OUT_BYTES = 1 << 18 };

static const srf__framer_limits_t limits = {.max_message_bytes = 12000,
                                            .max_head_bytes = 10000};

typedef struct result {
    size_t len;
    char bytes[OUT_BYTES];
} result_t;

static result_t whole;
static result_t pieces;

static void add(result_t *to, const void *data, size_t len)
{
    FUZZ_CHECK(to->len + len <= OUT_BYTES);
    if (len > 0)
        memcpy(to->bytes + to->len, data, len);
    to->len += len;
}

/* Where framing ends a message scanning does. */
static void check_message(srf__str_t bytes)
{
    static const srf__scan_limits_t scan_limits = {HEADERS, 4096};
    srf__header_t headers[HEADERS];
    srf__facts_t facts = {.headers = headers, .header_cap = HEADERS};

    FUZZ_CHECK(bytes.len <= limits.max_message_bytes);
    srf__scan_result_t scanned =
        srf__scan(bytes.p, bytes.len, &scan_limits, &facts);
    FUZZ_CHECK(scanned != SRF__SCAN_KEEPALIVE);
    /* Nothing is let through whose end others may see elsewhere, be it refused
     * for something else. */
    FUZZ_CHECK(srf__flaws_reason(facts.flaws) == NULL);
    if (scanned == SRF__SCAN_OK) {
        FUZZ_CHECK(facts.content_length >= 0);
        FUZZ_CHECK(facts.head_len + (uint64_t)facts.content_length ==
                   bytes.len);
        FUZZ_CHECK(facts.data == bytes.p);
        FUZZ_CHECK(facts.len == bytes.len);
    }
}

static void note(result_t *to, const srf__framed_t *framed)
{
    add(to, &framed->kind, sizeof(framed->kind));
    add(to, &framed->status, sizeof(framed->status));
    /* How much of an endless head is there depends on the cuts. */
    if (framed->kind != SRF__FRAMED_REFUSE || framed->status != 513)
        add(to, framed->bytes.p, framed->bytes.len);
    if (framed->kind == SRF__FRAMED_MESSAGE)
        check_message(framed->bytes);
}

/* In a block of its own: views beyond it are found. */
static void feed(srf__framer_t *framer, result_t *to, const uint8_t *data,
                 size_t len)
{
    srf__framed_t framed;
    char *copy = malloc(len + 1);

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, len);
    FUZZ_CHECK(srf__framer_begin(framer, copy, len) == 0);
    while (srf__framer_next(framer, &framed) != SRF__FRAMED_NONE)
        note(to, &framed);
    FUZZ_CHECK(srf__framer_end(framer) == 0);
    FUZZ_CHECK(framer->carry.own_len <= (size_t)limits.max_message_bytes + len);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    srf__framer_t framer;
    const uint8_t *cuts = data;

    if (size < CUTS || size > OUT_BYTES / 16)
        return 0;
    data += CUTS;
    size -= CUTS;
    whole.len = 0;
    srf__framer_init(&framer, &limits);
    feed(&framer, &whole, data, size);
    srf__framer_deinit(&framer);

    pieces.len = 0;
    srf__framer_init(&framer, &limits);
    for (unsigned i = 0; size > 0; i++) {
        size_t len = (size_t)cuts[i % CUTS] + 1;
        if (len > size)
            len = size;
        feed(&framer, &pieces, data, len);
        data += len;
        size -= len;
    }
    srf__framer_deinit(&framer);
    FUZZ_CHECK(whole.len == pieces.len);
    FUZZ_CHECK(memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
    return 0;
}
