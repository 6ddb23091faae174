/*
 * The immutable message: references, facts and strings made on demand, and the
 * public getters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/message.h"

#include "runner.h"

#include <stdio.h>

/* ------------------------------------------------------------------ */
/* An allocator that counts and fails on demand                        */
/* ------------------------------------------------------------------ */

static struct {
    int live;
    size_t last_size;
    int fail_after; /* allocations that still succeed; -1: all */
} heap;

static void *counting_malloc(size_t size, void *data)
{
    (void)data;
    if (heap.fail_after == 0)
        return NULL;
    if (heap.fail_after > 0)
        heap.fail_after--;
    heap.live++;
    heap.last_size = size;
    return malloc(size);
}

static void *counting_calloc(size_t count, size_t size, void *data)
{
    void *ptr = counting_malloc(count * size, data);

    if (ptr != NULL)
        memset(ptr, 0, count * size);
    return ptr;
}

static void *counting_realloc(void *ptr, size_t size, void *data)
{
    (void)ptr;
    (void)size;
    (void)data;
    ck_abort_msg("a message is never reallocated");
    return NULL;
}

static void counting_free(void *ptr, void *data)
{
    (void)data;
    if (ptr != NULL)
        heap.live--;
    free(ptr);
}

static void use_counting_heap(void)
{
    static const srf_allocator_t allocator = {
        .malloc_fn = counting_malloc,
        .calloc_fn = counting_calloc,
        .realloc_fn = counting_realloc,
        .free_fn = counting_free,
    };

    heap.live = 0;
    heap.fail_after = -1;
    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
}

static void check_heap_is_empty(void)
{
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}

/* ------------------------------------------------------------------ */
/* Messages                                                            */
/* ------------------------------------------------------------------ */

static const char request[] = "INVITE sip:u@h.example.net;x=1 SIP/2.0\r\n"
                              "v: SIP/2.0/UDP c.example.org;branch=z9hG4bK1\r\n"
                              "From: \"F\" <sip:f@example.org>;tag=ft\r\n"
                              "To: <sip:t@example.net>\r\n"
                              "Call-ID: abc\r\n"
                              "CSeq: 9 INVITE\r\n"
                              "s: one \r\n \t two\r\n\tthree \r\n"
                              "X-Own: first, second\r\n"
                              "x-own:\r\n"
                              "Content-Length: 5\r\n"
                              "\r\n"
                              "b\0dy!";

static const char response[] = "SIP/2.0 486 Busy  there\r\n"
                               "Via: SIP/2.0/UDP c;branch=z9hG4bK1\r\n"
                               "From: <sip:f@example.org>;tag=ft\r\n"
                               "To: <sip:t@example.net>;tag=tt\r\n"
                               "Call-ID: abc\r\n"
                               "CSeq: 9 INVITE\r\n"
                               "\r\n";

static srf_msg_t *make(const char *bytes, size_t len)
{
    srf_msg_t *msg = srf__msg_alloc(NULL, len);

    ck_assert_ptr_nonnull(msg);
    memcpy(msg->data, bytes, len);
    return msg;
}

static srf_msg_t *make_request(void)
{
    return make(request, sizeof(request) - 1);
}

static srf_msg_t *make_response(void)
{
    return make(response, sizeof(response) - 1);
}

/* A request with that many header lines. */
static srf_msg_t *make_long(unsigned lines)
{
    static char text[65536];
    size_t len = (size_t)snprintf(
        text, sizeof(text),
        "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nf: "
        "<sip:f>;tag=1\r\nt: <sip:t>;tag=2\r\ni: x\r\nCSeq: 1 BYE\r\n");

    for (unsigned i = 5; i < lines; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "N: %u\r\n", i);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\nbody");
    return make(text, len);
}

START_TEST(message_keeps_the_bytes_of_the_facts)
{
    srf__header_t headers[16];
    srf__scan_limits_t limits = {16, 1000};
    srf__facts_t facts = {.headers = headers, .header_cap = 16};
    char bytes[sizeof(request) + 9] = "\r\n";

    memcpy(bytes + 2, request, sizeof(request) - 1);
    memcpy(bytes + 2 + sizeof(request) - 1, "trailer", 7);
    ck_assert_int_eq(srf__scan(bytes, sizeof(bytes) - 1, &limits, &facts),
                     SRF__SCAN_OK);
    srf_msg_t *msg = srf__msg_create(NULL, &facts);
    memset(bytes, 'x', sizeof(bytes));

    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(msg->len, sizeof(request) - 1);
    ck_assert_mem_eq(msg->data, request, msg->len);
    ck_assert_uint_eq(msg->refs, 1);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(unlooked_at_message_costs_its_bytes_and_at_most_32_more)
{
    use_counting_heap();
    srf_msg_t *msg = make_request();

    ck_assert_int_eq(heap.live, 1);
    ck_assert_uint_le(heap.last_size, msg->len + 32);
    srf__msg_unref(msg);
    check_heap_is_empty();
}
END_TEST

START_TEST(message_lives_until_the_last_reference_goes)
{
    use_counting_heap();
    srf_msg_t *msg = make_request();

    ck_assert_ptr_eq(srf__msg_ref(msg), msg);
    srf__msg_unref(msg);
    ck_assert_int_eq(heap.live, 1);
    ck_assert_str_eq(srf_msg_method(msg), "INVITE");
    srf__msg_unref(msg);
    srf__msg_unref(NULL);
    check_heap_is_empty();
}
END_TEST

START_TEST(facts_are_scanned_once_and_forgotten_on_demand)
{
    use_counting_heap();
    srf_msg_t *msg = make_request();
    const srf__facts_t *facts = srf__msg_facts(msg);

    ck_assert_ptr_nonnull(facts);
    ck_assert_ptr_eq(facts->data, msg->data);
    ck_assert_uint_eq(facts->header_count, 9);
    ck_assert_ptr_eq(srf__msg_facts(msg), facts);
    ck_assert_ptr_nonnull(srf_msg_uri(msg));
    ck_assert_int_eq(heap.live, 3);

    srf__msg_forget(msg);
    ck_assert_int_eq(heap.live, 1);
    ck_assert_uint_eq(srf__msg_facts(msg)->cseq, 9);
    srf__msg_unref(msg);
    check_heap_is_empty();
}
END_TEST

START_TEST(what_lent_facts_gave_is_the_message_s_own)
{
    srf__header_t headers[16];
    srf__scan_limits_t limits = {16, 1000};
    srf__facts_t facts = {.headers = headers, .header_cap = 16};
    char bytes[sizeof(request) - 1];
    size_t len;

    memcpy(bytes, request, sizeof(bytes));
    ck_assert_int_eq(srf__scan(bytes, sizeof(bytes), &limits, &facts),
                     SRF__SCAN_OK);
    srf_msg_t *msg = srf__msg_create(NULL, &facts);
    ck_assert_ptr_nonnull(msg);
    srf__msg_lend_facts(msg, &facts);
    ck_assert_ptr_eq(srf__msg_facts(msg), &facts);
    const char *call_id = srf_msg_get(msg, "Call-ID", 0);
    const char *body = srf_msg_body(msg, &len);
    srf__msg_lend_facts(msg, NULL);
    memset(bytes, 'x', sizeof(bytes));

    ck_assert_str_eq(call_id, "abc");
    ck_assert_ptr_eq(srf_msg_get(msg, "Call-ID", 0), call_id);
    ck_assert_uint_eq(len, 5);
    ck_assert_ptr_eq(body, msg->data + msg->len - 5);
    ck_assert_ptr_ne(srf__msg_facts(msg), &facts);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(forgetting_the_facts_keeps_the_strings)
{
    srf_msg_t *msg = make_request();
    const char *uri = srf_msg_uri(msg);

    srf__msg_forget_facts(msg);
    ck_assert_str_eq(uri, "sip:u@h.example.net;x=1");
    ck_assert_ptr_eq(srf_msg_uri(msg), uri);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(facts_own_exactly_the_lines_there_are)
{
    static const unsigned counts[] = {5, 63, 64, 65, 200, 3000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        use_counting_heap();
        srf_msg_t *msg = make_long(counts[i]);
        const srf__facts_t *facts = srf__msg_facts(msg);

        ck_assert_ptr_nonnull(facts);
        ck_assert_uint_eq(facts->header_count, counts[i]);
        ck_assert_uint_eq(heap.last_size,
                          sizeof(srf__facts_t) +
                              counts[i] * sizeof(srf__header_t));
        ck_assert_int_eq(heap.live, 2);
        ck_assert_uint_eq(facts->headers[counts[i] - 1].end,
                          facts->head_len - 2);
        srf__msg_unref(msg);
        check_heap_is_empty();
    }
}
END_TEST

START_TEST(bytes_that_are_no_message_have_no_facts)
{
    srf_msg_t *msg = make("hello\r\n\r\n", 9);
    size_t len = 77;

    ck_assert_ptr_null(srf__msg_facts(msg));
    ck_assert_int_eq(srf_msg_status(msg), 0);
    ck_assert_ptr_null(srf_msg_method(msg));
    ck_assert_ptr_null(srf_msg_uri(msg));
    ck_assert_ptr_null(srf_msg_reason(msg));
    ck_assert_ptr_null(srf_msg_get(msg, "Via", 0));
    ck_assert_ptr_null(srf_msg_body(msg, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_eq(srf_msg_raw(msg, &len), msg->data);
    ck_assert_uint_eq(len, 9);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(a_message_larger_than_32_bits_is_not_made)
{
    ck_assert_ptr_null(srf__msg_alloc(NULL, UINT32_MAX));
    ck_assert_ptr_null(srf__msg_alloc(NULL, SIZE_MAX));
}
END_TEST

/* ------------------------------------------------------------------ */
/* Strings                                                             */
/* ------------------------------------------------------------------ */

static const char *text_of(const srf_msg_t *msg, size_t off, size_t len)
{
    return srf__msg_text_span(msg, srf__str(msg->data + off, len));
}

START_TEST(the_same_piece_gives_the_same_string)
{
    srf_msg_t *msg = make("abcdef", 6);
    const char *abc = text_of(msg, 0, 3);
    const char *ab = text_of(msg, 0, 2);
    const char *bc = text_of(msg, 1, 2);

    ck_assert_str_eq(abc, "abc");
    ck_assert_str_eq(ab, "ab");
    ck_assert_str_eq(bc, "bc");
    ck_assert_ptr_eq(text_of(msg, 0, 3), abc);
    ck_assert_ptr_eq(text_of(msg, 0, 2), ab);
    ck_assert_ptr_eq(text_of(msg, 1, 2), bc);
    ck_assert_str_eq(text_of(msg, 6, 0), "");
    srf__msg_unref(msg);
}
END_TEST

static const struct {
    const char *piece;
    const char *text;
} folds[] = {
    {"a\r\n b", "a b"},      {"a\n\tb", "a b"},        {"a \t\r\n \t b", "a b"},
    {"a\r\n \r\n b", "a b"}, {"a  b\r\n c", "a  b c"}, {"\r\n a", " a"},
    {"a\r\n ", "a "},        {"a\rb", "a\rb"},         {"a\r\r\n b", "a\r b"},
};

START_TEST(each_fold_becomes_one_space)
{
    size_t len = strlen(folds[_i].piece);
    srf_msg_t *msg = make(folds[_i].piece, len);

    ck_assert_str_eq(text_of(msg, 0, len), folds[_i].text);
    srf__msg_unref(msg);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Public getters                                                      */
/* ------------------------------------------------------------------ */

START_TEST(getters_of_a_request)
{
    srf_msg_t *msg = make_request();
    const char *uri = srf_msg_uri(msg);

    ck_assert_int_eq(srf_msg_status(msg), 0);
    ck_assert_str_eq(srf_msg_method(msg), "INVITE");
    ck_assert_str_eq(uri, "sip:u@h.example.net;x=1");
    ck_assert_ptr_eq(srf_msg_uri(msg), uri);
    ck_assert_ptr_null(srf_msg_reason(msg));
    srf__msg_unref(msg);
}
END_TEST

START_TEST(getters_of_a_response)
{
    srf_msg_t *msg = make_response();

    ck_assert_int_eq(srf_msg_status(msg), 486);
    ck_assert_str_eq(srf_msg_reason(msg), "Busy  there");
    ck_assert_str_eq(srf_msg_method(msg), "INVITE");
    ck_assert_ptr_null(srf_msg_uri(msg));
    srf__msg_unref(msg);
}
END_TEST

START_TEST(missing_reason_is_an_empty_string)
{
    static const char text[] =
        "SIP/2.0 200\r\nVia: SIP/2.0/UDP c;branch=1\r\nFrom: <sip:f>;tag=1\r\n"
        "To: <sip:t>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n";
    srf_msg_t *msg = make(text, sizeof(text) - 1);

    ck_assert_str_eq(srf_msg_reason(msg), "");
    srf__msg_unref(msg);
}
END_TEST

START_TEST(get_finds_values_by_name_and_index)
{
    srf_msg_t *msg = make_request();

    ck_assert_str_eq(srf_msg_get(msg, "Via", 0),
                     "SIP/2.0/UDP c.example.org;branch=z9hG4bK1");
    ck_assert_str_eq(srf_msg_get(msg, "f", 0),
                     "\"F\" <sip:f@example.org>;tag=ft");
    ck_assert_str_eq(srf_msg_get(msg, "SUBJECT", 0), "one two three");
    ck_assert_str_eq(srf_msg_get(msg, "X-Own", 0), "first, second");
    ck_assert_str_eq(srf_msg_get(msg, "X-Own", 1), "");
    ck_assert_ptr_null(srf_msg_get(msg, "X-Own", 2));
    ck_assert_ptr_null(srf_msg_get(msg, "Via", 1));
    ck_assert_ptr_null(srf_msg_get(msg, "Via", SIZE_MAX));
    ck_assert_ptr_null(srf_msg_get(msg, "Route", 0));
    ck_assert_ptr_null(srf_msg_get(msg, "", 0));
    ck_assert_ptr_null(srf_msg_get(msg, NULL, 0));
    ck_assert_ptr_eq(srf_msg_get(msg, "call-id", 0), srf_msg_get(msg, "I", 0));
    srf__msg_unref(msg);
}
END_TEST

START_TEST(body_and_raw_keep_every_byte)
{
    srf_msg_t *msg = make_request();
    size_t len = 0;

    ck_assert_mem_eq(srf_msg_body(msg, &len), "b\0dy!", 5);
    ck_assert_uint_eq(len, 5);
    ck_assert_ptr_nonnull(srf_msg_body(msg, NULL));
    ck_assert_mem_eq(srf_msg_raw(msg, &len), request, sizeof(request) - 1);
    ck_assert_uint_eq(len, sizeof(request) - 1);
    ck_assert_ptr_eq(srf_msg_raw(msg, NULL), msg->data);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(message_without_body_gives_null)
{
    srf_msg_t *msg = make_response();
    size_t len = 77;

    ck_assert_ptr_null(srf_msg_body(msg, &len));
    ck_assert_uint_eq(len, 0);
    srf__msg_unref(msg);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Out of memory                                                       */
/* ------------------------------------------------------------------ */

START_TEST(getters_report_memory_out_and_recover)
{
    for (int allowed = 0; allowed < 2; allowed++) {
        use_counting_heap();
        srf_msg_t *msg = make_request();

        heap.fail_after = allowed;
        ck_assert_ptr_null(srf_msg_get(msg, "Via", 0));
        heap.fail_after = -1;
        ck_assert_ptr_nonnull(srf_msg_get(msg, "Via", 0));
        srf__msg_unref(msg);
        check_heap_is_empty();
    }
}
END_TEST

START_TEST(facts_of_many_lines_report_memory_out_and_recover)
{
    for (int allowed = 0; allowed < 2; allowed++) {
        use_counting_heap();
        srf_msg_t *msg = make_long(100);

        heap.fail_after = allowed;
        ck_assert_ptr_null(srf__msg_facts(msg));
        ck_assert_int_eq(heap.live, 1);
        heap.fail_after = -1;
        ck_assert_ptr_nonnull(srf__msg_facts(msg));
        srf__msg_unref(msg);
        check_heap_is_empty();
    }
}
END_TEST

START_TEST(message_is_not_made_when_memory_is_out)
{
    srf__facts_t facts = {.data = request, .len = 20};

    use_counting_heap();
    heap.fail_after = 0;
    ck_assert_ptr_null(srf__msg_alloc(NULL, 10));
    ck_assert_ptr_null(srf__msg_create(NULL, &facts));
    check_heap_is_empty();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message");
    TCase *messages = tcase_create("messages");
    TCase *strings = tcase_create("strings");
    TCase *getters = tcase_create("getters");
    TCase *memory = tcase_create("memory");

    tcase_add_test(messages, message_keeps_the_bytes_of_the_facts);
    tcase_add_test(messages,
                   unlooked_at_message_costs_its_bytes_and_at_most_32_more);
    tcase_add_test(messages, message_lives_until_the_last_reference_goes);
    tcase_add_test(messages, facts_are_scanned_once_and_forgotten_on_demand);
    tcase_add_test(messages, what_lent_facts_gave_is_the_message_s_own);
    tcase_add_test(messages, forgetting_the_facts_keeps_the_strings);
    tcase_add_test(messages, facts_own_exactly_the_lines_there_are);
    tcase_add_test(messages, bytes_that_are_no_message_have_no_facts);
    tcase_add_test(messages, a_message_larger_than_32_bits_is_not_made);
    tcase_add_test(strings, the_same_piece_gives_the_same_string);
    tcase_add_loop_test(strings, each_fold_becomes_one_space, 0,
                        (int)(sizeof(folds) / sizeof(*folds)));
    tcase_add_test(getters, getters_of_a_request);
    tcase_add_test(getters, getters_of_a_response);
    tcase_add_test(getters, missing_reason_is_an_empty_string);
    tcase_add_test(getters, get_finds_values_by_name_and_index);
    tcase_add_test(getters, body_and_raw_keep_every_byte);
    tcase_add_test(getters, message_without_body_gives_null);
    tcase_add_test(memory, getters_report_memory_out_and_recover);
    tcase_add_test(memory, facts_of_many_lines_report_memory_out_and_recover);
    tcase_add_test(memory, message_is_not_made_when_memory_is_out);
    suite_add_tcase(suite, messages);
    suite_add_tcase(suite, strings);
    suite_add_tcase(suite, getters);
    suite_add_tcase(suite, memory);
    return run_suite(suite);
}
