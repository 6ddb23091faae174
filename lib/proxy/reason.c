/*
 * The Reason of a CANCEL.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/reason.h"

#include "base/utf8.h"
#include "message/build.h"
#include "message/lines.h"

enum { PHRASE_MAX = 100 };

/* Fit for a quoted string (RFC 3261 §25.1), and not too long for what is an aid
 * to people. */
static bool is_presentable(srf__str_t phrase)
{
    uint32_t code;

    if (phrase.len == 0 || phrase.len > PHRASE_MAX)
        return false;
    while (phrase.len > 0) {
        size_t len = srf__utf8_read(phrase, &code);
        if (code == SRF__UTF8_NONE || srf__utf8_is_control(code))
            return false;
        phrase = srf__str(phrase.p + len, phrase.len - len);
    }
    return true;
}

static void add_quoted(srf__buf_t *out, srf__str_t text)
{
    srf__buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            srf__buf_add_char(out, '\\');
        srf__buf_add_char(out, text.p[i]);
    }
    srf__buf_add_char(out, '"');
}

void srf__reason_write(const srf__facts_t *response, srf__buf_t *out)
{
    srf__str_t phrase = srf__facts_str(response, response->reason);

    if (response->status / 100 == 2) { /* RFC 3326 §3.1 */
        srf__buf_add_text(
            out, "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
        return;
    }
    if (!is_presentable(phrase))
        phrase = srf__str_of(srf__status_reason(response->status));
    srf__buf_add_text(out, "Reason: SIP;cause=");
    srf__buf_add_u64(out, response->status);
    if (phrase.len > 0) {
        srf__buf_add_text(out, ";text=");
        add_quoted(out, phrase);
    }
    srf__buf_add_text(out, "\r\n");
}

/* reason-value = protocol *(SEMI reason-params), RFC 3326 §2. */
bool srf__reason_is_valid(srf__str_t value)
{
    char storage[SRF__REASON_BYTES];
    srf__param_t param;

    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return false;
    }
    if (value.len == 0 || value.len > SRF__REASON_VALUE_MAX)
        return false;
    memcpy(storage, value.p, value.len);
    storage[value.len] = '\n'; /* what these read ends so */
    const char *end = storage + value.len;
    const char *p = srf__skip_run(storage, SRF__CHAR_TOKEN);
    if (p == storage)
        return false;
    p = srf__skip_lws(p, end);
    while (p < end) {
        p = *p == ';' ? srf__param_read(p + 1, end, &param) : NULL;
        if (p == NULL || (param.has_value && param.value.len == 0))
            return false;
        p = srf__skip_lws(p, end);
    }
    return true;
}
