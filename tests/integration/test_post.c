/*
 * srf_post(): calls from other threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "srf/srf.h"

#include <uv.h>

enum { THREADS = 4, CALLS = 1000 };

static struct {
    uv_loop_t loop;
    srf_t *srf;
    uv_thread_t owner;
    unsigned calls;
    unsigned from[THREADS]; /* calls of each thread */
    int closed;
} test;

typedef struct ticket {
    unsigned thread;
    unsigned number;
} ticket_t;

static ticket_t tickets[THREADS][CALLS];

static void on_closed(void *data)
{
    (void)data;
    test.closed++;
}

static void set_up(void)
{
    memset(&test, 0, sizeof(test));
    test.owner = uv_thread_self();
    ck_assert_int_eq(uv_loop_init(&test.loop), 0);
    ck_assert_int_eq(srf_create(&test.srf, &test.loop, NULL), 0);
}

static void tear_down(void)
{
    ck_assert_int_eq(uv_run(&test.loop, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(test.closed, 1);
    ck_assert_int_eq(uv_loop_close(&test.loop), 0);
}

static void on_ticket(srf_t *srf, void *data)
{
    const ticket_t *ticket = data;
    uv_thread_t self = uv_thread_self();

    ck_assert_ptr_eq(srf, test.srf);
    ck_assert(uv_thread_equal(&self, &test.owner));
    ck_assert_uint_eq(ticket->number, test.from[ticket->thread]);
    test.from[ticket->thread]++;
    if (++test.calls == THREADS * CALLS)
        srf_destroy(srf, on_closed);
}

static void post_tickets(void *arg)
{
    ticket_t *own = arg;

    for (unsigned i = 0; i < CALLS; i++) {
        if (srf_post(test.srf, on_ticket, &own[i]) != 0)
            abort();
    }
}

START_TEST(calls_of_many_threads_are_made_in_order_on_the_loop)
{
    uv_thread_t threads[THREADS];

    set_up();
    ck_assert_int_eq(srf_listen(test.srf, "sip:127.0.0.1:0", NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned k = 0; k < CALLS; k++)
            tickets[i][k] = (ticket_t){i, k};
        ck_assert_int_eq(
            uv_thread_create(&threads[i], post_tickets, tickets[i]), 0);
    }
    tear_down();
    for (unsigned i = 0; i < THREADS; i++) {
        uv_thread_join(&threads[i]);
        ck_assert_uint_eq(test.from[i], CALLS);
    }
}
END_TEST

static void count(srf_t *srf, void *data)
{
    (void)srf;
    (void)data;
    test.calls++;
}

START_TEST(what_was_posted_before_destroy_is_called)
{
    set_up();
    ck_assert_int_eq(srf_post(test.srf, count, NULL), 0);
    ck_assert_int_eq(srf_post(test.srf, count, NULL), 0);
    srf_destroy(test.srf, on_closed);
    ck_assert_uint_eq(test.calls, 0); /* never from inside a call */
    tear_down();
    ck_assert_uint_eq(test.calls, 2);
}
END_TEST

static void post_again(srf_t *srf, void *data)
{
    test.calls++;
    if (test.calls < 5)
        ck_assert_int_eq(srf_post(srf, post_again, data), 0);
    else
        srf_destroy(srf, on_closed);
}

START_TEST(a_posted_call_may_post)
{
    set_up();
    ck_assert_int_eq(srf_listen(test.srf, "sip:127.0.0.1:0", NULL), 0);
    ck_assert_int_eq(srf_post(test.srf, post_again, NULL), 0);
    tear_down();
    ck_assert_uint_eq(test.calls, 5);
}
END_TEST

/* ---- ends while other threads post ---- */

static uv_thread_t posters[THREADS];

static void destroy(srf_t *srf, void *data)
{
    (void)data;
    srf_destroy(srf, on_closed);
}

static void post_the_end(void *arg)
{
    (void)arg;
    if (srf_post(test.srf, destroy, NULL) != 0)
        abort();
}

/* The call may be made before srf_post() has returned. */
START_TEST(a_posted_call_may_end_the_stack)
{
    for (unsigned i = 0; i < 200; i++) {
        set_up();
        ck_assert_int_eq(srf_listen(test.srf, "sip:127.0.0.1:0", NULL), 0);
        ck_assert_int_eq(uv_thread_create(&posters[0], post_the_end, NULL), 0);
        tear_down();
        uv_thread_join(&posters[0]);
    }
}
END_TEST

/* Until it is refused. */
static void post_for_ever(void *arg)
{
    (void)arg;
    int err = srf_post(test.srf, count, NULL);
    while (err == 0) {
        uv_sleep(1); /* the loop wants its turn */
        err = srf_post(test.srf, count, NULL);
    }
    if (err != SRF_ERR_CANCELED)
        abort();
}

static void on_closed_join(void *data)
{
    for (unsigned i = 0; i < THREADS; i++)
        uv_thread_join(&posters[i]);
    on_closed(data);
}

static void destroy_soon(srf_t *srf, void *data)
{
    (void)data;
    srf_destroy(srf, on_closed_join);
}

START_TEST(threads_may_post_until_the_stack_is_gone)
{
    for (unsigned i = 0; i < 20; i++) {
        set_up();
        ck_assert_int_eq(srf_listen(test.srf, "sip:127.0.0.1:0", NULL), 0);
        for (unsigned k = 0; k < THREADS; k++)
            ck_assert_int_eq(uv_thread_create(&posters[k], post_for_ever, NULL),
                             0);
        ck_assert_int_eq(srf_post(test.srf, destroy_soon, NULL), 0);
        tear_down();
    }
}
END_TEST

START_TEST(it_does_not_keep_the_loop_alive)
{
    set_up();
    ck_assert_int_eq(uv_run(&test.loop, UV_RUN_DEFAULT), 0);
    srf_destroy(test.srf, on_closed);
    tear_down();
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    set_up();
    ck_assert_int_eq(srf_post(NULL, count, NULL), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_post(test.srf, NULL, NULL), SRF_ERR_INVALID_ARGUMENT);
    srf_destroy(test.srf, on_closed);
    tear_down();
    ck_assert_uint_eq(test.calls, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("post");
    TCase *tcase = tcase_create("post");

    tcase_add_test(tcase, calls_of_many_threads_are_made_in_order_on_the_loop);
    tcase_add_test(tcase, what_was_posted_before_destroy_is_called);
    tcase_add_test(tcase, a_posted_call_may_post);
    tcase_add_test(tcase, a_posted_call_may_end_the_stack);
    tcase_add_test(tcase, threads_may_post_until_the_stack_is_gone);
    tcase_add_test(tcase, it_does_not_keep_the_loop_alive);
    tcase_add_test(tcase, bad_arguments_are_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
