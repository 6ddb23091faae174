/*
 * Mutations of the network target's scripts by whole commands, beside those of
 * bytes. Part of the target for libFuzzer only.
 *
 * SPDX-License-Identifier: MIT
 */
#include "escape.h"
#include "fuzz.h"

enum { COMMANDS_MAX = 300, OPERANDS_MAX = 11 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

typedef struct script {
    uint8_t *data;
    size_t size;
    size_t max_size;
    unsigned count;
    size_t begins[COMMANDS_MAX + 1]; /* the last one is the end */
    uint32_t dice;
} script_t;

static unsigned roll(script_t *script, unsigned sides)
{
    script->dice ^= script->dice << 13;
    script->dice ^= script->dice >> 17;
    script->dice ^= script->dice << 5;
    return script->dice % sides;
}

static void find_commands(script_t *script)
{
    script->count = 0;
    for (size_t i = 0; i < script->size && script->count < COMMANDS_MAX; i++) {
        if (script->data[i] == '%' && (i == 0 || script->data[i - 1] == '\n'))
            script->begins[script->count++] = i;
    }
    script->begins[script->count] = script->size;
}

static void insert(script_t *script, size_t at, const uint8_t *p, size_t len)
{
    if (script->size + len > script->max_size)
        return;
    memmove(script->data + at + len, script->data + at, script->size - at);
    memcpy(script->data + at, p, len);
    script->size += len;
}

static void cut(script_t *script, size_t at, size_t len)
{
    memmove(script->data + at, script->data + at + len,
            script->size - at - len);
    script->size -= len;
}

/* Most choose among few things, so most operands are small. */
static uint8_t some_operand(script_t *script)
{
    static const unsigned sides[] = {1, 3, 8, 20, 60, 256};

    return (uint8_t)('0' + roll(script, sides[roll(script, 6)]));
}

static void insert_new(script_t *script, size_t at)
{
    static const char letters[] = "qqqqqrrrrrrpptbennnoykcswwmd";
    uint8_t command[OPERANDS_MAX + 3] = {'%'};
    unsigned count = roll(script, OPERANDS_MAX + 1);

    command[1] = (uint8_t)letters[roll(script, sizeof(letters) - 1)];
    for (unsigned i = 0; i < count; i++)
        command[i + 2] = some_operand(script);
    command[count + 2] = '\n';
    insert(script, at, command, count + 3);
}

static void copy(script_t *script, unsigned which, size_t at)
{
    static uint8_t command[1 << 16];
    size_t len = script->begins[which + 1] - script->begins[which];

    if (len > sizeof(command))
        return;
    memcpy(command, script->data + script->begins[which], len);
    insert(script, at, command, len);
}

static void change_operand(script_t *script, unsigned which)
{
    size_t begin = script->begins[which] + 2;
    size_t at = begin + roll(script, OPERANDS_MAX);

    if (at >= script->begins[which + 1] || script->data[at] == '\n')
        at = script->begins[which + 1] - 1;
    if (at < begin || at >= script->size)
        return;
    if (script->data[at] == '\n') {
        uint8_t more = some_operand(script);
        insert(script, at, &more, 1);
    } else {
        script->data[at] = some_operand(script);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    static script_t script;

    script.data = data;
    script.size = size;
    script.max_size = max_size;
    script.dice = seed * 2654435761u | 1;
    find_commands(&script);
    unsigned what = roll(&script, 10);
    if (what == 0)
        return fuzz_escape(data, size, max_size, script.dice);
    if (script.count == 0 || what < 4)
        return LLVMFuzzerMutate(data, size, max_size);
    unsigned which = roll(&script, script.count);
    size_t at = script.begins[1 + roll(&script, script.count)];
    if (what < 6)
        insert_new(&script, at);
    else if (what < 7)
        copy(&script, which, at);
    else if (what < 8)
        cut(&script, script.begins[which],
            script.begins[which + 1] - script.begins[which]);
    else
        change_operand(&script, which);
    return script.size == 0 ? LLVMFuzzerMutate(data, size, max_size)
                            : script.size;
}
