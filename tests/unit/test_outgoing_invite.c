/*
 * srf_request() for INVITE: ACK for each 2xx, BYE, CANCEL and what crosses it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "asker.h"
#include "runner.h"

#include <stdio.h>

static void expect_done(const asker_t *asker, int err, int status)
{
    ck_assert_uint_eq(asker->done, 1);
    ck_assert_int_eq(asker->err, err);
    ck_assert_int_eq(asker->status, status);
}

static asker_t *calling(void)
{
    asker_t *asker = asker_create();

    asker_ask(asker, "INVITE", ASKER_URI);
    return asker;
}

static const char contact[] = "Contact: <sip:desk@10.0.0.11:5060>\n";

static void answer(asker_t *asker, const char *status, const char *extra)
{
    asker_reply(asker, "INVITE", 0, status, extra);
}

static void copy_header(party_t *party, const char *start, unsigned index,
                        const char *name, char out[256])
{
    const char *msg = party_find(party, start, index);

    ck_assert_ptr_nonnull(msg);
    const char *value = party_header(party, msg, name, 0);
    ck_assert_ptr_nonnull(value);
    strcpy(out, value);
}

/* ---- 2xx ---- */

START_TEST(a_2xx_is_acknowledged_and_handed_over)
{
    asker_t *asker = calling();
    char invite[256];
    char ack[256];

    world_expect(asker->one, "INVITE", "Contact", "<sip:10.0.0.1:5060>");
    answer(asker, "180 Ringing", "");
    answer(asker, "200 OK", contact);
    expect_done(asker, 0, 200);
    ck_assert_uint_eq(asker->heard, 1);
    ck_assert_uint_eq(
        party_received(asker->one, "ACK sip:desk@10.0.0.11:5060 SIP/2.0"), 1);
    world_expect(asker->one, "ACK", "CSeq", "1 ACK");
    world_expect(asker->one, "ACK", "To", "<sip:bob@10.0.0.11>;tag=uas");
    world_expect(asker->one, "ACK", "Route", NULL);
    copy_header(asker->one, "INVITE", 0, "From", invite);
    copy_header(asker->one, "ACK", 0, "From", ack);
    ck_assert_str_eq(ack, invite);
    copy_header(asker->one, "INVITE", 0, "Call-ID", invite);
    copy_header(asker->one, "ACK", 0, "Call-ID", ack);
    ck_assert_str_eq(ack, invite);
    copy_header(asker->one, "INVITE", 0, "Via", invite);
    copy_header(asker->one, "ACK", 0, "Via", ack);
    ck_assert_str_ne(ack, invite); /* a transaction of its own */
    memnet_run(asker->net, 60000);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 0);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_repeated_2xx_is_acknowledged_each_time)
{
    asker_t *asker = calling();

    answer(asker, "200 OK", contact);
    memnet_run(asker->net, 500);
    answer(asker, "200 OK", contact);
    memnet_run(asker->net, 20000);
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 3);
    ck_assert_str_eq(party_find(asker->one, "ACK", 0),
                     party_find(asker->one, "ACK", 2));
    expect_done(asker, 0, 200);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 0);
    asker_destroy(asker);
}
END_TEST

START_TEST(the_ack_follows_the_record_route_in_reverse)
{
    asker_t *asker = calling();

    answer(asker, "200 OK",
           "Record-Route: <sip:10.0.0.13;lr>, <sip:10.0.0.14;lr>\n"
           "Record-Route: <sip:10.0.0.12;lr;x=1>\n"
           "Contact: \"Desk\" <sip:desk@10.0.0.15?a=b>\n");
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 0);
    const char *ack = party_find(asker->two, "ACK sip:desk@10.0.0.15 ", 0);
    ck_assert_ptr_nonnull(ack);
    ck_assert_str_eq(party_header(asker->two, ack, "Route", 0),
                     "<sip:10.0.0.12;lr;x=1>");
    ck_assert_str_eq(party_header(asker->two, ack, "Route", 1),
                     "<sip:10.0.0.14;lr>");
    ck_assert_str_eq(party_header(asker->two, ack, "Route", 2),
                     "<sip:10.0.0.13;lr>");
    asker_destroy(asker);
}
END_TEST

/* Some write the parameters of the URI behind its brackets. */
START_TEST(the_transport_beside_a_contact_is_the_contacts)
{
    static const struct {
        const char *contact;
        const char *ack;
    } cases[] = {
        {"<sip:desk@10.0.0.11>;transport=udp",
         "ACK sip:desk@10.0.0.11;transport=udp SIP/2.0"},
        {"sip:desk@10.0.0.11;expires=60; Transport=UDP",
         "ACK sip:desk@10.0.0.11;transport=UDP SIP/2.0"},
        {"<sip:desk@10.0.0.11;transport=udp>;transport=tcp",
         "ACK sip:desk@10.0.0.11;transport=udp SIP/2.0"},
        {"<sip:desk@10.0.0.11;a=b?c=d>;transport=udp",
         "ACK sip:desk@10.0.0.11;a=b;transport=udp SIP/2.0"},
        {"<sip:desk@10.0.0.11>;transport=smoke",
         "ACK sip:desk@10.0.0.11 SIP/2.0"},
        {"<sip:desk@10.0.0.11>;transport", "ACK sip:desk@10.0.0.11 SIP/2.0"},
        /* over which there is no way from here: as the INVITE went */
        {"<sip:desk@10.0.0.11>;transport=tcp",
         "ACK sip:desk@10.0.0.11;transport=tcp SIP/2.0"},
    };
    asker_t *asker = calling();
    char line[64];

    sprintf(line, "Contact: %s\n", cases[_i].contact);
    answer(asker, "200 OK", line);
    expect_done(asker, 0, 200);
    ck_assert_uint_eq(party_received(asker->one, cases[_i].ack), 1);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_strict_router_finds_itself_in_the_request_line)
{
    asker_t *asker = calling();

    answer(asker, "200 OK",
           "Record-Route: <sip:10.0.0.13;lr>, <sip:10.0.0.12;x=1>\n"
           "Contact: <sip:desk@10.0.0.15>\n");
    const char *ack = party_find(asker->two, "ACK sip:10.0.0.12;x=1 ", 0);
    ck_assert_ptr_nonnull(ack);
    ck_assert_str_eq(party_header(asker->two, ack, "Route", 0),
                     "<sip:10.0.0.13;lr>");
    ck_assert_str_eq(party_header(asker->two, ack, "Route", 1),
                     "<sip:desk@10.0.0.15>");
    asker_destroy(asker);
}
END_TEST

static const char *const odd_contacts[] = {"", "Contact: *\n",
                                           "Contact: <sip:desk@example.com>\n",
                                           "Contact: <sip:[2001:db8::1]>\n"};

START_TEST(the_ack_goes_where_the_invite_went_if_the_contact_leads_nowhere)
{
    asker_t *asker = calling();

    answer(asker, "200 OK", odd_contacts[_i]);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

/* RFC 3261 §26.2.2: the INVITE went to who wrote it, a Record-Route may name
 * anybody. */
START_TEST(the_ack_for_a_sips_contact_takes_no_open_route)
{
    asker_t *asker = calling();
    srf_stats_t stats = {.size = sizeof(stats)};

    answer(asker, "200 OK",
           "Record-Route: <sip:10.0.0.12;lr>\n"
           "Contact: <sips:desk@10.0.0.15>\n");
    ck_assert_uint_eq(party_received(asker->two, "ACK"), 0);
    ck_assert_uint_eq(
        party_received(asker->one, "ACK sips:desk@10.0.0.15 SIP/2.0"), 1);
    ck_assert_int_eq(srf_stats(asker->srf, &stats), 0);
    ck_assert_uint_eq(stats.sips_refused, 1);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_route_set_that_cannot_be_read_is_told_without_an_ack)
{
    asker_t *asker = calling();

    answer(asker, "200 OK", "Record-Route: nonsense\n");
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 0);
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

static void send_fork(asker_t *asker, const char *tag)
{
    const char *invite = party_find(asker->one, "INVITE", 0);
    char via[256];
    char from[256];
    char call_id[256];

    copy_header(asker->one, "INVITE", 0, "Via", via);
    copy_header(asker->one, "INVITE", 0, "From", from);
    copy_header(asker->one, "INVITE", 0, "Call-ID", call_id);
    ck_assert_ptr_nonnull(invite);
    party_send(asker->one, ASKER_HOST ":5060",
               "SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: <sip:bob@10.0.0.11>"
               ";tag=%s\nCall-ID: %s\nCSeq: 1 INVITE\n"
               "Contact: <sip:%s@10.0.0.12>\n",
               via, from, tag, call_id, tag);
    asker_settle(asker);
}

START_TEST(a_second_answerer_is_acknowledged_and_hung_up_on)
{
    asker_t *asker = calling();

    answer(asker, "200 OK", contact);
    send_fork(asker, "fork");
    ck_assert_uint_eq(party_received(asker->two, "ACK sip:fork@10.0.0.12 "), 1);
    ck_assert_uint_eq(party_received(asker->two, "BYE sip:fork@10.0.0.12 "), 1);
    world_expect(asker->two, "BYE", "To", "<sip:bob@10.0.0.11>;tag=fork");
    world_expect(asker->two, "BYE", "CSeq", "2 BYE");
    send_fork(asker, "fork");
    ck_assert_uint_eq(party_received(asker->two, "ACK"), 2);
    party_reply(asker->two, party_index(asker->two, "BYE", 0), "200 OK", "");
    memnet_run(asker->net, 5000);
    ck_assert_uint_eq(party_received(asker->two, "BYE"), 1);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 0);
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(answerers_are_counted)
{
    asker_t *asker = calling();
    char tag[16];

    for (int i = 0; i < 40; i++) {
        snprintf(tag, sizeof(tag), "fork%d", i);
        send_fork(asker, tag);
    }
    ck_assert_uint_eq(party_received(asker->two, "ACK"), 16);
    ck_assert_uint_eq(party_received(asker->two, "BYE"), 15);
    asker_destroy(asker);
}
END_TEST

static void say_bye(asker_t *asker, const srf_msg_t *response)
{
    asker->on_done = NULL;
    asker->options.dialog = response;
    asker->options.method = "BYE";
    asker->options.on_response = NULL;
    ck_assert_int_eq(srf_request(asker->srf, NULL, &asker->options, asker_done),
                     0);
}

START_TEST(the_program_hangs_up_with_a_bye_in_the_dialog)
{
    asker_t *asker = calling();
    char invite[256];
    char bye[256];

    asker->on_done = say_bye;
    answer(asker, "200 OK",
           "Record-Route: <sip:10.0.0.12;lr>\n"
           "Contact: <sip:desk@10.0.0.11>\n");
    ck_assert_uint_eq(party_received(asker->two, "BYE sip:desk@10.0.0.11 "), 1);
    world_expect(asker->two, "BYE", "Route", "<sip:10.0.0.12;lr>");
    world_expect(asker->two, "BYE", "CSeq", "2 BYE");
    world_expect(asker->two, "BYE", "To", "<sip:bob@10.0.0.11>;tag=uas");
    copy_header(asker->one, "INVITE", 0, "From", invite);
    copy_header(asker->two, "BYE", 0, "From", bye);
    ck_assert_str_eq(bye, invite);
    party_reply(asker->two, party_index(asker->two, "BYE", 0), "200 OK", "");
    asker_settle(asker);
    ck_assert_uint_eq(asker->done, 2);
    ck_assert_int_eq(asker->err, 0);
    asker_destroy(asker);
}
END_TEST

static void misuse_dialog(asker_t *asker, const srf_msg_t *response)
{
    srf_request_options_t options;

    srf_request_options_init(&options);
    options.method = "BYE";
    options.dialog = response;
    ck_assert_int_eq(srf_request(asker->srf, NULL, &options, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
}

START_TEST(a_refusal_or_a_2xx_without_contact_makes_no_dialog)
{
    asker_t *asker = calling();

    asker->on_done = misuse_dialog;
    answer(asker, _i == 0 ? "486 Busy Here" : "200 OK", "");
    ck_assert_uint_eq(asker->done, 1);
    asker_destroy(asker);
}
END_TEST

static void pick_up(srf_req_t *req, srf_res_t *res)
{
    srf_res_options_t options;

    (void)req;
    srf_res_options_init(&options);
    options.headers =
        (const char *const[]){"Contact", "<sip:10.0.0.2:5060>", NULL};
    ck_assert_int_eq(srf_res_send(res, 200, &options), 0);
}

START_TEST(another_stack_takes_the_ack)
{
    asker_t *asker = asker_create();
    srf_t *other = memnet_stack(asker->net, "10.0.0.2:5060", NULL);

    ck_assert_int_eq(srf_invite(other, pick_up), 0);
    asker_ask(asker, "INVITE", "sip:10.0.0.2");
    memnet_run(asker->net, 20);
    expect_done(asker, 0, 200);
    ck_assert_uint_eq(other->answers.waiting.count, 0); /* it repeats nothing */
    memnet_drain(asker->net, 600000);
    srf_destroy(other, NULL);
    asker_destroy(asker);
}
END_TEST

static void give_uri_too(asker_t *asker, const srf_msg_t *response)
{
    srf_request_options_t options;

    srf_request_options_init(&options);
    options.dialog = response;
    ck_assert_int_eq(srf_request(asker->srf, ASKER_URI, &options, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
    options.headers = (const char *const[]){"To", "<sip:a@b>", NULL};
    ck_assert_int_eq(srf_request(asker->srf, NULL, &options, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
}

START_TEST(what_the_dialog_says_is_not_said_twice)
{
    asker_t *asker = calling();

    asker->on_done = give_uri_too;
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(asker->done, 1);
    ck_assert_uint_eq(party_received(asker->one, "OPTIONS"), 0);
    asker_destroy(asker);
}
END_TEST

/* ---- refusals, timeouts ---- */

START_TEST(a_refusal_is_acknowledged_by_the_transaction)
{
    asker_t *asker = calling();
    char invite[256];
    char ack[256];

    answer(asker, "486 Busy Here", "");
    expect_done(asker, 0, 486);
    answer(asker, "486 Busy Here", "");
    ck_assert_uint_eq(party_received(asker->one, "ACK " ASKER_URI " "), 2);
    copy_header(asker->one, "INVITE", 0, "Via", invite);
    copy_header(asker->one, "ACK", 0, "Via", ack);
    ck_assert_str_eq(ack, invite);
    asker_destroy(asker);
}
END_TEST

START_TEST(silence_ends_with_timer_b)
{
    asker_t *asker = calling();

    memnet_run(asker->net, 31900);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 200);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    asker_destroy(asker);
}
END_TEST

static asker_t *calling_for(uint32_t timeout_ms)
{
    asker_t *asker = asker_create();

    asker->options.timeout_ms = timeout_ms;
    asker_ask(asker, "INVITE", ASKER_URI);
    return asker;
}

START_TEST(timeout_ms_cancels_what_rings)
{
    asker_t *asker = calling_for(5000);

    answer(asker, "180 Ringing", "");
    memnet_run(asker->net, 4980);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 30);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL " ASKER_URI " "), 1);
    asker_reply(asker, "CANCEL", 0, "200 OK", "");
    answer(asker, "487 Request Terminated", "");
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    ck_assert_uint_eq(asker->done, 1);
    ck_assert_ptr_null(asker->srf->uac.outgoing);
    asker_destroy(asker);
}
END_TEST

START_TEST(timeout_ms_cancels_what_rings_later)
{
    asker_t *asker = calling_for(1000);

    memnet_run(asker->net, 1010);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 0);
    answer(asker, "180 Ringing", "");
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 1);
    ck_assert_uint_eq(asker->heard, 0);
    asker_reply(asker, "CANCEL", 0, "200 OK", "");
    memnet_run(asker->net, 31000);
    ck_assert_ptr_nonnull(asker->srf->uac.outgoing);
    memnet_run(asker->net, 1100);
    ck_assert_ptr_null(asker->srf->uac.outgoing); /* 64*T1 behind the CANCEL */
    asker_destroy(asker);
}
END_TEST

START_TEST(a_2xx_after_the_timeout_is_hung_up_on)
{
    asker_t *asker = calling_for(1000);

    memnet_run(asker->net, 1010);
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    ck_assert_uint_eq(
        party_received(asker->one, "BYE sip:desk@10.0.0.11:5060 "), 1);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    asker_reply(asker, "BYE", 0, "200 OK", "");
    asker_destroy(asker);
}
END_TEST

START_TEST(a_2xx_behind_the_cancel_is_acknowledged_as_long_as_it_comes)
{
    asker_t *asker = calling_for(1000);

    answer(asker, "180 Ringing", "");
    memnet_run(asker->net, 1010);
    asker_reply(asker, "CANCEL", 0, "481 Call/Transaction Does Not Exist", "");
    memnet_run(asker->net, 20000);
    answer(asker, "200 OK", contact);
    asker_reply(asker, "BYE", 0, "200 OK", "");
    memnet_run(asker->net, 20000); /* beyond 64*T1 of the CANCEL */
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 2);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_bye_goes_where_the_invite_went_if_the_contact_is_a_name)
{
    asker_t *asker = calling_for(1000);

    memnet_run(asker->net, 1010);
    answer(asker, "200 OK", "Contact: <sip:desk@example.com>\n");
    ck_assert_uint_eq(party_received(asker->one, "BYE sip:desk@example.com "),
                      1);
    asker_destroy(asker);
}
END_TEST

/* So it does if the Contact leads nowhere at all: the ACK went there, too. */
START_TEST(a_bye_goes_where_the_invite_went_if_the_contact_leads_nowhere)
{
    static const char *const contacts[] = {
        "Contact: <sip:desk@10.0.0.15;transport=ws>\n",
        "Contact: <sip:desk@10.0.0.15;transport=tcp>\n",
        "Contact: <sip:desk@[2001:db8::1]>\n",
        "Contact: <sips:desk@10.0.0.15>\n",
        "Contact: <tel:+4912>\n",
    };
    asker_t *asker = calling();

    answer(asker, "180 Ringing", "");
    srf_outgoing_cancel(asker->handle);
    answer(asker, "200 OK", contacts[_i]);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 1);
    asker_destroy(asker);
}
END_TEST

static const char *refused;
static int reason; /* why the last one was asked for */

static int not_there(const srf_destination_t *destination, void *data)
{
    (void)data;
    reason = destination->reason;
    return strcmp(destination->address, refused) != 0;
}

static asker_t *calling_where_allowed(void)
{
    srf_options_t options;

    refused = "";
    srf_options_init(&options);
    options.allow_destination = not_there;
    asker_t *asker = asker_create_with(&options);
    asker_ask(asker, "INVITE", ASKER_URI);
    ck_assert_int_eq(reason, SRF_DESTINATION_TARGET);
    answer(asker, "180 Ringing", "");
    return asker;
}

/* It is the callee who chose it. */
START_TEST(a_contact_to_hang_up_on_is_the_networks_choice)
{
    asker_t *asker = calling_where_allowed();

    srf_outgoing_cancel(asker->handle);
    answer(asker, "200 OK", "Contact: <sip:desk@10.0.0.12>\n");
    ck_assert_uint_eq(party_received(asker->two, "BYE"), 1);
    ck_assert_int_eq(reason, SRF_DESTINATION_ROUTE);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_bye_goes_where_the_invite_went_if_the_contact_is_not_allowed)
{
    asker_t *asker = calling_where_allowed();

    refused = "10.0.0.12";
    srf_outgoing_cancel(asker->handle);
    answer(asker, "200 OK", "Contact: <sip:desk@10.0.0.12>\n");
    ck_assert_uint_eq(party_received(asker->two, "BYE"), 0);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 1);
    asker_destroy(asker);
}
END_TEST

static void bye_to(asker_t *asker, const srf_msg_t *response)
{
    srf_request_options_t options;

    srf_request_options_init(&options);
    options.method = "BYE";
    options.dialog = response;
    options.next_hop = "10.0.0.12";
    reason = -1;
    ck_assert_int_eq(srf_request(asker->srf, NULL, &options, NULL), 0);
    ck_assert_int_eq(reason, SRF_DESTINATION_TARGET);
    options.next_hop = NULL;
    ck_assert_int_eq(srf_request(asker->srf, NULL, &options, NULL), 0);
    ck_assert_int_eq(reason, SRF_DESTINATION_ROUTE);
    refused = "10.0.0.12";
    ck_assert_int_eq(srf_request(asker->srf, NULL, &options, NULL),
                     SRF_ERR_NOT_ALLOWED);
}

/* Only a next_hop is the program's. */
START_TEST(inside_a_dialog_its_peer_chooses_where_requests_go)
{
    asker_t *asker = calling_where_allowed();

    asker->on_done = bye_to;
    answer(asker, "200 OK", "Contact: <sip:desk@10.0.0.12>\n");
    ck_assert_uint_eq(asker->done, 1);
    asker_destroy(asker);
}
END_TEST

/* ---- CANCEL ---- */

START_TEST(cancel_after_a_provisional_response)
{
    asker_t *asker = calling();
    char invite[256];
    char cancel[256];

    answer(asker, "180 Ringing", "");
    srf_outgoing_cancel(asker->handle);
    srf_outgoing_cancel(asker->handle);
    asker_settle(asker);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL " ASKER_URI " "), 1);
    world_expect(asker->one, "CANCEL", "CSeq", "1 CANCEL");
    copy_header(asker->one, "INVITE", 0, "Via", invite);
    copy_header(asker->one, "CANCEL", 0, "Via", cancel);
    ck_assert_str_eq(cancel, invite);
    ck_assert_uint_eq(asker->done, 0);
    asker_reply(asker, "CANCEL", 0, "200 OK", "");
    ck_assert_uint_eq(asker->done, 0);
    answer(asker, "487 Request Terminated", "");
    expect_done(asker, SRF_ERR_CANCELED, 487);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    asker_destroy(asker);
}
END_TEST

START_TEST(cancel_before_a_provisional_response_waits_for_it)
{
    asker_t *asker = calling();

    srf_outgoing_cancel(asker->handle);
    asker_settle(asker);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 0);
    answer(asker, "100 Trying", "");
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 1);
    ck_assert_uint_eq(asker->heard, 1);
    asker_reply(asker, "CANCEL", 0, "200 OK", "");
    answer(asker, "487 Request Terminated", "");
    expect_done(asker, SRF_ERR_CANCELED, 487);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_cancelled_invite_that_nobody_answers_ends)
{
    asker_t *asker = calling();

    if (_i == 1)
        answer(asker, "180 Ringing", "");
    srf_outgoing_cancel(asker->handle);
    memnet_run(asker->net, 33000);
    expect_done(asker, SRF_ERR_CANCELED, 0);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL") > 0, _i == 1);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_2xx_that_crosses_the_cancel_is_hung_up_on)
{
    asker_t *asker = calling();

    answer(asker, "180 Ringing", "");
    srf_outgoing_cancel(asker->handle);
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 1);
    expect_done(asker, SRF_ERR_CANCELED, 200);
    asker_reply(asker, "CANCEL", 0, "481 Call/Transaction Does Not Exist", "");
    asker_reply(asker, "BYE", 0, "200 OK", "");
    answer(asker, "200 OK", contact);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 2);
    ck_assert_uint_eq(party_received(asker->one, "BYE"), 1);
    asker_destroy(asker);
}
END_TEST

static void cancel_when_heard(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    srf_outgoing_cancel(asker->handle);
}

START_TEST(cancel_from_the_hook)
{
    asker_t *asker = calling();

    asker->on_heard = cancel_when_heard;
    answer(asker, "180 Ringing", "");
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 1);
    answer(asker, "487 Request Terminated", "");
    expect_done(asker, SRF_ERR_CANCELED, 487);
    asker_destroy(asker);
}
END_TEST

START_TEST(destroy_after_the_answer)
{
    asker_t *asker = calling();

    answer(asker, "200 OK", contact);
    asker->destroyed = true;
    srf_destroy(asker->srf, NULL);
    memnet_run(asker->net, 5);
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

static TCase *answering(void)
{
    TCase *tcase = tcase_create("answering");

    tcase_add_test(tcase, a_2xx_is_acknowledged_and_handed_over);
    tcase_add_test(tcase, a_repeated_2xx_is_acknowledged_each_time);
    tcase_add_test(tcase, the_ack_follows_the_record_route_in_reverse);
    tcase_add_loop_test(tcase, the_transport_beside_a_contact_is_the_contacts,
                        0, 7);
    tcase_add_test(tcase, a_strict_router_finds_itself_in_the_request_line);
    tcase_add_loop_test(
        tcase, the_ack_goes_where_the_invite_went_if_the_contact_leads_nowhere,
        0, 4);
    tcase_add_test(tcase, the_ack_for_a_sips_contact_takes_no_open_route);
    tcase_add_test(tcase,
                   a_route_set_that_cannot_be_read_is_told_without_an_ack);
    tcase_add_test(tcase, a_second_answerer_is_acknowledged_and_hung_up_on);
    tcase_add_test(tcase, answerers_are_counted);
    tcase_add_test(tcase, the_program_hangs_up_with_a_bye_in_the_dialog);
    tcase_add_loop_test(
        tcase, a_refusal_or_a_2xx_without_contact_makes_no_dialog, 0, 2);
    tcase_add_test(tcase, another_stack_takes_the_ack);
    tcase_add_test(tcase, what_the_dialog_says_is_not_said_twice);
    tcase_add_test(tcase, destroy_after_the_answer);
    return tcase;
}

static TCase *giving_up(void)
{
    TCase *tcase = tcase_create("giving_up");

    tcase_add_test(tcase, a_refusal_is_acknowledged_by_the_transaction);
    tcase_add_test(tcase, silence_ends_with_timer_b);
    tcase_add_test(tcase, timeout_ms_cancels_what_rings);
    tcase_add_test(tcase, timeout_ms_cancels_what_rings_later);
    tcase_add_test(tcase, a_2xx_after_the_timeout_is_hung_up_on);
    tcase_add_test(tcase,
                   a_2xx_behind_the_cancel_is_acknowledged_as_long_as_it_comes);
    tcase_add_test(tcase,
                   a_bye_goes_where_the_invite_went_if_the_contact_is_a_name);
    tcase_add_loop_test(
        tcase, a_bye_goes_where_the_invite_went_if_the_contact_leads_nowhere, 0,
        5);
    tcase_add_test(tcase, a_contact_to_hang_up_on_is_the_networks_choice);
    tcase_add_test(
        tcase, a_bye_goes_where_the_invite_went_if_the_contact_is_not_allowed);
    tcase_add_test(tcase, inside_a_dialog_its_peer_chooses_where_requests_go);
    tcase_add_test(tcase, cancel_after_a_provisional_response);
    tcase_add_test(tcase, cancel_before_a_provisional_response_waits_for_it);
    tcase_add_loop_test(tcase, a_cancelled_invite_that_nobody_answers_ends, 0,
                        2);
    tcase_add_test(tcase, a_2xx_that_crosses_the_cancel_is_hung_up_on);
    tcase_add_test(tcase, cancel_from_the_hook);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("outgoing_invite");

    suite_add_tcase(suite, answering());
    suite_add_tcase(suite, giving_up());
    return run_suite(suite);
}
