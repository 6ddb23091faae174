/*
 * What libFuzzer does with inputs, and between that: names are escaped, and
 * parameters that lead elsewhere are put into URIs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "escape.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed);

/* Puts a parameter where one may stand: before a ">", a ";" or " SIP/2.0". */
static size_t insert_param(uint8_t *data, size_t size, size_t max,
                           unsigned seed)
{
    static const char *const params[] = {
        ";maddr=10.0.0.1", ";maddr=10.0.0.11", ";maddr=proxy.example.com",
        ";transport=udp",  ";transport=tcp",   ";lr",
        ";method=INVITE",  ";ttl=1",           ";user=phone",
    };
    const char *param = params[seed % (sizeof(params) / sizeof(*params))];
    size_t len = strlen(param);
    size_t places = 0;

    for (size_t i = 0; i < size; i++)
        places += data[i] == '>' || data[i] == ';' || data[i] == ' ';
    if (places == 0 || size + len > max)
        return size;
    size_t wanted = seed / 16 % places;
    for (size_t i = 0; i < size; i++) {
        if ((data[i] != '>' && data[i] != ';' && data[i] != ' ') ||
            wanted-- > 0)
            continue;
        memmove(data + i + len, data + i, size - i);
        memcpy(data + i, param, len);
        return size + len;
    }
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    unsigned what = seed % 8;

    seed /= 8;
    if (what == 0)
        return fuzz_escape(data, size, max, seed);
    if (what == 1) {
        size = insert_param(data, size, max, seed);
        return fuzz_escape(data, size, max, seed / 64);
    }
    return LLVMFuzzerMutate(data, size, max);
}
