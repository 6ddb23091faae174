/*
 * The immutable message and what the program may ask it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/message.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

/* A copied piece, in a list of the message's. */
struct srf__msg_text {
    struct srf__msg_text *next;
    uint32_t off;
    uint32_t len; /* of the piece; that of the text may be another */
    char text[];
};

/* Facts together with their header lines. */
typedef struct owned_facts {
    srf__facts_t facts;
    srf__header_t headers[];
} owned_facts_t;

/* Most messages have fewer header lines. */
enum { USUAL_HEADERS = 64 };

/* What a message keeps beside its bytes may change while it is const for those
 * who look at it: no message is an object defined const. */
static srf_msg_t *writable(const srf_msg_t *msg)
{
    return (srf_msg_t *)(uintptr_t)msg;
}

srf_msg_t *srf__msg_alloc(srf__pool_t *pool, size_t len)
{
    if (len > UINT32_MAX - sizeof(srf_msg_t))
        return NULL;

    srf_msg_t *msg = srf__pool_take(pool, sizeof(*msg) + len);
    if (msg == NULL)
        return NULL;
    msg->pool = pool;
    msg->refs = 1;
    msg->len = (uint32_t)len;
    msg->lends = 0;
    msg->facts.own = NULL;
    msg->text = NULL;
    return msg;
}

srf_msg_t *srf__msg_create(srf__pool_t *pool, const srf__facts_t *facts)
{
    srf_msg_t *msg = srf__msg_alloc(pool, facts->len);

    if (msg != NULL)
        memcpy(msg->data, facts->data, facts->len);
    return msg;
}

srf_msg_t *srf__msg_create_without(srf__pool_t *pool, const srf__facts_t *facts,
                                   srf__span_t cut)
{
    size_t behind = (size_t)cut.off + cut.len;
    srf_msg_t *msg = srf__msg_alloc(pool, facts->len - cut.len);

    if (msg == NULL)
        return NULL;
    memcpy(msg->data, facts->data, cut.off);
    memcpy(msg->data + cut.off, facts->data + behind, facts->len - behind);
    return msg;
}

void srf__msg_unref(srf_msg_t *msg)
{
    if (msg == NULL)
        return;
    srf__assert(msg->refs > 0);
    msg->refs--;
    if (msg->refs > 0)
        return;
    srf__msg_forget(msg);
    srf__pool_give(msg->pool, msg, sizeof(*msg) + msg->len);
}

void srf__msg_lend_facts(const srf_msg_t *msg, const srf__facts_t *facts)
{
    srf__msg_forget_facts(msg);
    writable(msg)->lends = facts != NULL;
    writable(msg)->facts.lent = facts;
}

static size_t facts_bytes(uint16_t header_count)
{
    return sizeof(owned_facts_t) + header_count * sizeof(srf__header_t);
}

void srf__msg_forget_facts(const srf_msg_t *msg)
{
    srf__facts_t *facts = msg->facts.own;

    if (facts == NULL || msg->lends)
        return;
    writable(msg)->facts.own = NULL;
    srf__pool_give(msg->pool, facts, facts_bytes(facts->header_cap));
}

void srf__msg_forget(const srf_msg_t *msg)
{
    srf__msg_forget_facts(msg);
    while (msg->text != NULL) {
        struct srf__msg_text *text = msg->text;
        writable(msg)->text = text->next;
        srf__free(text);
    }
}

/* ------------------------------------------------------------------ */
/* Facts                                                               */
/* ------------------------------------------------------------------ */

/* The message was let in with narrower limits, or made here. */
static srf__scan_result_t scan_all(const srf_msg_t *msg, srf__facts_t *facts)
{
    static const srf__scan_limits_t limits = {
        .max_headers = SRF__HEAD_MAX,
        .max_header_bytes = SRF__HEAD_MAX,
    };

    return srf__scan(msg->data, msg->len, &limits, facts);
}

/* No fewer than there are header lines. */
static size_t count_lines(const srf_msg_t *msg)
{
    size_t count = 0;
    const char *p = msg->data;
    const char *end = p + (msg->len < SRF__HEAD_MAX ? msg->len : SRF__HEAD_MAX);

    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        if (lf == NULL)
            break;
        count++;
        p = lf + 1;
    }
    return count;
}

/* Facts that own exactly the header lines there are. */
static srf__facts_t *keep_facts(const srf_msg_t *msg, const srf__facts_t *facts)
{
    owned_facts_t *kept =
        srf__pool_take(msg->pool, facts_bytes(facts->header_count));

    if (kept == NULL)
        return NULL;
    kept->facts = *facts;
    kept->facts.headers = kept->headers;
    kept->facts.header_cap = facts->header_count;
    memcpy(kept->headers, facts->headers,
           facts->header_count * sizeof(*facts->headers));
    return &kept->facts;
}

static srf__facts_t *scan_many(const srf_msg_t *msg)
{
    srf__facts_t *kept = NULL;
    srf__facts_t facts;
    size_t count = count_lines(msg);

    facts.headers = srf__malloc(count * sizeof(*facts.headers));
    facts.header_cap = (uint16_t)count;
    if (facts.headers == NULL)
        return NULL;
    if (scan_all(msg, &facts) == SRF__SCAN_OK)
        kept = keep_facts(msg, &facts);
    srf__free(facts.headers);
    return kept;
}

const srf__facts_t *srf__msg_facts(const srf_msg_t *msg)
{
    srf__header_t headers[USUAL_HEADERS];
    srf__facts_t facts;

    if (msg->facts.lent != NULL)
        return msg->facts.lent;
    facts.headers = headers;
    facts.header_cap = USUAL_HEADERS;
    if (scan_all(msg, &facts) == SRF__SCAN_OK) {
        writable(msg)->facts.own = keep_facts(msg, &facts);
    } else if (facts.header_count == USUAL_HEADERS) {
        writable(msg)->facts.own = scan_many(msg);
    }
    return msg->facts.own;
}

/* ------------------------------------------------------------------ */
/* Strings                                                             */
/* ------------------------------------------------------------------ */

/* Makes each fold with the white space around it one space, the meaning that
 * RFC 3261 §7.3.1 gives it. */
static void unfold(char *text)
{
    const char *p = text;
    char *out = text;
    size_t n = 0;

    while (*p != '\0') {
        if (*p != '\n') {
            out[n++] = *p++;
            continue;
        }
        if (n > 0 && out[n - 1] == '\r')
            n--;
        while (n > 0 && srf__is_blank((unsigned char)out[n - 1]))
            n--;
        p++;
        while (srf__is_blank((unsigned char)*p))
            p++;
        out[n++] = ' ';
    }
    out[n] = '\0';
}

/* Where the bytes of `piece` stand in the message itself: what views of lent
 * facts point to may be gone before the message. */
static srf__str_t own_piece(const srf_msg_t *msg, srf__str_t piece)
{
    const srf__facts_t *lent = msg->facts.lent;

    if (!msg->lends)
        return piece;
    uintptr_t off = (uintptr_t)piece.p - (uintptr_t)lent->data;
    return off <= lent->len ? srf__str(msg->data + off, piece.len) : piece;
}

const char *srf__msg_text_span(const srf_msg_t *msg, srf__str_t piece)
{
    struct srf__msg_text *text;

    piece = own_piece(msg, piece);
    uint32_t off = (uint32_t)(piece.p - msg->data);
    srf__assert(piece.p >= msg->data &&
                piece.p + piece.len <= msg->data + msg->len);
    for (text = msg->text; text != NULL; text = text->next) {
        if (text->off == off && text->len == piece.len)
            return text->text;
    }

    text = srf__malloc(sizeof(*text) + srf__utf8_shown_len(piece) + 1);
    if (text == NULL)
        return NULL;
    text->off = off;
    text->len = (uint32_t)piece.len;
    srf__utf8_show_nuls(text->text, piece);
    unfold(text->text);
    text->next = msg->text;
    writable(msg)->text = text;
    return text->text;
}

static const char *text_of(const srf_msg_t *msg, const srf__facts_t *facts,
                           srf__span_t span)
{
    return srf__msg_text_span(msg, srf__facts_str(facts, span));
}

/* ------------------------------------------------------------------ */
/* Public                                                              */
/* ------------------------------------------------------------------ */

int srf_msg_status(const srf_msg_t *msg)
{
    const srf__facts_t *facts = srf__msg_facts(msg);

    return facts == NULL ? 0 : facts->status;
}

const char *srf_msg_reason(const srf_msg_t *msg)
{
    const srf__facts_t *facts = srf__msg_facts(msg);

    if (facts == NULL || facts->is_request)
        return NULL;
    return text_of(msg, facts, facts->reason);
}

const char *srf_msg_method(const srf_msg_t *msg)
{
    const srf__facts_t *facts = srf__msg_facts(msg);

    return facts == NULL ? NULL : text_of(msg, facts, facts->method_name);
}

const char *srf_msg_uri(const srf_msg_t *msg)
{
    const srf__facts_t *facts = srf__msg_facts(msg);

    if (facts == NULL || !facts->is_request)
        return NULL;
    return text_of(msg, facts, facts->uri);
}

const char *srf_msg_get(const srf_msg_t *msg, const char *name, size_t index)
{
    const srf__facts_t *facts = srf__msg_facts(msg);
    const srf__header_t *header;
    unsigned from = 0;

    if (facts == NULL || name == NULL)
        return NULL;
    do {
        header = srf__facts_find(facts, srf__str_of(name), from);
        if (header == NULL)
            return NULL;
        from = (unsigned)(header - facts->headers) + 1;
    } while (index-- > 0);
    return srf__msg_text_span(msg, srf__header_value(facts, header));
}

const void *srf_msg_body(const srf_msg_t *msg, size_t *len)
{
    const srf__facts_t *facts = srf__msg_facts(msg);
    srf__str_t body = {NULL, 0};

    if (facts != NULL && facts->len > facts->head_len) {
        body = own_piece(msg, srf__str(facts->data + facts->head_len,
                                       facts->len - facts->head_len));
    }
    if (len != NULL)
        *len = body.len;
    return body.p;
}

const void *srf_msg_raw(const srf_msg_t *msg, size_t *len)
{
    if (len != NULL)
        *len = msg->len;
    return msg->data;
}
