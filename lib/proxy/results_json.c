/*
 * Results of a proxy operation as JSON (RFC 8259), and names of causes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"
#include "base/error.h"
#include "base/utf8.h"
#include "message/message.h"

/* ------------------------------------------------------------------ */
/* Values                                                              */
/* ------------------------------------------------------------------ */

static void add_escape(srf__buf_t *out, uint32_t c)
{
    static const char letters[] = "btn-fr"; /* 0x08 to 0x0d */
    char digits[4];

    srf__buf_add_char(out, '\\');
    if (c == '"' || c == '\\') {
        srf__buf_add_char(out, (char)c);
    } else if (c >= 0x08 && c <= 0x0d && c != 0x0b) {
        srf__buf_add_char(out, letters[c - 0x08]);
    } else {
        srf__hex_write(digits, c, sizeof(digits));
        srf__buf_add_char(out, 'u');
        srf__buf_add(out, digits, sizeof(digits));
    }
}

static bool is_plain(char c)
{
    return srf__utf8_is_plain(c) && c != '"' && c != '\\';
}

/* Appends what stands between quotes. RFC 8259 §7 wants only C0 escaped; all
 * other controls are too, since people look at the lines in terminals. */
static void add_characters(srf__buf_t *out, srf__str_t s)
{
    while (s.len > 0) {
        uint32_t code = 0x20;
        size_t n = 0;

        while (n < s.len && is_plain(s.p[n]))
            n++;
        if (n == 0)
            n = srf__utf8_read(s, &code);
        if (code == SRF__UTF8_NONE)
            srf__buf_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else if (code == '"' || code == '\\' || srf__utf8_is_control(code))
            add_escape(out, code);
        else
            srf__buf_add(out, s.p, n);
        s = srf__str(s.p + n, s.len - n);
    }
}

static void add_string(srf__buf_t *out, srf__str_t s)
{
    srf__buf_add_char(out, '"');
    add_characters(out, s);
    srf__buf_add_char(out, '"');
}

static void add_text(srf__buf_t *out, const char *text)
{
    add_string(out, srf__str_of(text));
}

static void add_int(srf__buf_t *out, int64_t value)
{
    if (value < 0)
        srf__buf_add_char(out, '-');
    srf__buf_add_u64(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Decimal with leading zeros, as many digits as `unit` has. */
static void add_digits(srf__buf_t *out, uint32_t value, uint32_t unit)
{
    for (; unit > 0; unit /= 10)
        srf__buf_add_char(out, (char)('0' + value / unit % 10));
}

/* "HH:MM:SS.uuuuuu", UTC. */
static void add_time(srf__buf_t *out, int64_t time_us)
{
    const int64_t day_us = INT64_C(86400) * 1000000;
    int64_t us = (time_us % day_us + day_us) % day_us;
    uint32_t seconds = (uint32_t)(us / 1000000);

    srf__buf_add_char(out, '"');
    add_digits(out, seconds / 3600, 10);
    srf__buf_add_char(out, ':');
    add_digits(out, seconds / 60 % 60, 10);
    srf__buf_add_char(out, ':');
    add_digits(out, seconds % 60, 10);
    srf__buf_add_char(out, '.');
    add_digits(out, (uint32_t)(us % 1000000), 100000);
    srf__buf_add_char(out, '"');
}

/* ------------------------------------------------------------------ */
/* Header fields                                                       */
/* ------------------------------------------------------------------ */

/* Long names of compact forms that have no id. */
static const char *const compact_names[26] = {
    ['a' - 'a'] = "accept-contact",
    ['b' - 'a'] = "referred-by",
    ['d' - 'a'] = "request-disposition",
    ['e' - 'a'] = "content-encoding",
    ['j' - 'a'] = "reject-contact",
    ['o' - 'a'] = "event",
    ['r' - 'a'] = "refer-to",
    ['s' - 'a'] = "subject",
    ['u' - 'a'] = "allow-events",
    ['x' - 'a'] = "session-expires",
    ['y' - 'a'] = "identity",
};

static srf__str_t long_name(srf__header_id_t id, srf__str_t name)
{
    if (id != SRF__HDR_OTHER)
        return srf__header_name(id);
    if (name.len == 1 && srf__is_alpha((unsigned char)*name.p)) {
        unsigned char letter = srf__lower((unsigned char)*name.p);
        const char *full = compact_names[letter - 'a'];
        if (full != NULL)
            return srf__str_of(full);
    }
    return name;
}

/* A name is made of token bytes, of which none needs escaping. */
static void add_header_name(srf__buf_t *out, srf__str_t name)
{
    srf__buf_add_char(out, '"');
    for (size_t i = 0; i < name.len; i++)
        srf__buf_add_char(out, (char)srf__lower((unsigned char)name.p[i]));
    srf__buf_add_text(out, "\":\"");
}

/* A fold is a single space (RFC 3261 §7.3.1). */
static void add_unfolded(srf__buf_t *out, srf__str_t value)
{
    bool first = true;

    while (value.len > 0) {
        size_t len = srf__str_find(value, '\n');
        srf__str_t line = srf__str_trim(srf__str(value.p, len));
        if (line.len > 0 && !first)
            srf__buf_add_char(out, ' ');
        add_characters(out, line);
        first = first && line.len == 0;
        len += len < value.len ? 1 : 0;
        value = srf__str(value.p + len, value.len - len);
    }
}

static void add_headers(srf__buf_t *out, const srf__facts_t *facts)
{
    const char *separator = "";

    srf__buf_add_char(out, '{');
    for (unsigned i = 0; i < facts->header_count; i++) {
        const srf__header_t *line = &facts->headers[i];
        srf__str_t name = srf__str(facts->data + line->name, line->name_len);
        if (srf__facts_find(facts, name, 0) != line)
            continue; /* printed with the first of its name */
        srf__buf_add_text(out, separator);
        separator = ",";
        add_header_name(out, long_name((srf__header_id_t)line->id, name));
        while (line != NULL) {
            add_unfolded(out, srf__header_value(facts, line));
            unsigned next = (unsigned)(line - facts->headers) + 1;
            line = srf__facts_find(facts, name, next);
            if (line != NULL)
                srf__buf_add_text(out, ", ");
        }
        srf__buf_add_char(out, '"');
    }
    srf__buf_add_char(out, '}');
}

/* ------------------------------------------------------------------ */
/* Results                                                             */
/* ------------------------------------------------------------------ */

static void add_msg(srf__buf_t *out, const srf_msg_t *msg)
{
    const srf__facts_t *facts = srf__msg_facts(msg);

    if (facts == NULL) {
        out->err = SRF_ERR_NO_MEMORY;
        return;
    }
    srf__buf_add_text(out, "{\"version\":\"2.0\",\"status\":");
    add_int(out, facts->status);
    srf__buf_add_text(out, ",\"reason\":");
    add_string(out, srf__facts_str(facts, facts->reason));
    srf__buf_add_text(out, ",\"headers\":");
    add_headers(out, facts);
    srf__buf_add_text(out, ",\"body\":");
    add_string(out, srf__str(facts->data + facts->head_len,
                             facts->len - facts->head_len));
    srf__buf_add_text(out, ",\"raw\":");
    add_string(out, srf__str(facts->data, facts->len));
    srf__buf_add_char(out, '}');
}

static void add_proxy_msg(srf__buf_t *out, const srf_proxy_msg_t *entry)
{
    srf__buf_add_text(out, "{\"time\":");
    add_time(out, entry->time_us);
    srf__buf_add_text(out, ",\"status\":");
    add_int(out, entry->status);
    srf__buf_add_text(out, ",\"msg\":");
    if (entry->msg != NULL)
        add_msg(out, entry->msg);
    else
        srf__buf_add_text(out, "null");
    srf__buf_add_char(out, '}');
}

static void add_response(srf__buf_t *out, const srf_proxy_response_t *response)
{
    srf__buf_add_text(out, "{\"address\":");
    add_text(out, response->address);
    srf__buf_add_text(out, ",\"port\":");
    add_int(out, response->port);
    srf__buf_add_text(out, ",\"msgs\":[");
    for (size_t i = 0; i < response->msg_count; i++) {
        if (i > 0)
            srf__buf_add_char(out, ',');
        add_proxy_msg(out, &response->msgs[i]);
    }
    srf__buf_add_text(out, "],\"target\":");
    add_text(out, response->target);
    srf__buf_add_text(out, ",\"transport\":");
    add_text(out, response->transport);
    srf__buf_add_text(out, ",\"cause\":");
    add_text(out, srf_cause_name(response->cause));
    srf__buf_add_char(out, '}');
}

char *srf_proxy_results_json(const srf_proxy_results_t *results)
{
    srf__buf_t out;

    srf__buf_init(&out, SIZE_MAX);
    srf__buf_add_text(&out, results->connected != 0 ? "{\"connected\":true"
                                                    : "{\"connected\":false");
    srf__buf_add_text(&out, ",\"finalStatus\":");
    add_int(&out, results->final_status);
    srf__buf_add_text(&out, ",\"finalResponse\":");
    if (results->final_response != NULL)
        add_proxy_msg(&out, results->final_response);
    else
        srf__buf_add_text(&out, "null");
    srf__buf_add_text(&out, ",\"responses\":[");
    for (size_t i = 0; i < results->response_count; i++) {
        if (i > 0)
            srf__buf_add_char(&out, ',');
        add_response(&out, &results->responses[i]);
    }
    srf__buf_add_text(&out, "]}");
    char *text = srf__buf_detach(&out);
    srf__buf_deinit(&out);
    return text;
}

const char *srf_cause_name(int cause)
{
    static const char *const names[] = {
        [SRF_CAUSE_NONE] = "none",
        [SRF_CAUSE_RESPONSE] = "response",
        [SRF_CAUSE_PROVISIONAL_TIMEOUT] = "provisional timeout",
        [SRF_CAUSE_FINAL_TIMEOUT] = "final timeout",
        [SRF_CAUSE_TIMER_B] = "timer B",
        [SRF_CAUSE_TIMER_F] = "timer F",
        [SRF_CAUSE_TIMER_C] = "timer C",
        [SRF_CAUSE_TRANSPORT] = "transport",
        [SRF_CAUSE_DNS] = "dns",
        [SRF_CAUSE_CANCELED] = "cancelled",
    };

    if (cause < 0 || (size_t)cause >= sizeof(names) / sizeof(*names))
        return "unknown";
    return names[cause];
}
