/*
 * Branches, slots and the keys of server transactions.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "transaction/table.h"

#include <stdio.h>

static srf__txns_t txns;
static srf__random_t random_numbers;
static srf__wheel_t wheel;

static void setup(void)
{
    memset(&txns, 0, sizeof(txns));
    srf__random_init_seeded(&random_numbers, 3);
    srf__wheel_init(&wheel, 0);
    txns.random = &random_numbers;
    txns.wheel = &wheel;
    srf__txns_init(&txns);
}

START_TEST(a_branch_is_read_back_as_it_was_written)
{
    const srf__via_id_t id = {255, SRF__SLOTS_MAX - 1, 0xdeadbeef, 0x12345};
    srf__via_id_t read;
    char text[SRF__BRANCH_LEN];

    srf__via_id_write(&id, text);
    ck_assert(srf__via_id_read(srf__str(text, sizeof(text)), &read));
    ck_assert_uint_eq(read.worker, 255);
    ck_assert_uint_eq(read.slot, SRF__SLOTS_MAX - 1);
    ck_assert_uint_eq(read.generation, 0xdeadbeef);
    ck_assert_uint_eq(read.loop_hash, 0x12345);
}
END_TEST

START_TEST(branches_of_others_are_not_ours)
{
    static const char *const others[] = {"",
                                         "z9hG4bK",
                                         "z9hG4bK0100000a3fdeadbeef.0123456",
                                         "z9hG4bK0100000a3fdeadbeef.012345678",
                                         "x9hG4bK0100000a3fdeadbe.01234567",
                                         "z9hG4bKg100000a3fdeadbee.01234567",
                                         "z9hG4bK010000003fdeadbee-01234567"};
    srf__via_id_t read;

    for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
        ck_assert(!srf__via_id_read(srf__str_of(others[i]), &read));
}
END_TEST

START_TEST(slots_are_given_out_once_and_again_when_free)
{
    srf__client_t *clients = (srf__client_t *)&txns; /* only an address */
    uint32_t slots[200];
    uint32_t again;

    for (unsigned i = 0; i < 200; i++) {
        ck_assert_int_eq(srf__slot_take(&txns, clients, &slots[i]), 0);
        for (unsigned j = 0; j < i; j++)
            ck_assert_uint_ne(slots[i], slots[j]);
    }
    ck_assert_ptr_eq(srf__slot_get(&txns, slots[77]), clients);
    srf__slot_free(&txns, slots[77]);
    ck_assert_ptr_null(srf__slot_get(&txns, slots[77]));
    ck_assert_int_eq(srf__slot_take(&txns, clients, &again), 0);
    ck_assert_uint_eq(again, slots[77]);
    ck_assert_ptr_null(srf__slot_get(&txns, 1u << 23));
    for (unsigned i = 0; i < 200; i++)
        srf__slot_free(&txns, slots[i]);
    srf__txns_deinit(&txns);
}
END_TEST

START_TEST(slots_of_a_peak_are_let_go_when_all_are_free)
{
    enum { PEAK = 5000 };
    static uint32_t slots[PEAK];
    srf__client_t *clients = (srf__client_t *)&txns; /* only an address */
    uint32_t one;

    for (unsigned i = 0; i < PEAK; i++)
        ck_assert_int_eq(srf__slot_take(&txns, clients, &slots[i]), 0);
    for (unsigned i = 0; i < PEAK; i++)
        srf__slot_free(&txns, slots[i]);

    ck_assert_uint_eq(txns.slot_count, 0);
    ck_assert_ptr_null(srf__slot_get(&txns, slots[PEAK - 1]));
    ck_assert_int_eq(srf__slot_take(&txns, clients, &one), 0);
    ck_assert_ptr_eq(srf__slot_get(&txns, one), clients);
    ck_assert_uint_lt(txns.slot_count, 1000);
    srf__slot_free(&txns, one);
    srf__txns_deinit(&txns);
}
END_TEST

typedef struct request {
    const char *method;
    const char *uri;
    const char *via;
    const char *to;
} request_t;

static srf__hash128_t key_of(const request_t *request, srf__method_t as)
{
    static const srf__scan_limits_t limits = {64, 4096};
    srf__header_t headers[64];
    srf__facts_t facts = {.headers = headers, .header_cap = 64};
    char text[1024];

    int n = snprintf(text, sizeof(text),
                     "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\n"
                     "From: <sip:a@h>;tag=f\r\nTo: <sip:b@h>%s\r\n"
                     "Call-ID: c\r\nCSeq: 7 %s\r\n\r\n",
                     request->method, request->uri, request->via, request->to,
                     request->method);
    ck_assert_int_eq(srf__scan(text, (size_t)n, &limits, &facts), SRF__SCAN_OK);
    return srf__server_key(&txns, &facts,
                           as == SRF__METHOD_OTHER ? facts.method : as);
}

static bool same(const request_t *a, const request_t *b, srf__method_t b_as)
{
    srf__hash128_t x = key_of(a, SRF__METHOD_OTHER);
    srf__hash128_t y = key_of(b, b_as);

    return x.h[0] == y.h[0] && x.h[1] == y.h[1];
}

START_TEST(ack_and_cancel_find_their_invite_by_branch_and_sent_by)
{
    const request_t invite = {"INVITE", "sip:u@h", "h:5070;branch=z9hG4bKa",
                              ""};
    const request_t ack = {"ACK", "sip:u@h", "H:5070;branch=z9hG4bKa",
                           ";tag=t"};
    const request_t cancel = {"CANCEL", "sip:u@h", "h:5070;branch=z9hG4bKa",
                              ""};
    const request_t port = {"ACK", "sip:u@h", "h;branch=z9hG4bKa", ";tag=t"};
    const request_t host = {"ACK", "sip:u@h", "i:5070;branch=z9hG4bKa", ""};
    const request_t other = {"ACK", "sip:u@h", "h:5070;branch=z9hG4bKb", ""};

    ck_assert(same(&invite, &ack, SRF__METHOD_INVITE));
    ck_assert(same(&invite, &cancel, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &cancel, SRF__METHOD_OTHER));
    ck_assert(!same(&invite, &port, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &host, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &other, SRF__METHOD_INVITE));
}
END_TEST

START_TEST(the_default_port_may_be_written_or_not)
{
    const request_t invite = {"INVITE", "sip:u@h", "h;branch=z9hG4bKa", ""};
    const request_t port = {"ACK", "sip:u@h", "h:5060;branch=z9hG4bKa", ""};
    const request_t tls = {"ACK", "sip:u@h", "h:5061;branch=z9hG4bKa", ""};

    ck_assert(same(&invite, &port, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &tls, SRF__METHOD_INVITE));
}
END_TEST

START_TEST(methods_we_do_not_know_are_told_apart)
{
    const request_t one = {"FOO", "sip:u@h", "h;branch=z9hG4bKa", ""};
    const request_t two = {"BAR", "sip:u@h", "h;branch=z9hG4bKa", ""};

    ck_assert(same(&one, &one, SRF__METHOD_OTHER));
    ck_assert(!same(&one, &two, SRF__METHOD_OTHER));
}
END_TEST

START_TEST(peers_without_the_cookie_match_by_the_rules_of_rfc_2543)
{
    const request_t invite = {"INVITE", "sip:u@h", "h;branch=1", ""};
    const request_t ack = {"ACK", "sip:u@h", "h;branch=1", ";tag=t"};
    const request_t uri = {"ACK", "sip:v@h", "h;branch=1", ";tag=t"};
    const request_t via = {"ACK", "sip:u@h", "h;branch=2", ";tag=t"};
    const request_t bare = {"INVITE", "sip:u@h", "h;branch=z9hG4bK", ""};
    const request_t bare_ack = {"ACK", "sip:u@h", "h;branch=z9hG4bK", ";tag=t"};
    const request_t bare_uri = {"ACK", "sip:v@h", "h;branch=z9hG4bK", ";tag=t"};

    ck_assert(same(&invite, &ack, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &uri, SRF__METHOD_INVITE));
    ck_assert(!same(&invite, &via, SRF__METHOD_INVITE));
    /* Nothing but the cookie is no branch to match by. */
    ck_assert(same(&bare, &bare_ack, SRF__METHOD_INVITE));
    ck_assert(!same(&bare, &bare_uri, SRF__METHOD_INVITE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_branch_is_read_back_as_it_was_written);
    tcase_add_test(tcase, branches_of_others_are_not_ours);
    tcase_add_test(tcase, slots_are_given_out_once_and_again_when_free);
    tcase_add_test(tcase, slots_of_a_peak_are_let_go_when_all_are_free);
    tcase_add_test(tcase,
                   ack_and_cancel_find_their_invite_by_branch_and_sent_by);
    tcase_add_test(tcase, the_default_port_may_be_written_or_not);
    tcase_add_test(tcase, methods_we_do_not_know_are_told_apart);
    tcase_add_test(tcase,
                   peers_without_the_cookie_match_by_the_rules_of_rfc_2543);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
