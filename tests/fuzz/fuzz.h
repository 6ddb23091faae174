/*
 * What every fuzz target declares, and how it says that something is wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FUZZ_H
#define SRF_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                      \
 do {                                                              \
  if (!(condition)) {                                              \
   fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
   abort();                                                        \
  }                                                                \
 } while (0)

#endif /* SRF_FUZZ_H */
