/*
 * The life of a request of the program's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/outgoing.h"

#include "base/error.h"
#include "base/list.h"
#include "uac/outgoing_answer.h"
#include "uac/outgoing_request.h"
#include "uac/outgoing_route.h"

static void on_response(srf__client_t *client, const srf__facts_t *response);
static void on_failed(srf__client_t *client, srf__client_failure_t failure);
static srf_msg_t *on_rebuild(srf__client_t *client);
static void on_ended(srf__client_t *client);
static void on_found(void *arg, int err, const srf__hops_t *hops);
static void timer_fired(srf__timer_t *timer);

static const srf__client_user_t client_user = {
    .response = on_response,
    .failed = on_failed,
    .rebuild = on_rebuild,
    .ended = on_ended,
};

/* ---- begin and end ---- */

static srf_outgoing_t *create(srf__uac_t *uac)
{
    srf_outgoing_t *outgoing = srf__calloc(1, sizeof(*outgoing));

    if (outgoing == NULL)
        return NULL;
    outgoing->uac = uac;
    srf__list_push(&uac->outgoing, outgoing);
    return outgoing;
}

/* `end`: its transaction ends too; else that goes on alone as far as it must.
 */
static void destroy(srf_outgoing_t *outgoing, bool end)
{
    srf__timer_stop(outgoing->uac->element->wheel, &outgoing->timer);
    srf__way_end(&outgoing->way);
    srf__list_remove(outgoing);
    srf__client_release(outgoing->client, end);
    srf__outgoing_forget_answerers(outgoing);
    srf__msg_unref(outgoing->image);
    srf__credentials_wipe(&outgoing->credentials);
    srf__arena_deinit(&outgoing->arena);
    srf__free(outgoing);
}

/* The program's last word about it. */
static void complete(srf_outgoing_t *outgoing, int err,
                     const srf_msg_t *response)
{
    if (outgoing->completed)
        return;
    outgoing->completed = true;
    srf__timer_stop(outgoing->uac->element->wheel, &outgoing->timer);
    if (outgoing->cb != NULL)
        outgoing->cb(outgoing, err, response);
}

/* Along outgoing->flow. */
static int launch(srf_outgoing_t *outgoing)
{
    srf__client_t *old = outgoing->client;
    srf_msg_t *image;

    int err =
        srf__client_create(&outgoing->uac->element->txns, outgoing->method,
                           &client_user, outgoing, &outgoing->client);
    if (err == 0)
        err = srf__outgoing_build(outgoing, &image);
    if (err == 0 && srf__outgoing_leave_udp(outgoing, image->len)) {
        srf__msg_unref(image);
        err = srf__outgoing_build(outgoing, &image);
    }
    if (err != 0) {
        srf__client_release(outgoing->client, true);
        outgoing->client = old;
        return err;
    }
    srf__client_release(old, false);
    srf__msg_unref(outgoing->image);
    outgoing->image = srf__msg_ref(image);
    srf__client_start(outgoing->client, &outgoing->flow, image);
    return 0;
}

/* Sends it to the first address, from way->at on, that there is a way to, when
 * they were found without `err`; else to the fallback. */
static int launch_on(srf_outgoing_t *outgoing, int err)
{
    if (err == 0)
        err = srf__outgoing_find_flow(outgoing);
    if (err != 0 && srf__outgoing_use_fallback(outgoing))
        err = 0;
    return err != 0 ? err : launch(outgoing);
}

/* What goes wrong with a name is always told from the loop, whether its
 * addresses were at hand or not. */
static int begin(srf_outgoing_t *outgoing)
{
    int err = srf__outgoing_locate(outgoing, on_found);

    if (err == SRF__SELECT_PENDING)
        return 0;
    err = launch_on(outgoing, err);
    if (err == 0 || !outgoing->named)
        return err;
    outgoing->failure = err;
    srf__timer_start(outgoing->uac->element->wheel, &outgoing->timer, 0,
                     timer_fired);
    return 0;
}

static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    srf_outgoing_t *outgoing = arg;

    srf__outgoing_located(outgoing, err, hops);
    err = launch_on(outgoing, err);
    if (err == 0)
        return;
    complete(outgoing, err, NULL);
    destroy(outgoing, true);
}

/* `fallback`: where it goes when no way leads on; NULL: nowhere. */
static int start(srf__uac_t *uac, const char *uri,
                 const srf_request_options_t *options, srf_outgoing_cb cb,
                 const srf__flow_t *fallback)
{
    srf_outgoing_t *outgoing = create(uac);

    if (outgoing == NULL)
        return SRF_ERR_NO_MEMORY;
    outgoing->cb = cb;
    outgoing->on_response = options->on_response;
    outgoing->data = options->data;
    if (fallback != NULL)
        outgoing->fallback = *fallback;
    int err = srf__outgoing_read(outgoing, uri, options);
    if (err == 0)
        err = begin(outgoing);
    if (err != 0) {
        destroy(outgoing, true);
        return err;
    }
    if (outgoing->failure == 0 && options->timeout_ms != 0 &&
        options->timeout_ms != SRF_TIMEOUT_NONE)
        srf__timer_start(uac->element->wheel, &outgoing->timer,
                         options->timeout_ms, timer_fired);
    if (options->handle != NULL)
        *options->handle = outgoing;
    return 0;
}

/* The stack is being destroyed: nothing more is sent. */
static bool is_closing(const srf__uac_t *uac)
{
    return uac->element->transports.closing;
}

int srf__outgoing_start(srf__uac_t *uac, const char *uri,
                        const srf_request_options_t *options,
                        srf_outgoing_cb cb)
{
    srf_request_options_t given;

    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err != 0)
        return err;
    if (is_closing(uac))
        return SRF_ERR_CANCELED;
    return start(uac, uri, &given, cb, NULL);
}

/* ---- giving up ---- */

static bool is_invite(const srf_outgoing_t *outgoing)
{
    return outgoing->method == SRF__METHOD_INVITE;
}

/* While its name is looked up nothing is there to be cancelled. */
static bool was_sent_invite(const srf_outgoing_t *outgoing)
{
    return is_invite(outgoing) && outgoing->client != NULL;
}

/* 64*T1 behind a CANCEL nothing more is waited for (§9.1). */
static void start_guard(srf_outgoing_t *outgoing)
{
    srf__element_t *element = outgoing->uac->element;

    outgoing->guarded = true;
    srf__timer_start(element->wheel, &outgoing->timer,
                     64ull * element->txns.timing.t1_ms, timer_fired);
}

static void cancel_invite(srf_outgoing_t *outgoing)
{
    if (srf__client_cancel(outgoing->client, srf__str(NULL, 0)))
        start_guard(outgoing);
}

/* The time is up, or a request that was stopped or could not be sent completes
 * from the loop. An INVITE that nothing has come back for lives on, for the
 * CANCEL and for a late 2xx. */
static void timer_fired(srf__timer_t *timer)
{
    srf_outgoing_t *outgoing = srf__container_of(timer, srf_outgoing_t, timer);
    bool over = outgoing->guarded || !was_sent_invite(outgoing);

    complete(outgoing,
             outgoing->canceled       ? SRF_ERR_CANCELED
             : outgoing->failure != 0 ? outgoing->failure
                                      : SRF_ERR_TIMEOUT,
             NULL);
    if (over)
        destroy(outgoing, true);
    else
        cancel_invite(outgoing);
}

void srf_outgoing_cancel(srf_outgoing_t *outgoing)
{
    srf__uac_t *uac = outgoing->uac;

    if (outgoing->completed || outgoing->canceled || is_closing(uac))
        return;
    outgoing->canceled = true;
    if (was_sent_invite(outgoing)) {
        cancel_invite(outgoing);
        return;
    }
    srf__way_end(&outgoing->way);
    srf__timer_start(uac->element->wheel, &outgoing->timer, 0, timer_fired);
}

void srf__outgoing_abort(srf__uac_t *uac)
{
    while (uac->outgoing != NULL) {
        srf_outgoing_t *outgoing = uac->outgoing;
        complete(outgoing, SRF_ERR_CANCELED, NULL);
        destroy(outgoing, true);
    }
}

/* ---- what came back ---- */

static void tell(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    if (outgoing->on_response != NULL && !outgoing->completed &&
        response != NULL)
        outgoing->on_response(outgoing, response);
}

static void complete_with(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    if (!outgoing->canceled)
        complete(outgoing, response == NULL ? SRF_ERR_NO_MEMORY : 0, response);
    else
        complete(outgoing, SRF_ERR_CANCELED,
                 is_invite(outgoing) ? response : NULL);
}

static void on_provisional(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    /* A CANCEL that was waiting for this went out just now, memory permitting.
     */
    if (outgoing->client->cancelled && !outgoing->guarded)
        start_guard(outgoing);
    tell(outgoing, response);
}

/* §22.1, §22.3: the same request once more, with the next CSeq. False when it
 * is not sent, and the challenge is the final response. */
static bool answer_challenge(srf_outgoing_t *outgoing,
                             const srf__facts_t *response, const srf_msg_t *msg)
{
    if ((response->status != 401 && response->status != 407) ||
        outgoing->completed || outgoing->canceled ||
        !srf__credentials_take(&outgoing->credentials, &outgoing->arena,
                               &outgoing->uac->element->random, response))
        return false;
    tell(outgoing, msg);
    if (outgoing->canceled || is_closing(outgoing->uac))
        return false;
    outgoing->spec.cseq++;
    return launch(outgoing) == 0;
}

/* RFC 3263 §4.3: a server that is overloaded is not the last one of its name.
 * False when there is none left. */
static bool try_next_address(srf_outgoing_t *outgoing, const srf_msg_t *msg)
{
    if (outgoing->completed || outgoing->canceled ||
        srf__way_left(&outgoing->way) == 0)
        return false;
    tell(outgoing, msg);
    if (outgoing->canceled || is_closing(outgoing->uac))
        return false;
    outgoing->way.at++;
    return launch_on(outgoing, 0) == 0;
}

static void on_final(srf_outgoing_t *outgoing, const srf__facts_t *response,
                     const srf_msg_t *msg)
{
    if (answer_challenge(outgoing, response, msg) ||
        (response->status == 503 && try_next_address(outgoing, msg)))
        return;
    complete_with(outgoing, msg);
    destroy(outgoing, false);
}

/* §15: a call that nobody wants is ended. INTEROP: a Contact that leads
 * nowhere, or where nothing may go, does not keep us from it. */
static void hang_up(srf_outgoing_t *invite, const srf_msg_t *response)
{
    srf_request_options_t options;

    if (response == NULL || is_closing(invite->uac))
        return;
    srf_request_options_init(&options);
    options.method = "BYE";
    options.dialog = response;
    options.username = invite->credentials.username.p;
    options.password = invite->credentials.password.p;
    options.realms = invite->credentials.realms;
    (void)start(invite->uac, NULL, &options, NULL, &invite->flow);
}

/* A 2xx to an INVITE; more of them may come until the transaction ends. */
static void on_answer(srf_outgoing_t *outgoing, const srf__facts_t *response,
                      const srf_msg_t *msg)
{
    bool wanted = !outgoing->completed && !outgoing->canceled;

    if (!srf__outgoing_acknowledge(outgoing, response))
        return;
    if (!wanted)
        hang_up(outgoing, msg);
    complete_with(outgoing, msg);
    srf__timer_stop(outgoing->uac->element->wheel, &outgoing->timer);
}

static void on_response(srf__client_t *client, const srf__facts_t *response)
{
    srf_outgoing_t *outgoing = client->user_data;
    srf_msg_t *msg = srf__msg_create(&outgoing->uac->element->pool, response);

    srf__outgoing_remember(outgoing, true);
    if (outgoing->detour == SRF__DETOUR_TAKEN)
        outgoing->detour = SRF__DETOUR_BACK; /* and it has arrived */
    if (msg != NULL)
        srf__msg_lend_facts(msg, response);
    if (response->status < 200)
        on_provisional(outgoing, msg);
    else if (response->status < 300 && is_invite(outgoing))
        on_answer(outgoing, response, msg);
    else
        on_final(outgoing, response, msg);
    if (msg != NULL)
        srf__msg_lend_facts(msg, NULL);
    srf__msg_unref(msg);
}

static void on_failed(srf__client_t *client, srf__client_failure_t failure)
{
    srf_outgoing_t *outgoing = client->user_data;

    outgoing->client = NULL;
    if (failure == SRF__CLIENT_TRANSPORT && !outgoing->completed &&
        !outgoing->canceled && srf__outgoing_fall_back(outgoing) &&
        launch(outgoing) == 0)
        return;
    srf__outgoing_remember(outgoing, false);
    if (try_next_address(outgoing, NULL))
        return;
    complete(outgoing,
             outgoing->canceled               ? SRF_ERR_CANCELED
             : failure == SRF__CLIENT_TIMEOUT ? SRF_ERR_TIMEOUT
                                              : SRF_ERR_UNREACHABLE,
             NULL);
    destroy(outgoing, false);
}

static srf_msg_t *on_rebuild(srf__client_t *client)
{
    const srf_outgoing_t *outgoing = client->user_data;

    return srf__msg_ref(outgoing->image);
}

/* The INVITE was answered, and no further 2xx is waited for. If the program has
 * not been told, there was no memory for any of them. */
static void on_ended(srf__client_t *client)
{
    srf_outgoing_t *outgoing = client->user_data;

    outgoing->client = NULL;
    complete_with(outgoing, NULL);
    destroy(outgoing, false);
}

/* ---- small things ---- */

void *srf_outgoing_data(const srf_outgoing_t *outgoing)
{
    return outgoing->data;
}

srf_t *srf_outgoing_srf(const srf_outgoing_t *outgoing)
{
    return outgoing->uac->srf;
}
