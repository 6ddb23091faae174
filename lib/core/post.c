/*
 * Calls from other threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/post.h"

#include "base/alloc.h"

#include <uv.h>

typedef struct call {
    struct call *next;
    srf_post_cb cb;
    void *data;
} call_t;

/* srf->posts stays what it is until the stack is freed, so that other threads
 * may look at it. */
typedef struct srf__posts {
    uv_async_t async;
    /* Guards what follows, and each sending to the handle: once the loop has
     * seen a call, whoever posted it has left the handle alone. */
    uv_mutex_t mutex;
    call_t *first;
    call_t **end;
    bool closed;     /* nothing is taken any more */
    unsigned owners; /* the loop's only: the stack, and the handle */
    srf_t *srf;
    void (*closed_cb)(void *arg);
    void *closed_arg;
} srf__posts_t;

static call_t *take_all(srf__posts_t *posts, bool last)
{
    uv_mutex_lock(&posts->mutex);
    posts->closed = posts->closed || last;
    call_t *calls = posts->first;
    posts->first = NULL;
    posts->end = &posts->first;
    uv_mutex_unlock(&posts->mutex);
    return calls;
}

static void make_calls(srf__posts_t *posts, call_t *calls)
{
    while (calls != NULL) {
        call_t *call = calls;
        calls = call->next;
        call->cb(posts->srf, call->data);
        srf__free(call);
    }
}

static void on_wake(uv_async_t *async)
{
    srf__posts_t *posts = async->data;
    srf__wheel_t *wheel = posts->srf->element.wheel;

    srf__wheel_enter(wheel);
    make_calls(posts, take_all(posts, false));
    srf__wheel_leave(wheel);
}

int srf__posts_create(srf_t *srf)
{
    srf__posts_t *posts = srf__calloc(1, sizeof(*posts));

    if (posts == NULL)
        return SRF_ERR_NO_MEMORY;
    int err = uv_mutex_init(&posts->mutex);
    if (err != 0) {
        srf__free(posts);
        return err;
    }
    err = uv_async_init(srf->loop, &posts->async, on_wake);
    if (err != 0) {
        uv_mutex_destroy(&posts->mutex);
        srf__free(posts);
        return err;
    }
    /* It is the listeners that keep the loop alive. */
    uv_unref((uv_handle_t *)&posts->async);
    posts->async.data = posts;
    posts->end = &posts->first;
    posts->owners = 2;
    posts->srf = srf;
    srf->posts = posts;
    return 0;
}

static void leave(srf__posts_t *posts)
{
    if (--posts->owners > 0)
        return;
    uv_mutex_destroy(&posts->mutex);
    srf__free(posts);
}

static void on_closed(uv_handle_t *handle)
{
    srf__posts_t *posts = handle->data;
    void (*cb)(void *) = posts->closed_cb;
    void *arg = posts->closed_arg;

    leave(posts);
    if (cb != NULL)
        cb(arg);
}

void srf__posts_close(srf_t *srf, void (*cb)(void *arg), void *arg)
{
    srf__posts_t *posts = srf->posts;

    if (posts == NULL) {
        if (cb != NULL)
            cb(arg);
        return;
    }
    make_calls(posts, take_all(posts, true));
    posts->closed_cb = cb;
    posts->closed_arg = arg;
    uv_close((uv_handle_t *)&posts->async, on_closed);
}

void srf__posts_free(srf_t *srf)
{
    if (srf->posts != NULL)
        leave(srf->posts);
}

/* False when the stack is going. */
static bool take_in(srf__posts_t *posts, call_t *call)
{
    uv_mutex_lock(&posts->mutex);
    bool taken = !posts->closed;
    if (taken) {
        *posts->end = call;
        posts->end = &call->next;
        (void)uv_async_send(&posts->async); /* it is not closed */
    }
    uv_mutex_unlock(&posts->mutex);
    return taken;
}

int srf_post(srf_t *srf, srf_post_cb cb, void *data)
{
    if (srf == NULL || cb == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (srf->posts == NULL)
        return SRF_ERR_CANCELED;
    call_t *call = srf__malloc(sizeof(*call));
    if (call == NULL)
        return SRF_ERR_NO_MEMORY;
    *call = (call_t){.cb = cb, .data = data};
    if (take_in(srf->posts, call))
        return 0;
    srf__free(call);
    return SRF_ERR_CANCELED;
}
