/*
 * Part of <srf/srf.h>: structured views of URIs and header fields.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_VIEWS_H
#define SRF_VIEWS_H

#include <srf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ */
/* URIs, names and contacts                                            */
/* ------------------------------------------------------------------ */

/** A parameter of a URI or a header field, `;name=value`. */
typedef struct srf_param {
    const char *name;
    /** As it stands, but without the quotes of a quoted string; NULL when there
     * is no "=". */
    const char *value;
} srf_param_t;

/** A SIP, SIPS or tel URI in its parts. Escapes stay as they are, but for those
 * in the names of parameters: "m%61ddr" is called "maddr" (RFC 3261
 * §19.1.4). */
typedef struct srf_uri {
    size_t size;          /**< of this structure in the library */
    const char *scheme;   /**< "sip", "sips" or "tel" */
    const char *user;     /**< NULL when absent; of a tel URI the number */
    const char *password; /**< NULL when absent */
    const char *host;     /**< IPv6 without brackets; "" of a tel URI */
    int32_t port;         /**< 0 when absent */
    int32_t param_count;  /**< of params */
    const srf_param_t *params;
    const char *headers; /**< what is behind "?"; NULL when absent */
} srf_uri_t;

/** A name-addr or addr-spec with its parameters: a From, To, Contact, ... */
typedef struct srf_name_addr {
    size_t size;         /**< of this structure in the library */
    const char *display; /**< without quotes; NULL when absent */
    const char *uri;     /**< as it stands; "*" for that Contact of REGISTER */
    const char *tag;     /**< NULL when absent */
    int32_t q;           /**< thousandths, 0..1000; -1 when absent */
    int32_t expires_s;   /**< seconds; -1 when absent or unreadable */
    int32_t param_count; /**< of params, these three included */
    int32_t reserved;    /**< zero */
    const srf_param_t *params;
} srf_name_addr_t;

/** The Contacts of a message. */
typedef struct srf_contacts {
    size_t size; /**< of this structure in the library */
    size_t count;
    const srf_name_addr_t *list; /**< in the order of the message */
} srf_contacts_t;

/**
 * Takes a URI apart (§19.1, RFC 3966).
 *
 * @param text  the URI, with its scheme. Borrowed.
 * @param out   receives it, NULL on failure. Transferred; release it, with all
 *              it points to, by srf_free().
 * @return 0; SRF_ERR_INVALID_ARGUMENT for a NULL pointer; SRF_ERR_INVALID_URI;
 *         SRF_ERR_UNSUPPORTED for another scheme; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_uri_parse(const char *text, srf_uri_t **out);

/**
 * Finds a parameter.
 *
 * @param params  what to look through. Borrowed.
 * @param count   how many they are.
 * @param name    its name, in any case. Borrowed.
 * @return the parameter; NULL when there is none. Borrowed, valid as long as
 *         params.
 * @since 0.1
 */
SRF_API const srf_param_t *srf_param_find(const srf_param_t *params,
                                          int32_t count, const char *name);

/**
 * Reads a header field whose values are names or addresses: From, To, Contact,
 * Route, Record-Route, P-Asserted-Identity, Refer-To, ...
 *
 * @param msg     the message. Borrowed.
 * @param header  the field's name, long or compact, any case. Borrowed.
 * @param index   0 for the first value, counted through all lines and lists.
 * @param out     receives it, NULL on failure. Transferred; release it, with
 *                all it points to, by srf_free().
 * @return 0; SRF_ERR_INVALID_ARGUMENT for a NULL pointer; SRF_ERR_NO_HEADER
 *         when there are not so many values; SRF_ERR_SYNTAX when it cannot be
 *         read; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_msg_name_addr(const srf_msg_t *msg,
                                            const char *header, size_t index,
                                            srf_name_addr_t **out);

/**
 * Reads all Contacts of a message, say of a REGISTER or a 3xx (§20.10).
 *
 * What cannot be read is left out.
 *
 * @param msg  the message. Borrowed.
 * @param out  receives them, possibly none; NULL on failure. Transferred;
 *             release them, with all they point to, by srf_free().
 * @return 0; SRF_ERR_INVALID_ARGUMENT for a NULL pointer; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_msg_contacts(const srf_msg_t *msg,
                                           srf_contacts_t **out);

#ifdef __cplusplus
}
#endif

#endif /* SRF_VIEWS_H */
