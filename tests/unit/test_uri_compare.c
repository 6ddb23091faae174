/*
 * Equality of URIs (RFC 3261 §19.1.4, RFC 3966 §4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/uri.h"

#include "runner.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

typedef struct pair {
    const char *a;
    const char *b;
} pair_t;

static const pair_t equal[] = {
    {"sip:ann@example.org", "sip:ann@example.org"},
    {"sip:ann@EXAMPLE.org", "SIP:ann@example.ORG"},
    {"sip:%61nn@example.org", "sip:ann@example.org"},
    {"sip:a%2Fb@h", "sip:a%2fb@h"},
    {"sip:%2a%7E@h", "sip:*~@h"},
    {"sip:a%20b@h", "sip:a%20b@h"},
    {"sip:%23@h", "sip:#@h"},
    {"sip:a:%70w@h", "sip:a:pw@h"},
    {"sip:h;transport=TCP", "sip:H;Transport=tcp"},
    {"sip:h;a=1;b=2", "sip:h;b=2;a=1"},
    {"sip:h;a=x", "sip:h;a=%58"},
    {"sip:h;%61=x", "sip:h;a=x"},
    {"sip:h", "sip:h;new=1"},
    {"sip:h;lr", "sip:h"},
    {"sip:h;one=1", "sip:h;two=2"},
    {"sip:h;transport=tcp;method=INVITE?to=sip:b%40i",
     "sip:h;method=INVITE;transport=tcp?to=sip:b%40i"},
    {"sip:h?a=1&b=2", "sip:h?b=2&a=1"},
    {"sip:h?Subject=X", "sip:h?subject=x"},
    {"sip:h?a=1&a=2", "sip:h?a=2&a=1"},
    {"sip:[::1]", "sip:[0:0:0:0:0:0:0:1]"},
    {"sip:[2001:DB8::1]", "sip:[2001:db8::1]"},
    {"sip:10.0.0.1;maddr=h", "sip:10.0.0.1;MADDR=H"},
    {"sip:10.0.0.1;m%61ddr=h", "sip:10.0.0.1;%4dADDR=H"},
    {"sip:h;tr%61nsport=t%63p", "sip:h;TRANSPORT=tcp"},
    {"sip:h;us%65r=phone;t%74l=1;m%65thod=A",
     "sip:h;user=phone;ttl=1;method=A"},
    {"sip:h;l%72", "sip:h;LR"},
    {"sip:h?s%75bject=x", "sip:h?Subject=x"},
    {"sips:h", "sips:h"},
    {"tel:+1-201-555-0123", "tel:+1(201)555.0123"},
    {"tel:+12015550123", "TEL:+1-2-0-1-5-5-5-0-1-2-3"},
    {"tel:aF1", "tel:Af-1"},
    {"tel:12;ext=3-4", "tel:12;EXT=34"},
    {"tel:12;phone-context=+1-2", "tel:1-2;phone-context=+12"},
    {"tel:12;e%78t=3-4", "tel:12;ext=34"},
    {"tel:12;phone-conte%78t=+1-2", "tel:12;phone%2dcontext=+12"},
    {"tel:12;phone-context=H.org;x=1", "tel:12;x=1;phone-context=h.ORG"},
    {"mailto:a@b", "mailto:a@b"},
};

START_TEST(equal_uris_match_both_ways)
{
    srf__uri_t a;
    srf__uri_t b;

    ck_assert_int_eq(srf__uri_parse(srf__str_of(equal[_i].a), &a), 0);
    ck_assert_int_eq(srf__uri_parse(srf__str_of(equal[_i].b), &b), 0);
    ck_assert_msg(srf__uri_eq(&a, &b), "%s, %s", equal[_i].a, equal[_i].b);
    ck_assert_msg(srf__uri_eq(&b, &a), "%s, %s", equal[_i].b, equal[_i].a);
    ck_assert(srf__uri_eq(&a, &a));
}
END_TEST

static const pair_t different[] = {
    {"sip:ann@h", "sip:Ann@h"},
    {"sip:ann@h", "sip:h"},
    {"sip:ann@h", "sip:bob@h"},
    {"sip:ann@h", "sip:an@h"},
    {"sip:a:pw@h", "sip:a@h"},
    {"sip:a:pw@h", "sip:a:PW@h"},
    {"sip:a:@h", "sip:a@h"},
    {"sip:a@h", "sip:a@i"},
    {"sip:h", "sips:h"},
    {"sip:h", "sip:h:5060"},
    {"sips:h", "sips:h:5061"},
    {"sip:h:5060", "sip:h:5061"},
    {"sip:h", "sip:h."},
    {"sip:a%2Fb@h", "sip:a/b@h"},
    {"sip:a%3bb@h", "sip:a;b@h"},
    {"sip:%41@h", "sip:a@h"},
    {"sip:h;transport=udp", "sip:h"},
    {"sip:h;transport=udp", "sip:h;transport=tcp"},
    {"sip:h;user=phone", "sip:h"},
    {"sip:h;user=ip", "sip:h"},
    {"sip:h;ttl=1", "sip:h"},
    {"sip:h;method=INVITE", "sip:h"},
    {"sip:h;maddr=h", "sip:h"},
    {"sip:h;m%61ddr=h", "sip:h"},
    {"sip:h;tr%61nsport=udp", "sip:h"},
    {"sip:h;us%65r=ip", "sip:h"},
    {"sip:h;t%74l=1", "sip:h"},
    {"sip:h;%6dethod=INVITE", "sip:h"},
    {"sip:h;m%61ddr=h", "sip:h;maddr=i"},
    {"sip:h;x=1", "sip:h;x=2"},
    {"sip:h;lr", "sip:h;lr=on"},
    {"sip:h;x=a%2fb", "sip:h;x=a/b"},
    {"sip:h?a=1", "sip:h"},
    {"sip:h?a=1", "sip:h?a=2"},
    {"sip:h?a=1", "sip:h?b=1"},
    {"sip:h?a=1&b=2", "sip:h?a=1"},
    {"sip:h?a=1&a=1&b=2", "sip:h?a=1&b=2&b=2"},
    {"sip:h?a=", "sip:h?a=1"},
    {"sip:[::1]", "sip:[::2]"},
    {"sip:10.0.0.1", "sip:[::ffff:10.0.0.1]"},
    {"sip:10.0.0.1", "sip:10.0.0.2"},
    {"tel:+12", "tel:12"},
    {"tel:12", "tel:123"},
    {"tel:12", "tel:12;ext=3"},
    {"tel:12;x=3-4", "tel:12;x=34"},
    {"tel:12;x=1;x=1", "tel:12;x=1;y=2"},
    {"tel:12", "sip:12@h"},
    {"mailto:a@b", "mailto:a@B"},
};

START_TEST(different_uris_do_not_match_either_way)
{
    srf__uri_t a;
    srf__uri_t b;

    ck_assert_int_eq(srf__uri_parse(srf__str_of(different[_i].a), &a), 0);
    ck_assert_int_eq(srf__uri_parse(srf__str_of(different[_i].b), &b), 0);
    ck_assert_msg(!srf__uri_eq(&a, &b), "%s, %s", different[_i].a,
                  different[_i].b);
    ck_assert_msg(!srf__uri_eq(&b, &a), "%s, %s", different[_i].b,
                  different[_i].a);
}
END_TEST

/* "sip:h" and so many parameters or headers, in order or backwards. */
static srf__str_t many(srf__buf_t *buf, unsigned count, char separator,
                       bool backwards)
{
    srf__buf_init(buf, 65536);
    srf__buf_add_text(buf, separator == '&' ? "sip:h?a=b" : "sip:h");
    for (unsigned i = 0; i < count; i++) {
        srf__buf_add_char(buf, separator);
        srf__buf_add_char(buf, 'p');
        srf__buf_add_u64(buf, backwards ? count - 1 - i : i);
        srf__buf_add_text(buf, "=1");
    }
    return srf__buf_str(buf);
}

static bool many_match(unsigned count, char separator, bool backwards)
{
    srf__buf_t x;
    srf__buf_t y;
    srf__uri_t a;
    srf__uri_t b;

    ck_assert_int_eq(srf__uri_parse(many(&x, count, separator, false), &a), 0);
    ck_assert_int_eq(srf__uri_parse(many(&y, count, separator, backwards), &b),
                     0);
    bool result = srf__uri_eq(&a, &b);
    srf__buf_deinit(&x);
    srf__buf_deinit(&y);
    return result;
}

START_TEST(long_lists_are_equal_only_byte_by_byte)
{
    ck_assert(many_match(60, ';', true));
    ck_assert(many_match(60, '&', true));
    ck_assert(!many_match(5000, ';', true));
    ck_assert(!many_match(5000, '&', true));
    ck_assert(many_match(5000, ';', false));
    ck_assert(many_match(5000, '&', false));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uri_compare");
    TCase *comparing = tcase_create("comparing");

    tcase_add_loop_test(comparing, equal_uris_match_both_ways, 0, COUNT(equal));
    tcase_add_loop_test(comparing, different_uris_do_not_match_either_way, 0,
                        COUNT(different));
    tcase_add_test(comparing, long_lists_are_equal_only_byte_by_byte);
    suite_add_tcase(suite, comparing);
    return run_suite(suite);
}
