/*
 * Messages made here.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/build.h"

#include "base/alloc.h"
#include "base/error.h"

enum { SCRATCH_BYTES = 160 };

typedef struct reason {
    uint16_t status;
    const char *text;
} reason_t;

const char *srf__status_reason(unsigned status)
{
    /* The IANA registry of response codes. */
    static const reason_t reasons[] = {
        {100, "Trying"},
        {180, "Ringing"},
        {181, "Call Is Being Forwarded"},
        {182, "Queued"},
        {183, "Session Progress"},
        {199, "Early Dialog Terminated"},
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Notification"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Moved Temporarily"},
        {305, "Use Proxy"},
        {380, "Alternative Service"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {412, "Conditional Request Failed"},
        {413, "Request Entity Too Large"},
        {414, "Request-URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Unsupported URI Scheme"},
        {417, "Unknown Resource-Priority"},
        {420, "Bad Extension"},
        {421, "Extension Required"},
        {422, "Session Interval Too Small"},
        {423, "Interval Too Brief"},
        {424, "Bad Location Information"},
        {425, "Bad Alert Message"},
        {428, "Use Identity Header"},
        {429, "Provide Referrer Identity"},
        {430, "Flow Failed"},
        {433, "Anonymity Disallowed"},
        {436, "Bad Identity Info"},
        {437, "Unsupported Credential"},
        {438, "Invalid Identity Header"},
        {439, "First Hop Lacks Outbound Support"},
        {440, "Max-Breadth Exceeded"},
        {469, "Bad Info Package"},
        {470, "Consent Needed"},
        {480, "Temporarily Unavailable"},
        {481, "Call/Transaction Does Not Exist"},
        {482, "Loop Detected"},
        {483, "Too Many Hops"},
        {484, "Address Incomplete"},
        {485, "Ambiguous"},
        {486, "Busy Here"},
        {487, "Request Terminated"},
        {488, "Not Acceptable Here"},
        {489, "Bad Event"},
        {491, "Request Pending"},
        {493, "Undecipherable"},
        {494, "Security Agreement Required"},
        {500, "Server Internal Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Server Time-out"},
        {505, "Version Not Supported"},
        {513, "Message Too Large"},
        {555, "Push Notification Service Not Supported"},
        {580, "Precondition Failure"},
        {600, "Busy Everywhere"},
        {603, "Decline"},
        {604, "Does Not Exist Anywhere"},
        {606, "Not Acceptable"},
        {607, "Unwanted"},
        {608, "Rejected"},
    };
    static const char *const classes[] = {
        "Trying",      "Trying",        "OK",        "Multiple Choices",
        "Bad Request", "Server Internal Error", "Busy Everywhere",
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return classes[status / 100 < 7 ? status / 100 : 0];
}

void srf__edit_mark_via(srf__edits_t *edits, const srf__facts_t *facts,
                        const srf__via_mark_t *mark, srf__buf_t *scratch)
{
    const srf__via_t *via = &facts->via;
    uint32_t end = (uint32_t)via->value.off + via->value.len;
    size_t begin = scratch->len;

    if (mark->rport.len > 0 && via->has_rport) {
        srf__buf_add_text(scratch, "rport=");
        srf__buf_add_str(scratch, mark->rport);
        srf__edits_add(edits, via->rport.off, via->rport.len,
                       srf__str(scratch->p + begin, scratch->len - begin));
        begin = scratch->len;
    }
    if (mark->received.len > 0 && via->received.len > 0)
        srf__edits_add(edits, via->received.off, via->received.len,
                       mark->received);
    if (mark->received.len > 0 && via->received.len == 0) {
        srf__buf_add_text(scratch, ";received=");
        srf__buf_add_str(scratch, mark->received);
    }
    if (mark->rport.len > 0 && !via->has_rport) {
        srf__buf_add_text(scratch, ";rport=");
        srf__buf_add_str(scratch, mark->rport);
    }
    if (scratch->len > begin)
        srf__edits_add(edits, end, 0,
                       srf__str(scratch->p + begin, scratch->len - begin));
}

/* Writes into a message whose size was counted first: the same code runs twice,
 * once with `p` NULL. */
typedef struct writer {
    char *p;
    size_t len;
} writer_t;

static void put(writer_t *out, const char *data, size_t len)
{
    if (out->p != NULL && len > 0)
        memcpy(out->p + out->len, data, len);
    out->len += len;
}

static void put_str(writer_t *out, srf__str_t s)
{
    put(out, s.p, s.len);
}

static void put_text(writer_t *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_number(writer_t *out, uint64_t value)
{
    char digits[20];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, digits, sizeof(digits));
    srf__buf_add_u64(&buf, value);
    put_str(out, srf__buf_str(&buf));
}

static void put_line(writer_t *out, const srf__facts_t *facts,
                     const srf__header_t *line)
{
    put(out, facts->data + line->name, (size_t)(line->end - line->name));
}

static void put_all(writer_t *out, const srf__facts_t *facts,
                    srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(facts, id);

    for (; line != NULL; line = srf__facts_next(facts, line))
        put_line(out, facts, line);
}

static void put_first(writer_t *out, const srf__facts_t *facts,
                      srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(facts, id);

    if (line != NULL)
        put_line(out, facts, line);
}

static void put_end(writer_t *out, srf__str_t lines, srf__str_t body)
{
    put_str(out, lines);
    put_text(out, "Content-Length: ");
    put_number(out, body.len);
    put_text(out, "\r\n\r\n");
    put_str(out, body);
}

/* The first Via line with its topmost value marked. */
static void put_marked_via(writer_t *out, const srf__facts_t *facts,
                           const srf__via_mark_t *mark)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_VIA);
    char storage[SCRATCH_BYTES];
    srf__buf_t scratch;
    srf__edits_t edits;

    if (line == NULL)
        return;
    srf__buf_init_fixed(&scratch, storage, sizeof(storage));
    srf__edits_init(&edits);
    srf__edit_mark_via(&edits, facts, mark, &scratch);
    uint32_t done = line->name;
    for (unsigned i = 0; i < edits.count; i++) {
        const srf__edit_t *edit = &edits.list[i];
        put(out, facts->data + done, edit->off - done);
        put_str(out, edit->insert);
        done = edit->off + edit->remove;
    }
    put(out, facts->data + done, line->end - done);
}

static void put_to(writer_t *out, const srf__facts_t *facts, srf__str_t tag)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_TO);

    if (line == NULL)
        return;
    if (tag.len == 0 || facts->to_tag.len > 0) {
        put_line(out, facts, line);
        return;
    }
    uint32_t end = (uint32_t)line->value + line->value_len;
    put(out, facts->data + line->name, end - line->name);
    put_text(out, ";tag=");
    put_str(out, tag);
    put(out, facts->data + end, line->end - end);
}

static void write_response(writer_t *out, const srf__facts_t *facts,
                           const srf__response_spec_t *spec)
{
    const srf__header_t *via = srf__facts_first(facts, SRF__HDR_VIA);

    put_text(out, "SIP/2.0 ");
    put_number(out, spec->status);
    put_text(out, " ");
    if (spec->reason.len > 0)
        put_str(out, spec->reason);
    else
        put_text(out, srf__status_reason(spec->status));
    put_text(out, "\r\n");
    put_marked_via(out, facts, &spec->via_mark);
    while (via != NULL) {
        via = srf__facts_next(facts, via);
        if (via != NULL)
            put_line(out, facts, via);
    }
    if (spec->status > 100 && spec->status < 300) /* §12.1.1 */
        put_all(out, facts, SRF__HDR_RECORD_ROUTE);
    put_first(out, facts, SRF__HDR_FROM);
    put_to(out, facts, spec->status > 100 ? spec->to_tag : srf__str(NULL, 0));
    put_first(out, facts, SRF__HDR_CALL_ID);
    put_first(out, facts, SRF__HDR_CSEQ);
    if (spec->status == 100) /* §8.2.6.1 */
        put_first(out, facts, SRF__HDR_TIMESTAMP);
    put_end(out, spec->lines, spec->body);
}

srf_msg_t *srf__build_response(const srf__facts_t *facts,
                               const srf__response_spec_t *spec)
{
    writer_t count = {NULL, 0};

    write_response(&count, facts, spec);
    srf_msg_t *msg = srf__msg_alloc(count.len);
    if (msg != NULL) {
        writer_t out = {msg->data, 0};
        write_response(&out, facts, spec);
    }
    return msg;
}

/* What ACK and CANCEL have in common with their INVITE (§9.1, §17.1.1.3). */
static void write_follower(writer_t *out, const srf__facts_t *invite,
                           const char *method, const srf__facts_t *to_from,
                           srf__str_t lines)
{
    put_text(out, method);
    put_text(out, " ");
    put_str(out, srf__facts_str(invite, invite->uri));
    put_text(out, " SIP/2.0\r\nVia: ");
    put_str(out, srf__facts_str(invite, invite->via.value));
    put_text(out, "\r\n");
    put_all(out, invite, SRF__HDR_ROUTE);
    put_text(out, "Max-Forwards: 70\r\n");
    put_first(out, invite, SRF__HDR_FROM);
    put_first(out, to_from, SRF__HDR_TO);
    put_first(out, invite, SRF__HDR_CALL_ID);
    put_text(out, "CSeq: ");
    put_number(out, invite->cseq);
    put_text(out, " ");
    put_text(out, method);
    put_text(out, "\r\n");
    put_end(out, lines, srf__str(NULL, 0));
}

static srf_msg_t *build_follower(const srf__facts_t *invite, const char *method,
                                 const srf__facts_t *to_from, srf__str_t lines)
{
    writer_t count = {NULL, 0};

    write_follower(&count, invite, method, to_from, lines);
    srf_msg_t *msg = srf__msg_alloc(count.len);
    if (msg != NULL) {
        writer_t out = {msg->data, 0};
        write_follower(&out, invite, method, to_from, lines);
    }
    return msg;
}

srf_msg_t *srf__build_ack(const srf__facts_t *invite,
                          const srf__facts_t *response)
{
    return build_follower(invite, "ACK", response, srf__str(NULL, 0));
}

srf_msg_t *srf__build_cancel(const srf__facts_t *invite, srf__str_t lines)
{
    return build_follower(invite, "CANCEL", invite, lines);
}

static void put_field(writer_t *out, const char *name, srf__str_t value)
{
    put_text(out, name);
    put_str(out, value);
    put_text(out, "\r\n");
}

static void write_request(writer_t *out, const srf__request_spec_t *spec)
{
    put_str(out, spec->method);
    put_text(out, " ");
    put_str(out, spec->uri);
    put_text(out, " SIP/2.0\r\n");
    put_field(out, "Via: ", spec->via);
    put_text(out, "Max-Forwards: 70\r\n");
    put_field(out, "From: ", spec->from);
    put_field(out, "To: ", spec->to);
    put_field(out, "Call-ID: ", spec->call_id);
    put_text(out, "CSeq: ");
    put_number(out, spec->cseq);
    put_text(out, " ");
    put_str(out, spec->method);
    put_text(out, "\r\n");
    put_end(out, spec->lines, spec->body);
}

srf_msg_t *srf__build_request(const srf__request_spec_t *spec)
{
    writer_t count = {NULL, 0};

    write_request(&count, spec);
    srf_msg_t *msg = srf__msg_alloc(count.len);
    if (msg != NULL) {
        writer_t out = {msg->data, 0};
        write_request(&out, spec);
    }
    return msg;
}
