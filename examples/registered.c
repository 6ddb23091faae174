/*
 * Names by flow, in chains that the low bits of its number choose: these are
 * even, since connections are counted.
 *
 * SPDX-License-Identifier: MIT
 */
#include "registered.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 4096 };

struct entry {
    struct entry *next;
    uint64_t flow;
    char *name;
};

static struct entry *chains[CHAINS];

/* What points to the entry of the flow, or to the end of its chain. */
static struct entry **find(uint64_t flow)
{
    struct entry **at = &chains[flow % CHAINS];

    while (*at != NULL && (*at)->flow != flow)
        at = &(*at)->next;
    return at;
}

void registered_add(uint64_t flow, const char *name)
{
    struct entry *entry;

    free(registered_remove(flow));
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return;
    entry->flow = flow;
    entry->name = strdup(name);
    if (entry->name == NULL) {
        free(entry);
        return;
    }
    *find(flow) = entry;
}

char *registered_remove(uint64_t flow)
{
    struct entry **at = find(flow);
    struct entry *entry = *at;

    if (entry == NULL)
        return NULL;
    char *name = entry->name;
    *at = entry->next;
    free(entry);
    return name;
}
