/*
 * Merged requests, RFC 3261 §8.2.2.2: copies of a request that the program
 * answers itself are refused, copies of one that it proxies are not.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

static struct {
    srf_req_t *kept;
    unsigned handled;
    int status;
} plan;

static void setup(void)
{
    memset(&plan, 0, sizeof(plan));
}

static void answer(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    plan.handled++;
    ck_assert_int_eq(srf_res_send(res, plan.status, NULL), 0);
}

static void ring(srf_req_t *req, srf_res_t *res)
{
    plan.handled++;
    if (plan.kept != NULL) {
        ck_assert_int_eq(srf_res_send(res, 480, NULL), 0);
        return;
    }
    plan.kept = srf_req_ref(req);
    ck_assert_int_eq(srf_res_send(res, 180, NULL), 0);
}

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    plan.handled++;
    plan.kept = srf_req_ref(req);
}

static world_t *world_with(srf_request_cb cb)
{
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_on(world->srf, "INVITE", cb), 0);
    ck_assert_int_eq(srf_on(world->srf, "MESSAGE", cb), 0);
    return world;
}

static const pieces_t message = {
    "MESSAGE sip:100@10.0.0.1 SIP/2.0\n",
    "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-one\n",
    "Max-Forwards: 70\n",
    "From: <sip:ann@example.com>;tag=ann-c1\n",
    "To: <sip:bob@example.com>\n",
    "Call-ID: c1\n",
    "CSeq: 1 MESSAGE\n",
    "",
};

/* What comes by another way has another branch. */
static pieces_t copy_of(const pieces_t *pieces)
{
    pieces_t copy = *pieces;

    copy.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-two\n";
    return copy;
}

START_TEST(a_copy_of_an_answered_request_gets_482)
{
    static const int statuses[] = {200, 302, 404, 603};
    world_t *world = world_with(answer);
    pieces_t copy = copy_of(&message);

    plan.status = statuses[_i];
    send_pieces(world, &message);
    ck_assert_uint_eq(plan.handled, 1);
    send_pieces(world, &copy);
    ck_assert_uint_eq(plan.handled, 1);
    ck_assert_uint_eq(
        party_received(world->caller, "SIP/2.0 482 Merged Request"), 1);
    ck_assert_uint_eq(world_stats(world).rejected, 1);
    /* Both are repeated as they were. */
    party_clear(world->caller);
    send_pieces(world, &message);
    send_pieces(world, &copy);
    ck_assert_uint_eq(world->caller->count, 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 1);
    ck_assert_uint_eq(plan.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(what_differs_is_no_copy)
{
    pieces_t other = copy_of(&message);
    world_t *world = world_with(answer);

    plan.status = 200;
    send_pieces(world, &message);
    switch (_i) {
    case 0:
        other.call_id = "Call-ID: c2\n";
        break;
    case 1:
        other.from = "From: <sip:ann@example.com>;tag=other\n";
        break;
    case 2:
        other.cseq = "CSeq: 2 MESSAGE\n";
        break;
    case 3:
        other.start = "INVITE sip:100@10.0.0.1 SIP/2.0\n";
        other.cseq = "CSeq: 1 INVITE\n";
        break;
    default: /* a branch of somebody's fork for another user of ours */
        other.start = "MESSAGE sip:101@10.0.0.1 SIP/2.0\n";
        break;
    }
    send_pieces(world, &other);
    ck_assert_uint_eq(plan.handled, 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(inside_a_dialog_nothing_is_merged)
{
    pieces_t in_dialog = message;
    world_t *world = world_with(answer);

    plan.status = 200;
    /* A dialog elsewhere, which the program sees. */
    in_dialog.start = "MESSAGE sip:bob@10.0.0.77 SIP/2.0\n";
    in_dialog.to = "To: <sip:bob@example.com>;tag=bob\n";
    pieces_t copy = copy_of(&in_dialog);
    send_pieces(world, &in_dialog);
    send_pieces(world, &copy);
    ck_assert_uint_eq(plan.handled, 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(copies_of_a_proxied_request_are_all_forwarded)
{
    world_t *world = world_create("10.0.0.11", NULL);
    pieces_t copy = copy_of(&good);

    send_pieces(world, &good);
    send_pieces(world, &copy);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 0);
    party_reply(world->one, 0, "200 OK", "");
    party_reply(world->one, 1, "486 Busy Here", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_uint_eq(world->srf->merged.taken.count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_copy_of_a_request_that_rings_gets_482)
{
    world_t *world = world_with(ring);
    pieces_t copy = copy_of(&good);
    pieces_t ack = copy;

    send_pieces(world, &good);
    send_pieces(world, &copy);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 1);
    /* Its ACK goes no further. */
    ack.start = "ACK sip:100@10.0.0.1 SIP/2.0\n";
    ack.cseq = "CSeq: 1 ACK\n";
    send_pieces(world, &ack);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 200, NULL), 0);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    copy.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-three\n";
    send_pieces(world, &copy);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 2);
    ck_assert_uint_eq(plan.handled, 1);
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_that_rang_and_is_proxied_then_has_copies_again)
{
    world_t *world = world_with(ring);
    pieces_t copy = copy_of(&good);

    send_pieces(world, &good);
    ck_assert_uint_eq(world->srf->merged.taken.count, 1);
    ck_assert_int_eq(
        srf_proxy_request(plan.kept, SRF_URIS("10.0.0.11"), NULL, NULL), 0);
    ck_assert_uint_eq(world->srf->merged.taken.count, 0);
    send_pieces(world, &copy);
    ck_assert_uint_eq(plan.handled, 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 480"), 1);
    world_answer(world, world->one, "486 Busy Here");
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_nobody_has_answered_yet_has_copies)
{
    /* The program may yet proxy both. */
    world_t *world = world_with(keep);
    pieces_t copy = copy_of(&good);

    send_pieces(world, &good);
    srf_req_t *first = plan.kept;
    send_pieces(world, &copy);
    ck_assert_uint_eq(plan.handled, 2);
    ck_assert_ptr_ne(plan.kept, first);
    /* The second answered itself is no hindrance for the first. */
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 486, NULL), 0);
    ck_assert_int_eq(srf_res_send(srf_req_res(first), 486, NULL), 0);
    ck_assert_uint_eq(world->srf->merged.taken.count, 1);
    srf_req_unref(first);
    srf_req_unref(plan.kept);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->srf->merged.taken.count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(when_the_transaction_has_ended_copies_are_new_requests)
{
    pieces_t first = _i == 0 ? message : good;
    pieces_t copy = copy_of(&first);
    world_t *world = world_with(answer);

    plan.status = _i == 2 ? 200 : 486;
    send_pieces(world, &first);
    ck_assert_uint_eq(world->srf->merged.taken.count, 1);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->srf->merged.taken.count, 0);
    send_pieces(world, &copy);
    ck_assert_uint_eq(plan.handled, 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 0);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(whatever_ends_a_ringing_request_ends_its_entry)
{
    srf_options_t options;
    pieces_t cancel = good;

    srf_options_init(&options);
    options.handler_timeout_ms = 1000;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    ck_assert_int_eq(srf_on(world->srf, "INVITE", ring), 0);
    send_pieces(world, &good);
    ck_assert_uint_eq(world->srf->merged.taken.count, 1);
    switch (_i) {
    case 0:
        cancel.start = "CANCEL sip:100@10.0.0.1 SIP/2.0\n";
        cancel.cseq = "CSeq: 1 CANCEL\n";
        send_pieces(world, &cancel);
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
        break;
    case 1:
        memnet_run(world->net, 1100);
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
        break;
    default:
        srf_req_unref(plan.kept);
        plan.kept = NULL;
        break;
    }
    pieces_t copy = copy_of(&good);
    send_pieces(world, &copy);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 1);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->srf->merged.taken.count, 0);
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_drops_what_is_remembered)
{
    world_t *world = world_with(ring);

    send_pieces(world, &good);
    if (_i == 1)
        ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 486, NULL), 0);
    ck_assert_uint_eq(world->srf->merged.taken.count, 1);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    srf_req_unref(plan.kept);
    world_destroy_rest(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merged");
    TCase *tcase = tcase_create("merged");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_copy_of_an_answered_request_gets_482, 0, 4);
    tcase_add_loop_test(tcase, what_differs_is_no_copy, 0, 5);
    tcase_add_test(tcase, inside_a_dialog_nothing_is_merged);
    tcase_add_test(tcase, copies_of_a_proxied_request_are_all_forwarded);
    tcase_add_test(tcase, a_copy_of_a_request_that_rings_gets_482);
    tcase_add_test(tcase,
                   a_request_that_rang_and_is_proxied_then_has_copies_again);
    tcase_add_test(tcase, a_request_nobody_has_answered_yet_has_copies);
    tcase_add_loop_test(
        tcase, when_the_transaction_has_ended_copies_are_new_requests, 0, 3);
    tcase_add_loop_test(tcase, whatever_ends_a_ringing_request_ends_its_entry,
                        0, 3);
    tcase_add_loop_test(tcase, destroy_drops_what_is_remembered, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
