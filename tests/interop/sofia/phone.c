/*
 * A telephone with Sofia-SIP that a script speaks to:
 *
 *     phone NAME AOR PROXY LISTEN OUTBOUND [CERTIFICATES]
 *
 * It registers AOR by way of PROXY, from LISTEN, with what OUTBOUND says of its
 * ways through address translation, all as Sofia-SIP has it. There is no media.
 * It is told on stdin
 *
 *     call URI | answer | reject | hangup | hold | resume | transfer URI | quit
 *
 * and tells
 *
 *     registered | failed register STATUS | outbound STATUS PHRASE
 *     invited USER | ringing | talking         on both sides
 *     held | resumed                           by the other one
 *     holding | active                         what it asked for is so
 *     sent to URI | transferred STATUS         by the other one; its own
 *     ended local|remote | failed STATUS|CANCEL
 *     got SIP/2.0 STATUS PHRASE                to its BYE
 *
 * with NAME in front of each line.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SU_ROOT_MAGIC_T struct phone
#define SU_WAKEUP_ARG_T struct phone
#define NUA_MAGIC_T     struct phone
#define NUA_HMAGIC_T    struct call

#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/soa.h>
#include <sofia-sip/su.h>
#include <sofia-sip/tport_tag.h>

struct phone;

/* The only one that a phone has, or the last one that began. */
struct call {
    int is_ready;
    unsigned pracks;  /* of its 183 and its 180 */
    int is_answered;  /* as we were told */
    int is_answering; /* a change of the other one's */
    int is_asking;    /* for a change: hold or resume */
    int is_on_hold;   /* as we asked */
    int is_held;
};

struct phone {
    su_root_t *root;
    nua_t *nua;
    const char *aor;
    nua_handle_t *registration;
    nua_handle_t *handle;
    struct call call;
    char line[512];
    size_t used;
};

static const char *name; /* in front of what it tells */

static void say(const char *format, ...)
{
    va_list arguments;

    printf("%s ", name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* Another call is the one that commands are about from now on. */
static void take(struct phone *phone, nua_handle_t *handle)
{
    memset(&phone->call, 0, sizeof(phone->call));
    phone->handle = handle;
    nua_handle_bind(handle, &phone->call);
}

static nua_handle_t *create(struct phone *phone, const char *to)
{
    return nua_handle(phone->nua, NULL, SIPTAG_FROM_STR(phone->aor),
                      SIPTAG_TO_STR(to), TAG_END());
}

/* ------------------------------------------------------------------ */
/* What it is told to do                                               */
/* ------------------------------------------------------------------ */

static void call(struct phone *phone, const char *to)
{
    take(phone, create(phone, to));
    nua_invite(phone->handle, TAG_END());
}

static void answer(struct phone *phone, const char *unused)
{
    (void)unused;
    phone->call.is_answered = 1;
    if (phone->call.pracks == 2)
        nua_respond(phone->handle, SIP_200_OK, TAG_END());
}

/* RFC 3262 §5: what was answered early is not answered before its PRACKs. */
static void on_prack(struct phone *phone)
{
    if (++phone->call.pracks == 2 && phone->call.is_answered)
        nua_respond(phone->handle, SIP_200_OK, TAG_END());
}

static void reject(struct phone *phone, const char *unused)
{
    (void)unused;
    nua_respond(phone->handle, SIP_486_BUSY_HERE, TAG_END());
}

static void hang_up(struct phone *phone, const char *unused)
{
    (void)unused;
    if (phone->call.is_ready)
        nua_bye(phone->handle, TAG_END());
    else
        nua_cancel(phone->handle, TAG_END());
}

static void change(struct phone *phone, int is_on_hold)
{
    phone->call.is_asking = 1;
    phone->call.is_on_hold = is_on_hold;
    nua_invite(phone->handle, SOATAG_HOLD(is_on_hold ? "*" : NULL), TAG_END());
}

static void hold(struct phone *phone, const char *unused)
{
    (void)unused;
    change(phone, 1);
}

static void resume(struct phone *phone, const char *unused)
{
    (void)unused;
    change(phone, 0);
}

static void transfer(struct phone *phone, const char *to)
{
    nua_refer(phone->handle, SIPTAG_REFER_TO_STR(to), TAG_END());
}

static void quit(struct phone *phone, const char *unused)
{
    (void)unused;
    nua_shutdown(phone->nua);
}

static const struct {
    const char *name;
    void (*run)(struct phone *phone, const char *argument);
} commands[] = {
    {"call", call}, {"answer", answer},     {"reject", reject},
    {"hold", hold}, {"resume", resume},     {"hangup", hang_up},
    {"quit", quit}, {"transfer", transfer},
};

static void obey(struct phone *phone, char *line)
{
    char *argument = line + strcspn(line, " ");

    if (*argument != '\0')
        *argument++ = '\0';
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(commands[i].name, line) == 0)
            commands[i].run(phone, argument);
}

static int on_input(su_root_magic_t *magic, su_wait_t *wait,
                    su_wakeup_arg_t *phone)
{
    ssize_t count = read(STDIN_FILENO, phone->line + phone->used,
                         sizeof(phone->line) - phone->used);
    char *end;

    (void)magic;
    (void)wait;
    if (count <= 0) {
        su_root_break(phone->root);
        return 0;
    }
    phone->used += (size_t)count;
    while ((end = memchr(phone->line, '\n', phone->used)) != NULL) {
        *end++ = '\0';
        obey(phone, phone->line);
        phone->used -= (size_t)(end - phone->line);
        memmove(phone->line, end, phone->used);
    }
    return 0;
}

/* ------------------------------------------------------------------ */
/* What happens to it                                                  */
/* ------------------------------------------------------------------ */

static const char *user_of(const sip_t *sip)
{
    return sip->sip_from->a_url->url_user;
}

static void on_invite(struct phone *phone, nua_handle_t *handle,
                      const sip_t *sip)
{
    if (handle == phone->handle && phone->call.is_ready) {
        phone->call.is_answering = 1;
        return;
    }
    take(phone, handle);
    say("invited %s", user_of(sip));
}

static void on_invite_answered(struct phone *phone, int status)
{
    if (status == 180)
        say("ringing");
    else if (status >= 300)
        say("failed %d", status);
    else if (status >= 200 && phone->call.is_asking)
        say(phone->call.is_on_hold ? "holding" : "active");
    if (status >= 200)
        phone->call.is_asking = 0;
}

static void on_state(struct phone *phone, tagi_t *tags)
{
    int state = nua_callstate_init;
    int audio = SOA_ACTIVE_DISABLED;

    tl_gets(tags, NUTAG_CALLSTATE_REF(state), SOATAG_ACTIVE_AUDIO_REF(audio),
            TAG_END());
    if (state != nua_callstate_ready)
        return;
    if (!phone->call.is_ready)
        say("talking");
    else if (phone->call.is_answering)
        say((audio & SOA_ACTIVE_SENDONLY) == 0 ? "held" : "resumed");
    phone->call.is_ready = 1;
    phone->call.is_answering = 0;
}

/* The new call tells the one who wanted it how it goes. */
static void on_refer(struct phone *phone, nua_handle_t *handle,
                     const sip_t *sip, tagi_t *tags)
{
    char to[256];
    sip_event_t const *event = NULL;

    snprintf(to, sizeof(to), URL_PRINT_FORMAT,
             URL_PRINT_ARGS(sip->sip_refer_to->r_url));
    say("sent to %s", to);
    tl_gets(tags, NUTAG_REFER_EVENT_REF(event), TAG_END());
    take(phone, create(phone, to));
    nua_invite(phone->handle, NUTAG_NOTIFY_REFER(handle),
               NUTAG_REFER_EVENT(event), TAG_END());
}

static void on_notify(const sip_t *sip)
{
    int status = 0;

    if (sip->sip_payload != NULL &&
        sscanf(sip->sip_payload->pl_data, "SIP/2.0 %d", &status) == 1 &&
        status >= 200)
        say("transferred %d", status);
}

static void on_registered(const struct phone *phone, nua_handle_t *handle,
                          int status)
{
    if (handle != phone->registration || status < 200)
        return;
    if (status < 300)
        say("registered");
    else
        say("failed register %d", status);
}

static void on_event(nua_event_t event, int status, char const *phrase,
                     nua_t *nua, struct phone *phone, nua_handle_t *handle,
                     struct call *unused, sip_t const *sip, tagi_t tags[])
{
    (void)nua;
    (void)unused;
    if (event == nua_r_register)
        on_registered(phone, handle, status);
    else if (event == nua_i_outbound)
        say("outbound %d %s", status, phrase);
    else if (event == nua_i_invite)
        on_invite(phone, handle, sip);
    else if (event == nua_i_refer)
        on_refer(phone, handle, sip, tags);
    else if (event == nua_i_notify)
        on_notify(sip);
    else if (event == nua_r_refer && status >= 300)
        say("transferred %d", status);
    else if (event == nua_r_shutdown && status >= 200)
        su_root_break(phone->root);
    else if (event == nua_i_bye)
        say("ended remote");
    else if (event == nua_r_bye && status >= 200)
        say("ended local\n%s got SIP/2.0 %d %s", name, status, phrase);
    else if (event == nua_i_prack)
        on_prack(phone);
    else if (event == nua_i_cancel)
        say("failed CANCEL");
    else if (handle == phone->handle && event == nua_r_invite)
        on_invite_answered(phone, status);
    else if (handle == phone->handle && event == nua_i_state)
        on_state(phone, tags);
}

/* The early answer of a call is reliable, and gets PRACK. Which telephone it is
 * the proxy does not ask: all of them say the same. */
static nua_t *create_stack(struct phone *phone, char **arguments)
{
    return nua_create(
        phone->root, on_event, phone, NUTAG_PROXY(arguments[0]),
        NUTAG_URL(arguments[1]), NUTAG_OUTBOUND(arguments[2]),
        NUTAG_INSTANCE("urn:uuid:00000000-0000-1000-8000-00000a000002"),
        TAG_IF(arguments[3] != NULL, NUTAG_CERTIFICATE_DIR(arguments[3])),
        NUTAG_AUTOALERT(1), NUTAG_EARLY_MEDIA(1),
        SOATAG_USER_SDP_STR("m=audio 5004 RTP/AVP 0"), TAG_END());
}

static int run(struct phone *phone, char **arguments)
{
    su_wait_t wait[1];

    phone->root = su_root_create(phone);
    phone->nua = create_stack(phone, arguments);
    if (phone->nua == NULL ||
        su_wait_create(wait, STDIN_FILENO, SU_WAIT_IN) != 0 ||
        su_root_register(phone->root, wait, on_input, phone, 0) < 0)
        return -1;
    phone->registration = create(phone, phone->aor);
    nua_register(phone->registration, NUTAG_M_FEATURES("expires=600"),
                 TAG_END());
    su_root_run(phone->root);
    nua_destroy(phone->nua);
    su_root_unregister(phone->root, wait, on_input, phone);
    su_root_destroy(phone->root);
    return 0;
}

int main(int argc, char **argv)
{
    static struct phone phone;
    int err;

    if (argc != 6 && argc != 7) {
        fprintf(stderr,
                "usage: %s NAME AOR PROXY LISTEN OUTBOUND [CERTIFICATES]\n",
                argv[0]);
        return 2;
    }
    if (su_init() != 0)
        return 1;
    name = argv[1];
    phone.aor = argv[2];
    err = run(&phone, argv + 3);
    su_deinit();
    return err != 0;
}
