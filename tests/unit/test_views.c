/*
 * Structured views of URIs, names and Contacts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/message.h"
#include "runner.h"

#include <stdio.h>
#include <string.h>

static srf_msg_t *message(const char *lines)
{
    char text[2048];
    srf__facts_t facts;
    srf__header_t headers[32];
    const srf__scan_limits_t limits = {32, 2048};
    int len =
        snprintf(text, sizeof(text),
                 "SIP/2.0 302 Moved Temporarily\r\n"
                 "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
                 "From: \"Ann, \\\"A\\\"\" <sip:ann@example.com>;tag=a1\r\n"
                 "To: sip:bob@example.com;tag=b1\r\n"
                 "Call-ID: c\r\n"
                 "CSeq: 1 INVITE\r\n"
                 "%s"
                 "Content-Length: 0\r\n\r\n",
                 lines);

    facts.headers = headers;
    facts.header_cap = 32;
    ck_assert_int_eq(srf__scan(text, (size_t)len, &limits, &facts),
                     SRF__SCAN_OK);
    srf_msg_t *msg = srf__msg_create(NULL, &facts);
    ck_assert_ptr_nonnull(msg);
    return msg;
}

/* ---- URIs ---- */

START_TEST(a_uri_is_taken_apart)
{
    srf_uri_t *uri;

    ck_assert_int_eq(
        srf_uri_parse("SIPS:alice%20a:secret@Example.com:5071;lr;x=%41;"
                      "Transport=TCP?Subject=hi",
                      &uri),
        0);
    ck_assert_uint_eq(uri->size, sizeof(*uri));
    ck_assert_str_eq(uri->scheme, "sips");
    ck_assert_str_eq(uri->user, "alice%20a");
    ck_assert_str_eq(uri->password, "secret");
    ck_assert_str_eq(uri->host, "Example.com");
    ck_assert_int_eq(uri->port, 5071);
    ck_assert_int_eq(uri->param_count, 3);
    ck_assert_str_eq(uri->params[0].name, "lr");
    ck_assert_ptr_null(uri->params[0].value);
    ck_assert_str_eq(uri->params[1].value, "%41");
    ck_assert_str_eq(
        srf_param_find(uri->params, uri->param_count, "transport")->value,
        "TCP");
    ck_assert_ptr_null(srf_param_find(uri->params, uri->param_count, "maddr"));
    ck_assert_str_eq(uri->headers, "Subject=hi");
    srf_free(uri);
}
END_TEST

/* RFC 3261 §19.1.4: who looks for a name finds it however it was spelled. */
START_TEST(a_parameter_of_a_uri_is_found_by_what_its_name_means)
{
    srf_uri_t *uri;

    ck_assert_int_eq(
        srf_uri_parse("sip:bob@example.com;m%61ddr=10.0.0.1;%4C%72;x%3by=%41",
                      &uri),
        0);
    ck_assert_int_eq(uri->param_count, 3);
    ck_assert_str_eq(
        srf_param_find(uri->params, uri->param_count, "maddr")->value,
        "10.0.0.1");
    ck_assert_ptr_nonnull(srf_param_find(uri->params, uri->param_count, "lr"));
    ck_assert_str_eq(uri->params[2].name, "x%3by");
    ck_assert_str_eq(uri->params[2].value, "%41");
    srf_free(uri);
}
END_TEST

START_TEST(what_a_uri_has_not_is_absent)
{
    srf_uri_t *uri;

    ck_assert_int_eq(srf_uri_parse("sip:[2001:db8::1]", &uri), 0);
    ck_assert_ptr_null(uri->user);
    ck_assert_ptr_null(uri->password);
    ck_assert_str_eq(uri->host, "2001:db8::1");
    ck_assert_int_eq(uri->port, 0);
    ck_assert_int_eq(uri->param_count, 0);
    ck_assert_ptr_null(uri->headers);
    srf_free(uri);
}
END_TEST

START_TEST(a_tel_uri_has_a_number)
{
    srf_uri_t *uri;

    ck_assert_int_eq(srf_uri_parse("tel:+4930123;ext=4", &uri), 0);
    ck_assert_str_eq(uri->scheme, "tel");
    ck_assert_str_eq(uri->user, "+4930123");
    ck_assert_str_eq(uri->host, "");
    ck_assert_str_eq(uri->params[0].value, "4");
    srf_free(uri);
}
END_TEST

START_TEST(what_is_no_uri_is_refused)
{
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"", SRF_ERR_INVALID_URI},
        {"sip:", SRF_ERR_INVALID_URI},
        {"example.com", SRF_ERR_INVALID_URI},
        {"sip:a b@example.com", SRF_ERR_INVALID_URI},
        {"mailto:a@example.com", SRF_ERR_UNSUPPORTED},
        {NULL, SRF_ERR_INVALID_ARGUMENT},
    };
    srf_uri_t *uri = (srf_uri_t *)&uri;

    ck_assert_int_eq(srf_uri_parse(cases[_i].text, &uri), cases[_i].err);
    ck_assert_ptr_null(uri);
    ck_assert_int_eq(srf_uri_parse("sip:a", NULL), SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

/* ---- names and addresses ---- */

START_TEST(a_from_is_taken_apart)
{
    srf_msg_t *msg = message("");
    srf_name_addr_t *addr;

    ck_assert_int_eq(srf_msg_name_addr(msg, "f", 0, &addr), 0);
    ck_assert_str_eq(addr->display, "Ann, \"A\"");
    ck_assert_str_eq(addr->uri, "sip:ann@example.com");
    ck_assert_str_eq(addr->tag, "a1");
    ck_assert_int_eq(addr->q, -1);
    ck_assert_int_eq(addr->expires_s, -1);
    srf__msg_unref(msg); /* the view is its own */
    ck_assert_int_eq(addr->param_count, 1);
    ck_assert_str_eq(addr->params[0].name, "tag");
    srf_free(addr);
}
END_TEST

START_TEST(an_addr_spec_has_header_parameters)
{
    srf_msg_t *msg = message("");
    srf_name_addr_t *addr;

    ck_assert_int_eq(srf_msg_name_addr(msg, "To", 0, &addr), 0);
    ck_assert_ptr_null(addr->display);
    ck_assert_str_eq(addr->uri, "sip:bob@example.com");
    ck_assert_str_eq(addr->tag, "b1");
    srf_free(addr);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(values_are_counted_through_lines_and_lists)
{
    static const char *const uris[] = {"sip:one@192.0.2.1", "sip:two@192.0.2.2",
                                       "sip:three@192.0.2.3"};
    srf_msg_t *msg = message("Record-Route: <sip:one@192.0.2.1>,\r\n"
                             " <sip:two@192.0.2.2>;x=\"y, z\"\r\n"
                             "Record-Route: <sip:three@192.0.2.3>\r\n");
    srf_name_addr_t *addr;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(srf_msg_name_addr(msg, "record-route", i, &addr), 0);
        ck_assert_str_eq(addr->uri, uris[i]);
        if (i == 1)
            ck_assert_str_eq(addr->params[0].value, "y, z");
        srf_free(addr);
    }
    ck_assert_int_eq(srf_msg_name_addr(msg, "Record-Route", 3, &addr),
                     SRF_ERR_NO_HEADER);
    ck_assert_ptr_null(addr);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(a_value_that_cannot_be_read_is_an_error)
{
    srf_msg_t *msg = message("P-Asserted-Identity: <sip:\r\n");
    srf_name_addr_t *addr;

    ck_assert_int_eq(srf_msg_name_addr(msg, "P-Asserted-Identity", 0, &addr),
                     SRF_ERR_SYNTAX);
    ck_assert_ptr_null(addr);
    ck_assert_int_eq(srf_msg_name_addr(msg, "X-None", 0, &addr),
                     SRF_ERR_NO_HEADER);
    ck_assert_int_eq(srf_msg_name_addr(msg, NULL, 0, &addr),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_msg_name_addr(NULL, "To", 0, &addr),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_msg_name_addr(msg, "To", 0, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
    srf__msg_unref(msg);
}
END_TEST

/* ---- Contacts ---- */

START_TEST(contacts_come_with_q_and_expires)
{
    srf_msg_t *msg =
        message("Contact: <sip:one@192.0.2.1>;q=0.75;expires=3600,"
                " <sip:\r\n"
                "m: \"Two\" <sip:two@192.0.2.2;x=1>;q=1.0;expires=no\r\n");
    srf_contacts_t *contacts;

    ck_assert_int_eq(srf_msg_contacts(msg, &contacts), 0);
    srf__msg_unref(msg);
    ck_assert_uint_eq(contacts->count, 2);
    const srf_name_addr_t *one = &contacts->list[0];
    const srf_name_addr_t *two = &contacts->list[1];
    ck_assert_str_eq(one->uri, "sip:one@192.0.2.1");
    ck_assert_int_eq(one->q, 750);
    ck_assert_int_eq(one->expires_s, 3600);
    ck_assert_str_eq(two->display, "Two");
    ck_assert_str_eq(two->uri, "sip:two@192.0.2.2;x=1");
    ck_assert_int_eq(two->q, 1000);
    ck_assert_int_eq(two->expires_s, -1);
    ck_assert_int_eq(two->param_count, 2);
    srf_free(contacts);
}
END_TEST

START_TEST(the_star_is_a_contact_of_its_own)
{
    srf_msg_t *msg = message("Contact: *\r\n");
    srf_contacts_t *contacts;

    ck_assert_int_eq(srf_msg_contacts(msg, &contacts), 0);
    ck_assert_uint_eq(contacts->count, 1);
    ck_assert_str_eq(contacts->list[0].uri, "*");
    ck_assert_int_eq(contacts->list[0].param_count, 0);
    srf_free(contacts);
    srf__msg_unref(msg);
}
END_TEST

START_TEST(no_contact_is_an_empty_list)
{
    srf_msg_t *msg = message("");
    srf_contacts_t *contacts;

    ck_assert_int_eq(srf_msg_contacts(msg, &contacts), 0);
    ck_assert_uint_eq(contacts->count, 0);
    srf_free(contacts);
    ck_assert_int_eq(srf_msg_contacts(NULL, &contacts),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(contacts);
    ck_assert_int_eq(srf_msg_contacts(msg, NULL), SRF_ERR_INVALID_ARGUMENT);
    srf__msg_unref(msg);
}
END_TEST

/* ---- memory ---- */

static unsigned long left;

static void *scarce_malloc(size_t size, void *data)
{
    (void)data;
    return left == 0 || left-- == 0 ? NULL : malloc(size);
}

static void *scarce_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return left == 0 || left-- == 0 ? NULL : calloc(count, size);
}

static void *scarce_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return left == 0 || left-- == 0 ? NULL : realloc(ptr, size);
}

static void scarce_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(without_memory_there_is_no_view_and_no_leak)
{
    static const srf_allocator_t scarce = {scarce_malloc, scarce_calloc,
                                           scarce_realloc, scarce_free, NULL};
    srf_msg_t *msg = message("Contact: <sip:one@192.0.2.1>;q=0.7;a;b=c,"
                             " <sip:two@192.0.2.2>, <sip:three@192.0.2.3>,"
                             " <sip:four@192.0.2.4>, <sip:five@192.0.2.5>\r\n");
    srf_contacts_t *contacts;
    srf_name_addr_t *addr;
    srf_uri_t *uri;
    unsigned failures = 0;

    ck_assert_int_eq(srf_set_allocator(&scarce), 0);
    for (unsigned long n = 0; n < 200; n++) {
        left = n;
        int err = srf_msg_contacts(msg, &contacts);
        ck_assert(err == 0 || (err == SRF_ERR_NO_MEMORY && contacts == NULL));
        failures += err != 0;
        srf_free(contacts);
        left = n;
        err = srf_msg_name_addr(msg, "From", 0, &addr);
        ck_assert(err == 0 || (err == SRF_ERR_NO_MEMORY && addr == NULL));
        srf_free(addr);
        left = n;
        err = srf_uri_parse("sip:a@192.0.2.1;b=c", &uri);
        ck_assert(err == 0 || (err == SRF_ERR_NO_MEMORY && uri == NULL));
        srf_free(uri);
    }
    ck_assert_uint_gt(failures, 2);
    ck_assert_uint_lt(failures, 200);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    srf__msg_unref(msg);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *tcase = tcase_create("views");

    tcase_add_test(tcase, a_uri_is_taken_apart);
    tcase_add_test(tcase, a_parameter_of_a_uri_is_found_by_what_its_name_means);
    tcase_add_test(tcase, what_a_uri_has_not_is_absent);
    tcase_add_test(tcase, a_tel_uri_has_a_number);
    tcase_add_loop_test(tcase, what_is_no_uri_is_refused, 0, 6);
    tcase_add_test(tcase, a_from_is_taken_apart);
    tcase_add_test(tcase, an_addr_spec_has_header_parameters);
    tcase_add_test(tcase, values_are_counted_through_lines_and_lists);
    tcase_add_test(tcase, a_value_that_cannot_be_read_is_an_error);
    tcase_add_test(tcase, contacts_come_with_q_and_expires);
    tcase_add_test(tcase, the_star_is_a_contact_of_its_own);
    tcase_add_test(tcase, no_contact_is_an_empty_list);
    tcase_add_test(tcase, without_memory_there_is_no_view_and_no_leak);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
