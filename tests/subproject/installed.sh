#!/usr/bin/env bash
# The installed package is complete, and pkg-config tells a compiler all it
# needs, for the shared and for the static library: installed.sh SOURCE BUILD
#
# SPDX-License-Identifier: MIT
set -euo pipefail

source=$(realpath "$1")
build=$(realpath "$2")
work=$(mktemp -d "${TMPDIR:-/tmp}/srf-test.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "installed: FAILED: $*" >&2
    exit 1
}

# Where it was put is not where its .pc file says: the prefix is given.
pkg() {
    PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config \
        --define-variable=prefix="$root" "$@"
}

# link OUTPUT SOURCE [PKG-CONFIG-OPTION...]
link() {
    local output=$1 file=$2

    shift 2
    # shellcheck disable=SC2046,SC2086
    ${SRF_CC:-cc} -Wall -Wextra -Werror "$file" \
        $(pkg "$@" --cflags --libs libsrf libuv) -o "$work/$output"
}

# runs PROGRAM: it ends well and has the version of the package.
runs() {
    local version

    version=$(LD_LIBRARY_PATH=$libdir "$work/$1") || fail "$1 fails"
    [ "$version" = "libsrf $(pkg --modversion libsrf)" ] ||
        fail "$1 has $version instead of $(pkg --modversion libsrf)"
}

meson install -C "$build" --no-rebuild --destdir "$work/root" >"$work/log" ||
    fail "$(cat "$work/log")"
libdir=$(dirname "$(dirname "$(find "$work/root" -name libsrf.pc)")")
root=$work/root$(sed -n 's/^prefix=//p' "$libdir/pkgconfig/libsrf.pc")

for file in "$root/include/srf/srf.h" "$root/bin/srf-proxy" "$root/bin/srf-lb"; do
    [ -f "$file" ] || fail "$file is missing"
done
inside=$(find "$work/root" -name '*internal*' -o -name '*test*' -o -name '*.c')
[ -z "$inside" ] || fail "this is nobody's: $inside"

if [ -e "$libdir/libsrf.so" ]; then
    # The header needs nothing but libuv.
    [ "$(pkg --print-requires libsrf | sed 's/ .*//')" = libuv ] ||
        fail "libsrf.pc requires $(pkg --print-requires libsrf)"
    link minimal "$source/examples/minimal.c"
    # Without a port to listen on it says so and ends.
    ! LD_LIBRARY_PATH=$libdir "$work/minimal" nonsense 2>"$work/log" ||
        fail "minimal listens on nonsense"
    [ -s "$work/log" ] || fail "minimal does not say why it ends"
    link shared "$source/tests/subproject/program/program.c"
    runs shared
    nm -D "$work/shared" | grep ' U srf_create' >/dev/null ||
        fail "the shared library is not used"
fi
if [ -e "$libdir/libsrf.a" ]; then
    rm -f "$libdir"/libsrf.so*
    link static "$source/tests/subproject/program/program.c" --static
    runs static
fi
