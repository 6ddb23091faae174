/*
 * Lists of structures that can leave them from the middle: each has a `next`,
 * and a `link`, which is what points to it. Arguments are read more than once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LIST_H
#define SRF_LIST_H

#include <stddef.h>

/* In front of the list that begins at `*head`. */
#define srf__list_push(head, item)     \
 do {                                  \
  (item)->next = *(head);              \
  (item)->link = (head);               \
  if ((item)->next != NULL)            \
   (item)->next->link = &(item)->next; \
  *(head) = (item);                    \
 } while (0)

/* Behind the last one, whose `next`, or else the head, is at `*end`. */
#define srf__list_append(end, item) \
 do {                               \
  (item)->next = NULL;              \
  (item)->link = *(end);            \
  **(end) = (item);                 \
  *(end) = &(item)->next;           \
 } while (0)

#define srf__list_remove(item)        \
 do {                                 \
  *(item)->link = (item)->next;       \
  if ((item)->next != NULL)           \
   (item)->next->link = (item)->link; \
 } while (0)

#endif /* SRF_LIST_H */
