/*
 * Credentials.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/credentials.h"

#include "uac/digest.h"

/* More realms than this on the way of one request are not answered. */
enum { REALMS_MAX = 4, CNONCE_DIGITS = 16 };

struct srf__credential {
    srf__credential_t *next;
    srf__challenge_t challenge;
    uint32_t nc; /* requests sent with this nonce */
    char cnonce[CNONCE_DIGITS];
    bool proxy;   /* of Proxy-Authenticate */
    bool offered; /* by the response at hand */
    bool fresh;   /* its challenge is new */
    bool renewed; /* it was called stale once */
    bool refused;
};

/* Whoever is on the way may challenge, with what he likes. */
static bool is_ours(const srf__credentials_t *credentials,
                    const srf__challenge_t *challenge)
{
    srf__str_t realm = srf__str_of(challenge->realm);
    const char *const *at = credentials->realms;

    while (*at != NULL && !srf__str_eq(srf__str_of(*at), SRF__STR("*")) &&
           !srf__str_eq(srf__str_of(*at), realm))
        at++;
    return *at != NULL;
}

/* The one of a realm; WWW and Proxy are different rooms. */
static srf__credential_t *find(const srf__credentials_t *credentials,
                               const srf__challenge_t *challenge, bool proxy)
{
    srf__credential_t *one = credentials->list;

    while (one != NULL && (one->proxy != proxy ||
                           !srf__str_eq(srf__str_of(one->challenge.realm),
                                        srf__str_of(challenge->realm))))
        one = one->next;
    return one;
}

static srf__credential_t *append(srf__credentials_t *credentials,
                                 srf__arena_t *arena, bool proxy)
{
    srf__credential_t **at = &credentials->list;
    unsigned count = 0;

    for (; *at != NULL; at = &(*at)->next)
        count++;
    if (count == REALMS_MAX)
        return NULL;
    srf__credential_t *one = srf__arena_alloc(arena, sizeof(*one));
    if (one == NULL)
        return NULL;
    memset(one, 0, sizeof(*one));
    one->proxy = proxy;
    *at = one;
    return one;
}

static void adopt(srf__credential_t *one, const srf__challenge_t *challenge,
                  srf__random_t *random)
{
    one->challenge = *challenge;
    one->offered = true;
    one->fresh = true;
    one->nc = 0;
    srf__hex_write(one->cnonce, srf__random_u64(random), CNONCE_DIGITS);
}

/* The realm has had an answer. It is told apart from a wrong password by
 * "stale", which is believed once (RFC 7616 §3.3). */
static void reconsider(srf__credential_t *one,
                       const srf__challenge_t *challenge, srf__random_t *random)
{
    one->offered = true;
    if (one->refused || !challenge->stale || one->renewed) {
        one->refused = true;
        return;
    }
    one->renewed = true;
    adopt(one, challenge, random);
}

/* Of several challenges of a realm in one response the strongest counts, and
 * of equal ones the topmost (RFC 8760 §2.4). */
static void take_one(srf__credentials_t *credentials, srf__arena_t *arena,
                     srf__random_t *random, const srf__challenge_t *challenge,
                     bool proxy)
{
    unsigned strength = srf__digest_strength(challenge);

    if (strength == 0 || !is_ours(credentials, challenge))
        return;
    srf__credential_t *one = find(credentials, challenge, proxy);
    /* RFC 8760 §2.4: who has got SHA-256 does not get MD5 as well. */
    if (one != NULL && strength < srf__digest_strength(&one->challenge))
        return;
    if (one == NULL) {
        one = append(credentials, arena, proxy);
        if (one != NULL)
            adopt(one, challenge, random);
    } else if (!one->offered) {
        reconsider(one, challenge, random);
    } else if (one->fresh && strength > srf__digest_strength(&one->challenge)) {
        adopt(one, challenge, random);
    }
}

static void take_lines(srf__credentials_t *credentials, srf__arena_t *arena,
                       srf__random_t *random, const srf__facts_t *response,
                       srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(response, id);
    bool proxy = id == SRF__HDR_PROXY_AUTHENTICATE;
    srf__challenge_t challenge;

    for (; line != NULL; line = srf__facts_next(response, line)) {
        if (srf__osip_challenge(srf__header_value(response, line), arena,
                                &challenge) == 0)
            take_one(credentials, arena, random, &challenge, proxy);
    }
}

bool srf__credentials_take(srf__credentials_t *credentials, srf__arena_t *arena,
                           srf__random_t *random, const srf__facts_t *response)
{
    bool again = false;

    if (credentials->username.p == NULL)
        return false;
    for (srf__credential_t *one = credentials->list; one; one = one->next) {
        one->offered = false;
        one->fresh = false;
    }
    /* Whatever the status is: §16.7 step 7 puts both kinds into one. */
    take_lines(credentials, arena, random, response, SRF__HDR_WWW_AUTHENTICATE);
    take_lines(credentials, arena, random, response,
               SRF__HDR_PROXY_AUTHENTICATE);
    for (srf__credential_t *one = credentials->list; one; one = one->next)
        again = again || one->fresh;
    return again;
}

int srf__credentials_write(srf__credentials_t *credentials,
                           const srf__request_spec_t *request, srf__buf_t *out)
{
    for (srf__credential_t *one = credentials->list; one; one = one->next) {
        const srf__digest_request_t proof = {
            .username = credentials->username,
            .password = credentials->password,
            .method = request->method,
            .uri = request->uri,
            .body = request->body,
            .cnonce = srf__str(one->cnonce, CNONCE_DIGITS),
            .nc = one->nc + 1,
        };
        if (one->refused)
            continue;
        one->nc++;
        srf__buf_add_text(out, one->proxy ? "Proxy-Authorization: "
                                          : "Authorization: ");
        int err = srf__digest_write(&one->challenge, &proof, out);
        if (err != 0)
            return err;
        srf__buf_add_text(out, "\r\n");
    }
    return out->err;
}

void srf__credentials_wipe(srf__credentials_t *credentials)
{
    srf__digest_wipe(credentials->username);
    srf__digest_wipe(credentials->password);
}
