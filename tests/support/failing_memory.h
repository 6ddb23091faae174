/*
 * Memory that fails when told: the library's, and that of libosip2.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_FAILING_MEMORY_H
#define SRF_TEST_FAILING_MEMORY_H

typedef struct failing_memory {
    long live;             /* pieces of the library's that are not given back */
    unsigned long count;   /* allocations asked for */
    unsigned long fail_at; /* the first that fails; 0: none does */
    unsigned long in_a_row;
} failing_memory_t;

extern failing_memory_t failing_memory;

/* From here on all memory is counted, from 0. */
void failing_memory_begin(void);
/* Counts anew, and `in_a_row` allocations fail from the n-th on. */
void failing_memory_fail(unsigned long n, unsigned long in_a_row);
void failing_memory_end(void);

#endif /* SRF_TEST_FAILING_MEMORY_H */
