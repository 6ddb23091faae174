/*
 * Errors: names, texts, and the rule for options structures.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/error.h"

#include <uv.h>

const char *srf_strerror(int err)
{
    switch (err) {
    case 0:
        return "success";
#define ERROR_TEXT(name, code, text) \
 case code:                          \
  return text;
        SRF_ERRNO_MAP(ERROR_TEXT)
#undef ERROR_TEXT
        /* Only codes that libuv knows: for others it allocates. */
#define UV_TEXT(name, text) \
 case UV_##name:            \
  return text;
        UV_ERRNO_MAP(UV_TEXT)
#undef UV_TEXT
    default:
        return "unknown error";
    }
}

const char *srf_err_name(int err)
{
    switch (err) {
    case 0:
        return "SRF_OK";
#define ERROR_NAME(name, code, text) \
 case code:                          \
  return "SRF_ERR_" #name;
        SRF_ERRNO_MAP(ERROR_NAME)
#undef ERROR_NAME
#define UV_NAME(name, text) \
 case UV_##name:            \
  return #name;
        UV_ERRNO_MAP(UV_NAME)
#undef UV_NAME
    default:
        return "UNKNOWN";
    }
}

const char *srf_version(void)
{
    return SRF_VERSION;
}

int srf__options_copy(void *dst, size_t dst_size, const void *src,
                      size_t min_size)
{
    const unsigned char *bytes = src;
    size_t size;

    memset(dst, 0, dst_size);
    if (src == NULL)
        return 0;
    memcpy(&size, src, sizeof(size));
    if (size < min_size)
        return SRF_ERR_INVALID_ARGUMENT;
    for (size_t i = dst_size; i < size; i++) {
        if (bytes[i] != 0)
            return SRF_ERR_UNSUPPORTED;
    }
    memcpy(dst, src, size < dst_size ? size : dst_size);
    return 0;
}
