#!/usr/bin/env bash
# A project that has libsrf in its folder of subprojects builds and runs, and
# builds none of libsrf's own programs: subproject.sh SOURCE
#
# SPDX-License-Identifier: MIT
set -euo pipefail

source=$(realpath "$1")
here=$source/tests/subproject
work=$(mktemp -d "${TMPDIR:-/tmp}/srf-test.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    echo "subproject: FAILED: $*" >&2
    exit 1
}

cp -r "$here/program" "$work/program"
mkdir "$work/program/subprojects"
ln -s "$source" "$work/program/subprojects/libsrf"
export CC=${SRF_CC:-cc}
# Forced, for an installed libsrf would be found first.
meson setup --wrap-mode=forcefallback -Dbuildtype=plain \
    -Dlibsrf:default_library=static "$work/build" "$work/program"
ninja -C "$work/build" all
meson test -C "$work/build" --no-rebuild --print-errorlogs
for folder in tests examples; do
    [ ! -e "$work/build/subprojects/libsrf/$folder" ] ||
        fail "libsrf's $folder are built too"
done
