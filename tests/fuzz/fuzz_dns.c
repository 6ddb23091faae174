/*
 * Fuzz target: DNS answers. The first byte says what was asked for; whatever
 * the others are, a set of records comes out that holds together.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "resolver/records.h"

#include <string.h>

static void check_record(const srf__records_t *records,
                         const srf__record_t *record)
{
    if (records->type == SRF__RR_SRV)
        FUZZ_CHECK(record->host != NULL);
    if (records->type == SRF__RR_NAPTR) {
        FUZZ_CHECK(record->host != NULL);
        FUZZ_CHECK(record->flags != NULL && strlen(record->flags) <= 255);
        FUZZ_CHECK(record->service != NULL && strlen(record->service) <= 255);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = {SRF__RR_A, SRF__RR_AAAA, SRF__RR_SRV,
                                     SRF__RR_NAPTR};

    if (size < 1)
        return 0;
    uint16_t type = types[data[0] % 4];
    /* In a block of its own: reading behind it is found. */
    char *copy = malloc(size);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    srf__records_t *records =
        srf__records_read(copy, size - 1, "sip.example.com", type);
    free(copy);
    FUZZ_CHECK(records != NULL);
    FUZZ_CHECK(records->type == type);
    FUZZ_CHECK(records->count <= SRF__RECORDS_MAX);
    FUZZ_CHECK((records->answer == SRF__ANSWER_FOUND) == (records->count > 0));
    FUZZ_CHECK(records->count == 0 || records->ttl_s <= INT32_MAX);
    for (unsigned i = 0; i < records->count; i++)
        check_record(records, &records->list[i]);
    srf__records_free(records);
    return 0;
}
