#!/bin/sh
# Compares the symbols that a shared library exports, and those that the public
# headers declare, with the list kept here: a change of either is a line in the
# review. check-symbols.sh LIBRARY EXPECTED HEADER...
#
# SPDX-License-Identifier: MIT
set -eu

exported() {
    nm -D --defined-only "$1" | awk '{print $3}' | LC_ALL=C sort
}

declared() {
    cat "$@" | tr '\n' ' ' | grep -o 'SRF_API [^(;]*(' |
        sed 's/ *($//; s/.*[ *]//' | grep '^srf_' | LC_ALL=C sort
}

status=0
library=$1
expected=$2
shift 2
exported "$library" | diff -u "$expected" - || status=1
declared "$@" | diff -u "$expected" - || status=1
[ "$status" -eq 0 ] ||
    echo "what is exported or declared differs from $expected; if that is meant," \
        "change the list"
exit "$status"
