/*
 * The scanner: one pass over the bytes of a message, without allocation,
 * giving an index of its header lines and the facts that routing needs. What
 * routing does not need is not judged (RFC 3261 §16.3).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SCAN_H
#define SRF_SCAN_H

#include "base/str.h"
#include "message/header.h"
#include "message/transport_id.h"

#include <stdbool.h>
#include <stdint.h>

/* Head parts beyond this cannot be indexed. */
enum { SRF__HEAD_MAX = 65535 };

/* A piece of the message: offset from its first byte, and length. */
typedef struct srf__span {
    uint16_t off;
    uint16_t len;
} srf__span_t;

/* One header line, folded continuation lines included (RFC 3261 §7.3.1). */
typedef struct srf__header {
    uint16_t name; /* offset of the name: the line's first byte */
    uint16_t name_len;
    uint16_t value;     /* offset of the value, leading white space skipped */
    uint16_t value_len; /* trailing white space left out; may span folds */
    uint16_t end;       /* offset behind the line's last CRLF (or LF) */
    uint8_t id;         /* srf__header_id_t */
    uint8_t flags;      /* zero */
} srf__header_t;

enum { SRF__NO_HEADER = 0xffff };

/* A Via value, RFC 3261 §20.42. A span that is absent is empty and its offset
 * 0; the offset of a parameter that is there without a value, "received=", is
 * where the value would stand. */
typedef struct srf__via {
    srf__span_t value; /* the whole value, without surrounding white space */
    srf__span_t host;  /* sent-by host; IPv6 with its brackets */
    srf__span_t branch;
    srf__span_t received;
    srf__span_t rport_value; /* digits behind "rport=" */
    srf__span_t rport;       /* the whole parameter, "rport" or "rport=5060" */
    uint16_t port;           /* sent-by port, 0 when absent */
    uint16_t keep;     /* behind a "keep" without a value (RFC 6223), or 0 */
    uint8_t transport; /* srf__transport_id_t */
    bool has_rport;    /* the parameter is there, with or without a value */
} srf__via_t;

typedef struct srf__scan_limits {
    uint32_t max_headers;      /* header lines */
    uint32_t max_header_bytes; /* one header line with its folds */
} srf__scan_limits_t;

/* What a message is and says. Spans and offsets are relative to `data`. */
typedef struct srf__facts {
    const char *data;
    uint32_t len;      /* head and body; bytes beyond Content-Length excluded */
    uint32_t head_len; /* up to and including the empty line */

    bool is_request;
    uint8_t method;      /* srf__method_t: start line, or CSeq of a response */
    uint8_t cseq_method; /* srf__method_t */
    uint16_t status;     /* 100..699; 0 for a request */
    srf__span_t method_name; /* of the start line; of CSeq for a response */
    srf__span_t uri;         /* Request-URI */
    srf__span_t reason;      /* reason phrase */

    srf__via_t via; /* topmost Via value */
    /* Offset of the second Via value, on the same line or on a later Via line;
     * 0 when there is only one. */
    uint16_t via2;
    srf__span_t call_id;
    srf__span_t from_tag; /* empty when absent */
    srf__span_t to_tag;
    srf__span_t cseq_method_name;
    uint32_t cseq;
    int32_t max_forwards;   /* 0..255; -1 when absent */
    int64_t content_length; /* -1 when absent */

    /* Set when srf__scan() refuses a message: the status to answer with, and a
     * reason phrase naming the header field. Static text. */
    uint16_t reject_status;
    const char *reject_reason;
    /* The topmost Via is good, so that a refused request can be answered: the
     * response finds its way back, and carries what there is of From, To,
     * Call-ID and CSeq. */
    bool answerable;
    uint8_t flaws; /* SRF__FLAW_*: line ends that are none, and the like */

    uint32_t
        repeated; /* names that have several lines: 1 << srf__header_id_t */
    uint16_t first[SRF__HDR_COUNT]; /* index of the first line of each name */
    uint16_t header_count;
    uint16_t header_cap;
    srf__header_t *headers; /* storage of the caller: header_cap entries */
} srf__facts_t;

typedef enum srf__scan_result {
    SRF__SCAN_OK = 0,
    SRF__SCAN_REJECT, /* a request to be answered with reject_status */
    SRF__SCAN_DROP,   /* nothing to be answered: a broken response or ACK, or no
                         way back */
    SRF__SCAN_KEEPALIVE /* nothing but CR, LF (RFC 5626 §4.4.1) or NUL bytes */
} srf__scan_result_t;

/*
 * Reads one whole message (a datagram, or what framing cut from a stream).
 *
 * Refused (RFC 3261 §7, §8.1.1, §18.3, §20): an unusable start line; a missing
 * Via, From, To, Call-ID or CSeq; a repeated one of these but Via, or a
 * repeated Max-Forwards, Max-Breadth or Content-Length; values of these that
 * cannot be read (of the Via lines only the topmost value is; Max-Forwards and
 * Max-Breadth of a response are ignored, §20); a CSeq method unlike the
 * request's; a CSeq number >= 2**31; Content-Length not a number, negative or
 * beyond the data; a NUL byte in the head; a CR there without its LF; a header
 * line without colon or with a name that is no token; limits exceeded: 400.
 * Another SIP version: 505.
 * Start-line: no leading white space, single SP separators, no trailing white
 * space. Empty lines in front are skipped (§7.5). Line ends are CRLF; a LF
 * without CR is accepted (INTEROP), and noted: srf__lines_repair() makes CRLF
 * of it before the message goes anywhere. Bytes behind Content-Length are left
 * out of `len` (§18.3); without Content-Length the body goes to the end of the
 * data.
 *
 * out->headers and out->header_cap are set by the caller before; everything
 * else is written. More lines than header_cap or limits->max_headers are
 * refused. When empty lines in front were skipped out->data points behind them.
 * Borrows `data` for as long as the facts are used.
 */
srf__scan_result_t srf__scan(const char *data, size_t len,
                             const srf__scan_limits_t *limits,
                             srf__facts_t *out);

static inline srf__str_t srf__facts_str(const srf__facts_t *facts,
                                        srf__span_t span)
{
    return srf__str(facts->data + span.off, span.len);
}

static inline srf__str_t srf__header_value(const srf__facts_t *facts,
                                           const srf__header_t *header)
{
    return srf__str(facts->data + header->value, header->value_len);
}

/* Returns the first line of that name, or NULL. */
static inline const srf__header_t *srf__facts_first(const srf__facts_t *facts,
                                                    srf__header_id_t id)
{
    return facts->first[id] == SRF__NO_HEADER
               ? NULL
               : &facts->headers[facts->first[id]];
}

/* The Max-Breadth of a request that srf__scan() let pass (RFC 5393 §5.1);
 * larger numbers count as UINT32_MAX. False when it has none. */
bool srf__facts_max_breadth(const srf__facts_t *facts, uint32_t *value);

/* Does what srf__facts_next() does where the name has several lines. */
const srf__header_t *srf__facts_search(const srf__facts_t *facts,
                                       const srf__header_t *header);
/* Returns the next line with the same id behind `header`, or NULL. */
static inline const srf__header_t *srf__facts_next(const srf__facts_t *facts,
                                                   const srf__header_t *header)
{
    return (facts->repeated >> header->id & 1) == 0
               ? NULL
               : srf__facts_search(facts, header);
}
/* The first line with this name (compact forms equal long ones), beginning at
 * index `from`; NULL when there is none. For names without an id. */
const srf__header_t *srf__facts_find(const srf__facts_t *facts, srf__str_t name,
                                     unsigned from);

/* Does what srf__name_read() does for a name that is not spelled as most
 * are. */
const char *srf__name_read_slowly(const char *p, srf__header_t *out);

/* The name of the header line at `p`, which ends at `lf`: what is told of it in
 * `out` is its id and the length of its name. Returns what stands behind the
 * colon; NULL when it is no header line. */
static inline const char *srf__name_read(const char *p, const char *lf,
                                         srf__header_t *out)
{
    out->id = (uint8_t)srf__header_guess(p, lf, &out->name_len);
    if (out->id != SRF__HDR_OTHER)
        return p + out->name_len + 1;
    return srf__name_read_slowly(p, out);
}

/* Reads the Via value at `off` (which lies in a Via line ending at `end`); 0 or
 * SRF_ERR_SYNTAX. *next receives the offset of a further value on that line, or
 * 0. */
int srf__via_read(const char *data, uint16_t off, uint16_t end, srf__via_t *out,
                  uint16_t *next);

/* The tag among the header parameters of a From or To, from the first ";" at
 * `p` on; empty when there is none. The byte at `end` can be read and belongs
 * to no parameter. False for what is no list of parameters, and for a tag that
 * is there twice, empty or quoted. */
bool srf__tag_read(const char *p, const char *end, srf__str_t *tag);

/* Splits a comma-separated header value (RFC 3261 §7.3.1), respecting quoted
 * strings and angle brackets. Cuts the first element off *rest and returns it
 * trimmed; false when *rest is empty. */
bool srf__list_next(srf__str_t *rest, srf__str_t *element);

#endif /* SRF_SCAN_H */
