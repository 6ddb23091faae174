/*
 * DNS answers. c-ares expands the names; its own readers do not tell how long
 * records hold.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/records.h"

#include "base/str.h"

#include <sys/select.h>

#include <ares.h>

enum {
    HEADER_BYTES = 12,
    FIXED_BYTES = 10, /* of a record, behind its name */
    RCODE_NO_NAME = 3,
    CLASS_IN = 1,
    CHAIN_MAX = 8,
    SECTION_MAX = 128, /* records that are looked at in all */
    SRV_BYTES = 6,
    NAPTR_BYTES = 4,
    SOA_BYTES = 20 /* behind its two names */
};

/* The message, and how far it is read. Names may point back into all of it. */
typedef struct reader {
    const unsigned char *data;
    size_t len;
    size_t at;
} reader_t;

/* One record as it stands. */
typedef struct raw {
    char *owner; /* of c-ares */
    uint16_t type;
    uint32_t ttl_s;
    size_t data; /* where its data begins */
    size_t len;
} raw_t;

typedef struct section {
    raw_t list[SECTION_MAX];
    unsigned count;
} section_t;

static uint16_t read_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)read_u16(p) << 16 | read_u16(p + 2);
}

/* The name at `at` in small letters, to be freed with ares_free_string();
 * *behind is where it ends. NULL when there is none, or memory is out. */
static char *read_name(const reader_t *reader, size_t at, size_t *behind)
{
    char *name;
    long len;

    if (at >= reader->len ||
        ares_expand_name(reader->data + at, reader->data, (int)reader->len,
                         &name, &len) != ARES_SUCCESS)
        return NULL;
    *behind = at + (size_t)len;
    for (char *p = name; *p != '\0'; p++)
        *p = (char)srf__lower((unsigned char)*p);
    return name;
}

static bool skip_question(reader_t *reader)
{
    char *name = read_name(reader, reader->at, &reader->at);

    ares_free_string(name);
    reader->at += 4; /* type and class */
    return name != NULL && reader->at <= reader->len;
}

/* False when there is none, or not all of it. */
static bool read_raw(reader_t *reader, raw_t *out, uint16_t *class)
{
    out->owner = read_name(reader, reader->at, &reader->at);
    if (out->owner == NULL)
        return false;
    const unsigned char *p = reader->data + reader->at;
    if (reader->at + FIXED_BYTES <= reader->len) {
        out->type = read_u16(p);
        *class = read_u16(p + 2);
        out->ttl_s = read_u32(p + 4);
        out->len = read_u16(p + 8);
        out->data = reader->at + FIXED_BYTES;
        reader->at = out->data + out->len;
        if (reader->at <= reader->len)
            return true;
    }
    ares_free_string(out->owner);
    return false;
}

static bool read_section(reader_t *reader, unsigned count, section_t *out)
{
    out->count = 0;
    /* What lies behind that many, of whatever class, is not looked at. */
    for (unsigned i = 0; i < count && i < SECTION_MAX; i++) {
        uint16_t class;
        if (!read_raw(reader, &out->list[out->count], &class))
            return false;
        if (out->list[out->count].ttl_s > INT32_MAX) /* RFC 2181 §8 */
            out->list[out->count].ttl_s = 0;
        if (class == CLASS_IN)
            out->count++;
        else
            ares_free_string(out->list[out->count].owner);
    }
    return true;
}

static void free_section(section_t *section)
{
    for (unsigned i = 0; i < section->count; i++)
        ares_free_string(section->list[i].owner);
    section->count = 0;
}

/* ---- one record ---- */

static bool keep_name(srf__records_t *records, const reader_t *reader,
                      size_t at, size_t end, const char **out)
{
    size_t behind;
    char *name = read_name(reader, at, &behind);

    *out = name == NULL || behind != end
               ? NULL
               : srf__arena_strdup(&records->arena, srf__str_of(name));
    ares_free_string(name);
    return *out != NULL;
}

/* A character-string, RFC 1035 §3.3. */
static bool keep_string(srf__records_t *records, const reader_t *reader,
                        size_t *at, size_t end, const char **out)
{
    size_t len = *at < end ? reader->data[*at] : 0;

    if (*at >= end || *at + 1 + len > end)
        return false;
    *out = srf__arena_strdup(
        &records->arena, srf__str((const char *)reader->data + *at + 1, len));
    *at += 1 + len;
    return *out != NULL;
}

static bool read_naptr(srf__records_t *records, const reader_t *reader,
                       const raw_t *raw, srf__record_t *out)
{
    size_t at = raw->data + NAPTR_BYTES;
    size_t end = raw->data + raw->len;
    const char *regexp;

    if (raw->len < NAPTR_BYTES)
        return false;
    out->first = read_u16(reader->data + raw->data);
    out->second = read_u16(reader->data + raw->data + 2);
    if (!keep_string(records, reader, &at, end, &out->flags) ||
        !keep_string(records, reader, &at, end, &out->service) ||
        !keep_string(records, reader, &at, end, &regexp))
        return false;
    out->has_regexp = regexp[0] != '\0';
    return keep_name(records, reader, at, end, &out->host);
}

static bool read_record(srf__records_t *records, const reader_t *reader,
                        const raw_t *raw, srf__record_t *out)
{
    const unsigned char *p = reader->data + raw->data;
    size_t ip_len = raw->type == SRF__RR_A ? 4 : 16;

    switch (raw->type) {
    case SRF__RR_A:
    case SRF__RR_AAAA:
        if (raw->len == ip_len)
            memcpy(out->ip, p, ip_len);
        return raw->len == ip_len;
    case SRF__RR_SRV:
        if (raw->len <= SRV_BYTES)
            return false;
        out->first = read_u16(p);
        out->second = read_u16(p + 2);
        out->port = read_u16(p + 4);
        return keep_name(records, reader, raw->data + SRV_BYTES,
                         raw->data + raw->len, &out->host);
    case SRF__RR_NAPTR:
        return read_naptr(records, reader, raw, out);
    default:
        return false;
    }
}

/* ---- the answer ---- */

static bool is_same_name(const char *a, const char *b)
{
    return srf__str_ieq(srf__str_of(a), srf__str_of(b));
}

static const raw_t *find_raw(const section_t *section, const char *owner,
                             uint16_t type)
{
    for (unsigned i = 0; i < section->count; i++) {
        const raw_t *raw = &section->list[i];
        if (raw->type == type && is_same_name(raw->owner, owner))
            return raw;
    }
    return NULL;
}

/* How many there are, as far as they are kept. */
static unsigned count_raw(const section_t *section, const char *owner,
                          uint16_t type)
{
    unsigned count = 0;

    for (unsigned i = 0; i < section->count; i++) {
        const raw_t *raw = &section->list[i];
        if (raw->type == type && is_same_name(raw->owner, owner))
            count++;
    }
    return count < SRF__RECORDS_MAX ? count : SRF__RECORDS_MAX;
}

/* Where the CNAMEs lead that begin at `name`; they shorten *ttl_s. A name that
 * is to be freed, or NULL when that makes no sense. */
static char *follow(const reader_t *reader, const section_t *section,
                    const char *name, uint32_t *ttl_s)
{
    char *now = NULL;
    const raw_t *raw = find_raw(section, name, SRF__RR_CNAME);

    for (unsigned i = 0; raw != NULL; i++) {
        size_t behind;
        char *next =
            i == CHAIN_MAX ? NULL : read_name(reader, raw->data, &behind);
        ares_free_string(now);
        now = next;
        if (now == NULL)
            return NULL;
        if (raw->ttl_s < *ttl_s)
            *ttl_s = raw->ttl_s;
        raw = find_raw(section, now, SRF__RR_CNAME);
    }
    return now;
}

/* All of that owner and type; those that cannot be read are left out. */
static bool collect(srf__records_t *records, const reader_t *reader,
                    const section_t *section, const char *owner)
{
    unsigned room = count_raw(section, owner, records->type);

    if (room == 0)
        return true;
    records->list =
        srf__arena_alloc(&records->arena, room * sizeof(srf__record_t));
    if (records->list == NULL)
        return false;
    for (unsigned i = 0; i < section->count; i++) {
        const raw_t *raw = &section->list[i];
        srf__record_t *out = &records->list[records->count];
        if (raw->type != records->type || !is_same_name(raw->owner, owner))
            continue;
        if (records->count == room)
            break;
        memset(out, 0, sizeof(*out));
        if (!read_record(records, reader, raw, out))
            continue;
        records->count++;
        if (raw->ttl_s < records->ttl_s)
            records->ttl_s = raw->ttl_s;
    }
    return true;
}

/* RFC 2308 §5: how long it holds that there is nothing. */
static uint32_t negative_ttl(reader_t *reader, unsigned authorities)
{
    section_t section;
    uint32_t ttl_s = UINT32_MAX;

    (void)read_section(reader, authorities, &section);
    for (unsigned i = 0; i < section.count; i++) {
        const raw_t *raw = &section.list[i];
        if (raw->type != SRF__RR_SOA || raw->len < SOA_BYTES)
            continue;
        uint32_t minimum = read_u32(reader->data + raw->data + raw->len - 4);
        ttl_s = raw->ttl_s < minimum ? raw->ttl_s : minimum;
        break;
    }
    free_section(&section);
    return ttl_s;
}

static bool read_answers(srf__records_t *records, reader_t *reader,
                         const char *name)
{
    unsigned rcode = reader->data[3] & 0x0f;
    unsigned questions = read_u16(reader->data + 4);
    unsigned answers = read_u16(reader->data + 6);
    unsigned authorities = read_u16(reader->data + 8);
    section_t section = {.count = 0};
    bool good = (rcode == 0 || rcode == RCODE_NO_NAME) && questions <= 1;

    reader->at = HEADER_BYTES;
    if (good && questions == 1)
        good = skip_question(reader);
    if (good)
        good = read_section(reader, answers, &section);
    if (good) {
        char *end = follow(reader, &section, name, &records->ttl_s);
        good = end != NULL || find_raw(&section, name, SRF__RR_CNAME) == NULL;
        if (good)
            good = collect(records, reader, &section, end == NULL ? name : end);
        ares_free_string(end);
    }
    free_section(&section);
    if (!good)
        return false;
    records->answer = records->count > 0       ? SRF__ANSWER_FOUND
                      : rcode == RCODE_NO_NAME ? SRF__ANSWER_NO_NAME
                                               : SRF__ANSWER_NO_RECORD;
    if (records->count == 0) { /* ttl_s is that of the CNAMEs so far */
        uint32_t ttl_s = negative_ttl(reader, authorities);
        if (ttl_s == UINT32_MAX || ttl_s < records->ttl_s)
            records->ttl_s = ttl_s;
    }
    return true;
}

srf__records_t *srf__records_empty(uint16_t type, srf__answer_t answer,
                                   uint32_t ttl_s)
{
    srf__records_t *records = srf__calloc(1, sizeof(*records));

    if (records == NULL)
        return NULL;
    records->type = type;
    records->answer = (uint8_t)answer;
    records->ttl_s = ttl_s;
    return records;
}

srf__records_t *srf__records_read(const void *answer, size_t len,
                                  const char *name, uint16_t type)
{
    reader_t reader = {.data = answer, .len = len};
    srf__records_t *records =
        srf__records_empty(type, SRF__ANSWER_FAILED, UINT32_MAX);

    if (records == NULL || len < HEADER_BYTES || len > UINT16_MAX)
        return records;
    if (!read_answers(records, &reader, name)) {
        records->answer = SRF__ANSWER_FAILED;
        records->count = 0;
        records->ttl_s = UINT32_MAX;
    }
    return records;
}

void srf__records_free(srf__records_t *records)
{
    if (records == NULL)
        return;
    srf__arena_deinit(&records->arena);
    srf__free(records);
}
