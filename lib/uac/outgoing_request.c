/*
 * Requests of the program's own: everything is checked before anything is sent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/outgoing_request.h"

#include "base/error.h"
#include "proxy/route.h"
#include "uac/dialog.h"

enum {
    URI_MAX = 16384,
    LINES_MAX = 32768,
    VIA_BYTES = 256,
    TAG_DIGITS = 16,
    CSEQ_MAX = 0x7fffffff, /* §8.1.1.5 */
    FIRST_CSEQ = 1
};

/* What is read before it is kept. */
typedef struct draft {
    srf_outgoing_t *outgoing;
    const srf_request_options_t *options;
    srf__buf_t uri;
    srf__buf_t hop;
    srf__buf_t lines;
    srf__str_t from; /* of the program's headers; empty: none */
    srf__str_t to;
    srf__str_t call_id;
    srf__str_t route; /* its first value */
    srf__uri_t request_uri;
    bool has_contact;
    bool has_content_type;
} draft_t;

/* ---- header fields of the program ---- */

/* A field that the library writes otherwise: once at most. */
static int take_field(srf__str_t *field, const char *value)
{
    if (field->p != NULL || value[0] == '\0')
        return SRF_ERR_INVALID_HEADER;
    *field = srf__str_trim(srf__str_of(value));
    return 0;
}

/* Reads a value of From or To as the far end will. */
static bool read_address(srf__str_t value, srf__str_t *tag)
{
    srf__uri_t uri;
    srf__str_t params;

    return srf__name_addr_parse(value, &uri, &params) == 0 &&
           srf__tag_read(params.p, params.p + params.len, tag);
}

static int take_address(srf__str_t *field, const char *value)
{
    srf__str_t tag;

    return take_field(field, value) == 0 && read_address(*field, &tag)
               ? 0
               : SRF_ERR_INVALID_HEADER;
}

/* callid = word [ "@" word ], §25.1: visible and without white space. */
static int take_call_id(srf__str_t *field, const char *value)
{
    if (take_field(field, value) != 0)
        return SRF_ERR_INVALID_HEADER;
    for (size_t i = 0; i < field->len; i++) {
        if ((unsigned char)field->p[i] <= ' ')
            return SRF_ERR_INVALID_HEADER;
    }
    return field->len > 0 ? 0 : SRF_ERR_INVALID_HEADER;
}

static int take_header(draft_t *draft, const char *name, const char *value)
{
    const char *const pair[] = {name, value, NULL};
    size_t mark = draft->lines.len;
    bool secret = draft->options->username != NULL;
    uint32_t denied =
        1u << SRF__HDR_VIA | 1u << SRF__HDR_CSEQ | 1u << SRF__HDR_MAX_FORWARDS |
        1u << SRF__HDR_CONTENT_LENGTH | 1u << SRF__HDR_RECORD_ROUTE |
        (secret
             ? 1u << SRF__HDR_AUTHORIZATION | 1u << SRF__HDR_PROXY_AUTHORIZATION
             : 0);
    int err = srf__build_lines(pair, denied, &draft->lines);

    if (err != 0)
        return err;
    switch ((int)srf__header_find(srf__str_of(name))) {
    case SRF__HDR_FROM:
        draft->lines.len = mark;
        return take_address(&draft->from, value);
    case SRF__HDR_TO:
        draft->lines.len = mark;
        return take_address(&draft->to, value);
    case SRF__HDR_CALL_ID:
        draft->lines.len = mark;
        return take_call_id(&draft->call_id, value);
    case SRF__HDR_ROUTE:
        if (draft->route.p == NULL)
            draft->route = srf__str_of(value);
        break;
    case SRF__HDR_CONTACT:
        draft->has_contact = true;
        break;
    case SRF__HDR_CONTENT_TYPE:
        draft->has_content_type = true;
        break;
    default:
        break;
    }
    return 0;
}

static int take_headers(draft_t *draft)
{
    const char *const *headers = draft->options->headers;
    int err = 0;

    for (; headers != NULL && *headers != NULL && err == 0; headers += 2)
        err = take_header(draft, headers[0], headers[1]);
    return err;
}

static srf__str_t keep(srf_outgoing_t *outgoing, srf__str_t text, int *err)
{
    char *copy = srf__arena_strdup(&outgoing->arena, text);

    if (copy == NULL)
        *err = SRF_ERR_NO_MEMORY;
    return srf__str(copy, copy == NULL ? 0 : text.len);
}

static const char *const *keep_list(srf_outgoing_t *outgoing,
                                    const char *const *list, int *err)
{
    size_t count = 0;

    while (list[count] != NULL)
        count++;
    const char **copy =
        srf__arena_alloc(&outgoing->arena, (count + 1) * sizeof(*copy));
    if (copy == NULL) {
        *err = SRF_ERR_NO_MEMORY;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = keep(outgoing, srf__str_of(list[i]), err).p;
    copy[count] = NULL;
    return copy;
}

/* ---- where it goes ---- */

/* next_hop, else the first Route (§8.1.2), else the Request-URI. */
static int find_hop(draft_t *draft, const srf__uri_t *otherwise,
                    srf__uri_t *out)
{
    srf__str_t params;
    srf__str_t value;

    if (draft->options->next_hop != NULL)
        return srf__target_normalize(draft->options->next_hop, &draft->hop,
                                     out);
    *out = *otherwise;
    if (!srf__list_next(&draft->route, &value))
        return 0;
    if (srf__name_addr_parse(value, out, &params) != 0)
        return SRF_ERR_INVALID_HEADER;
    return out->lr ? 0 : SRF_ERR_UNSUPPORTED;
}

static int keep_hop(draft_t *draft, const srf__uri_t *otherwise)
{
    srf__uri_t hop;
    int err = find_hop(draft, otherwise, &hop);

    if (err != 0)
        return err;
    srf__str_t text = keep(draft->outgoing, hop.text, &err);
    return err == 0 ? srf__uri_parse(text, &draft->outgoing->hop) : err;
}

/* ---- what it carries ---- */

static void add_random(srf__buf_t *out, srf_outgoing_t *outgoing)
{
    char digits[TAG_DIGITS];

    srf__hex_write(digits, srf__random_u64(&outgoing->uac->element->random),
                   TAG_DIGITS);
    srf__buf_add(out, digits, sizeof(digits));
}

static void add_tag(srf__buf_t *out, srf_outgoing_t *outgoing)
{
    srf__buf_add_text(out, ";tag=");
    add_random(out, outgoing);
}

/* The program's From, with a tag. Without one it is written when there is an
 * address to send from. */
static void write_from(draft_t *draft, srf__buf_t *out)
{
    srf__str_t tag;

    if (draft->from.len == 0)
        return;
    srf__buf_add_str(out, draft->from);
    if (!read_address(draft->from, &tag) || tag.len == 0)
        add_tag(out, draft->outgoing);
}

/* The program's To, or the Request-URI with what may stand in a To (§19.1.1):
 * no port, no transport. */
static void write_to(const draft_t *draft, srf__buf_t *out)
{
    const srf__uri_t *uri = &draft->request_uri;
    size_t before_host = (size_t)(uri->host.p - uri->text.p);

    if (draft->to.len > 0) {
        srf__buf_add_str(out, draft->to);
        return;
    }
    srf__buf_add_char(out, '<');
    if (uri->scheme == SRF__SCHEME_TEL) {
        srf__buf_add_str(out, uri->text);
    } else {
        srf__buf_add(out, uri->text.p, before_host);
        srf__buf_add_str(out, uri->host);
    }
    srf__buf_add_char(out, '>');
}

static void write_call_id(draft_t *draft, srf__buf_t *out)
{
    srf__buf_add_str(out, draft->call_id);
    if (draft->call_id.len > 0)
        return;
    add_random(out, draft->outgoing);
    add_random(out, draft->outgoing);
}

/* §8.1.1.8: what can make a dialog says where we are in it. */
static bool needs_contact(const draft_t *draft)
{
    srf__method_t method = draft->outgoing->method;

    return !draft->has_contact &&
           (method == SRF__METHOD_INVITE || method == SRF__METHOD_SUBSCRIBE ||
            method == SRF__METHOD_REFER || method == SRF__METHOD_NOTIFY ||
            method == SRF__METHOD_UPDATE);
}

/* What makes a request belong to a dialog, or to none. */
static int keep_addresses(draft_t *draft)
{
    srf_outgoing_t *outgoing = draft->outgoing;
    srf__request_spec_t *spec = &outgoing->spec;
    srf__buf_t text;
    int err = 0;

    srf__buf_init(&text, LINES_MAX);
    write_from(draft, &text);
    size_t to = text.len;
    write_to(draft, &text);
    size_t call_id = text.len;
    write_call_id(draft, &text);
    if (text.err == 0) {
        spec->uri = keep(outgoing, draft->request_uri.text, &err);
        spec->from = keep(outgoing, srf__str(text.p, to), &err);
        spec->to = keep(outgoing, srf__str(text.p + to, call_id - to), &err);
        spec->call_id = keep(
            outgoing, srf__str(text.p + call_id, text.len - call_id), &err);
        spec->cseq =
            draft->options->cseq != 0 ? draft->options->cseq : FIRST_CSEQ;
    }
    if (err == 0)
        err = text.err == SRF_ERR_LIMIT ? SRF_ERR_INVALID_HEADER : text.err;
    srf__buf_deinit(&text);
    return err;
}

static int keep_rest(draft_t *draft)
{
    srf_outgoing_t *outgoing = draft->outgoing;
    const srf_request_options_t *options = draft->options;
    srf__credentials_t *credentials = &outgoing->credentials;
    int err = 0;

    outgoing->writes_contact = needs_contact(draft);
    if (draft->lines.err != 0)
        return draft->lines.err == SRF_ERR_LIMIT ? SRF_ERR_INVALID_HEADER
                                                 : draft->lines.err;
    outgoing->spec.lines = keep(outgoing, srf__buf_str(&draft->lines), &err);
    outgoing->spec.body =
        keep(outgoing, srf__str(options->body, options->body_len), &err);
    if (options->username != NULL) {
        credentials->username =
            keep(outgoing, srf__str_of(options->username), &err);
        credentials->password =
            keep(outgoing, srf__str_of(options->password), &err);
        credentials->realms = keep_list(outgoing, options->realms, &err);
    }
    return err;
}

/* ---- all of it ---- */

static int read_outside(draft_t *draft, const char *uri)
{
    if (uri == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    int err = srf__target_normalize(uri, &draft->uri, &draft->request_uri);
    if (err == 0)
        err = keep_hop(draft, &draft->request_uri);
    return err == 0 ? keep_addresses(draft) : err;
}

/* §12.2.1.1. */
static int read_inside(draft_t *draft)
{
    srf_outgoing_t *outgoing = draft->outgoing;
    srf__request_spec_t *spec = &outgoing->spec;
    const srf__facts_t *response = srf__msg_facts(draft->options->dialog);
    srf__dialog_t dialog;

    if (response == NULL)
        return SRF_ERR_NO_MEMORY;
    if (response->status / 100 != 2 || draft->from.len > 0 ||
        draft->to.len > 0 || draft->call_id.len > 0 || draft->route.len > 0)
        return SRF_ERR_INVALID_ARGUMENT;
    int err = srf__dialog_read(&dialog, response, srf__str(NULL, 0));
    if (err == SRF_ERR_SYNTAX)
        err = SRF_ERR_INVALID_ARGUMENT;
    if (err == 0)
        err = keep_hop(draft, &dialog.next_hop);
    outgoing->by_network = draft->options->next_hop == NULL;
    if (err == 0) {
        srf__buf_add_str(&draft->lines, srf__buf_str(&dialog.routes));
        spec->uri = keep(outgoing, dialog.uri, &err);
        spec->from = keep(outgoing, dialog.from, &err);
        spec->to = keep(outgoing, dialog.to, &err);
        spec->call_id = keep(outgoing, dialog.call_id, &err);
        spec->cseq = draft->options->cseq != 0 ? draft->options->cseq
                                               : response->cseq + 1;
    }
    srf__dialog_deinit(&dialog);
    return err;
}

static int read_method(draft_t *draft)
{
    srf_outgoing_t *outgoing = draft->outgoing;
    const char *given = draft->options->method;
    srf__str_t name = srf__str_of(given == NULL ? "OPTIONS" : given);
    int err = 0;

    if (!srf__str_is_token(name))
        return SRF_ERR_INVALID_ARGUMENT;
    outgoing->method = srf__method_find(name);
    if (outgoing->method == SRF__METHOD_ACK ||
        outgoing->method == SRF__METHOD_CANCEL)
        return SRF_ERR_INVALID_ARGUMENT;
    outgoing->spec.method = keep(outgoing, name, &err);
    return err;
}

static bool has_control(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

static int check_rest(const draft_t *draft)
{
    const srf_request_options_t *options = draft->options;

    if (options->body_len > 0 &&
        (options->body == NULL || !draft->has_content_type))
        return SRF_ERR_INVALID_ARGUMENT;
    if (has_control(options->username) ||
        (options->username != NULL && options->realms == NULL) ||
        options->cseq > CSEQ_MAX)
        return SRF_ERR_INVALID_ARGUMENT;
    return options->body_len > SRF__HEAD_MAX ? SRF_ERR_LIMIT : 0;
}

int srf__outgoing_read(srf_outgoing_t *outgoing, const char *uri,
                       const srf_request_options_t *options)
{
    draft_t draft = {.outgoing = outgoing, .options = options};

    srf__buf_init(&draft.uri, URI_MAX);
    srf__buf_init(&draft.hop, URI_MAX);
    srf__buf_init(&draft.lines, LINES_MAX);
    int err = read_method(&draft);
    if (err == 0)
        err = take_headers(&draft);
    if (err == 0)
        err = check_rest(&draft);
    if (err == 0 && options->dialog != NULL)
        err = uri != NULL ? SRF_ERR_INVALID_ARGUMENT : read_inside(&draft);
    else if (err == 0)
        err = read_outside(&draft, uri);
    if (err == 0)
        err = keep_rest(&draft);
    if (err == 0 && options->next_hop == NULL)
        srf__route_secure(outgoing->uac->element, outgoing->spec.uri,
                          &outgoing->hop);
    srf__buf_deinit(&draft.uri);
    srf__buf_deinit(&draft.hop);
    srf__buf_deinit(&draft.lines);
    return err;
}

/* ---- building ---- */

srf_msg_t *srf__outgoing_build_along(srf__pool_t *pool,
                                     srf__request_spec_t *spec,
                                     const srf__flow_t *flow, srf__str_t branch)
{
    char storage[VIA_BYTES];
    char host[SRF__ADDR_TEXT];
    srf__buf_t via;

    srf__buf_init_fixed(&via, storage, sizeof(storage));
    srf__buf_add_text(&via, "SIP/2.0/");
    srf__buf_add_str(&via, srf__transport_via_name(
                               (srf__transport_id_t)flow->peer.transport));
    srf__buf_add_char(&via, ' ');
    srf__buf_add_str(
        &via, srf__listener_host_port(flow->listener, &flow->peer, host));
    srf__buf_add_text(&via, ";branch=");
    srf__buf_add_str(&via, branch);
    srf__buf_add_text(&via, ";rport"); /* RFC 3581 §3 */
    srf__assert(via.err == 0);
    spec->via = srf__buf_str(&via);
    srf_msg_t *msg = srf__build_request(pool, spec);
    spec->via = srf__str(NULL, 0);
    return msg;
}

/* It is read again as a peer will: nothing that we could not ACK or CANCEL
 * afterwards goes out. */
static int check_image(srf_msg_t *image)
{
    if (image == NULL)
        return SRF_ERR_NO_MEMORY;
    if (image->len > SRF__HEAD_MAX)
        return SRF_ERR_LIMIT;
    if (srf__msg_facts(image) == NULL)
        return SRF_ERR_INVALID_HEADER;
    srf__msg_forget_facts(image);
    return 0;
}

/* The address the request is sent from, and stays when it is sent again. */
static int write_own_from(srf_outgoing_t *outgoing)
{
    const srf__flow_t *flow = &outgoing->flow;
    srf__addr_t local = srf__listener_local(flow->listener, &flow->peer);
    char storage[VIA_BYTES];
    char host[SRF__ADDR_TEXT];
    srf__buf_t text;
    int err = 0;

    srf__buf_init_fixed(&text, storage, sizeof(storage));
    srf__buf_add_text(&text, "<sip:");
    srf__buf_add_str(&text, srf__addr_host_text(&local, host));
    srf__buf_add_char(&text, '>');
    add_tag(&text, outgoing);
    srf__assert(text.err == 0);
    outgoing->spec.from = keep(outgoing, srf__buf_str(&text), &err);
    return err;
}

/* §8.1.1.8: sips where the request goes to one. */
static void add_contact(const srf_outgoing_t *outgoing, srf__buf_t *out)
{
    const srf__flow_t *flow = &outgoing->flow;
    bool secure = srf__uri_is_sips(outgoing->spec.uri) ||
                  outgoing->hop.scheme == SRF__SCHEME_SIPS;
    char host[SRF__ADDR_TEXT];

    srf__buf_add_text(out, secure ? "Contact: <sips:" : "Contact: <sip:");
    srf__buf_add_str(
        out, srf__listener_host_port(flow->listener, &flow->peer, host));
    srf__buf_add_text(out, srf__listener_uri_param(flow->listener, secure));
    srf__buf_add_text(out, ">\r\n");
}

int srf__outgoing_build(srf_outgoing_t *outgoing, srf_msg_t **out)
{
    char branch[SRF__BRANCH_LEN];
    srf__buf_t lines;

    *out = NULL;
    if (outgoing->spec.from.len == 0 && write_own_from(outgoing) != 0)
        return SRF_ERR_NO_MEMORY;
    srf__request_spec_t spec = outgoing->spec;
    srf__buf_init(&lines, SRF__HEAD_MAX);
    srf__buf_add_str(&lines, spec.lines);
    if (outgoing->writes_contact)
        add_contact(outgoing, &lines);
    int err = srf__credentials_write(&outgoing->credentials, &spec, &lines);
    if (err == 0) {
        spec.lines = srf__buf_str(&lines);
        srf__client_branch(outgoing->client, 0, branch);
        *out = srf__outgoing_build_along(&outgoing->uac->element->pool, &spec,
                                         &outgoing->flow,
                                         srf__str(branch, sizeof(branch)));
        err = check_image(*out);
    }
    srf__buf_deinit(&lines);
    if (err != 0) {
        srf__msg_unref(*out);
        *out = NULL;
    }
    return err;
}
