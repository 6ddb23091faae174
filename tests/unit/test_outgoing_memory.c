/*
 * srf_request() out of memory: each allocation of a whole request fails once,
 * alone or with those that follow. It is refused without effect, or comes to
 * one completion, and nothing is left behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "asker.h"
#include "failing_memory.h"
#include "runner.h"

#include <stdio.h>

typedef struct play {
    asker_t *asker;
    const char *method;
    const char *answer; /* after the challenge */
    const char *extra;
    bool cancels;
    unsigned seen; /* messages of the peer's inbox that were answered */
} play_t;

static const play_t plays[] = {
    {.method = "REGISTER", .answer = "200 OK", .extra = ""},
    {.method = "INVITE", .answer = "486 Busy Here", .extra = ""},
    {.method = "INVITE",
     .answer = "200 OK",
     .extra = "Record-Route: <sip:10.0.0.11;lr>\nContact: <sip:10.0.0.12>\n"},
    {.method = "INVITE",
     .answer = "200 OK",
     .extra = "Contact: <sip:10.0.0.11>\n",
     .cancels = true},
};

static void reply(play_t *play, unsigned index)
{
    party_t *one = play->asker->one;
    const char *msg = one->inbox[index];

    if (strncmp(msg, "ACK", 3) == 0)
        return;
    if (strncmp(msg, play->method, strlen(play->method)) != 0) {
        party_reply(one, index, "200 OK", ""); /* CANCEL, BYE */
    } else if (party_header(one, msg, "Authorization", 0) == NULL) {
        party_reply(one, index, "401 Unauthorized",
                    "WWW-Authenticate: Digest realm=\"one\", nonce=\"n\", "
                    "algorithm=SHA-256, qop=\"auth\"\n");
    } else if (play->method[0] == 'I') {
        party_reply(one, index, "180 Ringing", "");
    } else {
        party_reply(one, index, play->answer, play->extra);
    }
}

/* The callee answers what rings, again and again. */
static void pick_up(play_t *play)
{
    party_t *one = play->asker->one;

    for (unsigned i = 0; i < play->seen; i++) {
        const char *msg = one->inbox[i];
        if (strncmp(msg, "INVITE", 6) == 0 &&
            party_header(one, msg, "Authorization", 0) != NULL)
            party_reply(one, i, play->answer, play->extra);
    }
}

static void run(play_t *play)
{
    asker_t *asker = play->asker;

    for (unsigned step = 0; step < 100; step++) {
        unsigned until = asker->one->count;
        for (; play->seen < until; play->seen++)
            reply(play, play->seen);
        memnet_run(asker->net, 400);
        if (play->cancels && step == 1 && asker->done == 0)
            srf_outgoing_cancel(asker->handle);
        if (play->method[0] == 'I' && step > 1 && step < 8)
            pick_up(play);
    }
}

static unsigned long play_once(const play_t *model, unsigned long n,
                               unsigned long in_a_row)
{
    static const char *const any_realm[] = {"*", NULL};
    play_t play = *model;

    failing_memory_begin();
    play.asker = asker_create();
    play.asker->options.method = play.method;
    play.asker->options.username = "ann";
    play.asker->options.password = "zanzibar";
    play.asker->options.realms = any_realm;
    failing_memory_fail(n, in_a_row);
    int err = asker_try(play.asker, ASKER_URI);
    if (err == 0)
        run(&play);
    unsigned long count = failing_memory.count;
    failing_memory.fail_at = 0;
    ck_assert_msg(play.asker->done == (err == 0),
                  "%u callbacks, allocation %lu", play.asker->done, n);
    ck_assert(err == 0 || n > 0);
    asker_destroy(play.asker);
    ck_assert_msg(failing_memory.live == 0, "%ld left, allocation %lu",
                  failing_memory.live, n);
    failing_memory_end();
    return count;
}

START_TEST(a_request_ends_whatever_allocation_fails)
{
    const play_t *model = &plays[_i / 2];
    unsigned long count = play_once(model, 0, 0);

    ck_assert_uint_gt(count, 15);
    for (unsigned long n = 1; n <= count; n++)
        (void)play_once(model, n, _i % 2 == 0 ? 1 : 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outgoing_memory");
    TCase *tcase = tcase_create("outgoing_memory");

    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, a_request_ends_whatever_allocation_fails, 0,
                        2 * (int)(sizeof(plays) / sizeof(*plays)));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
