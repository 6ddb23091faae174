#!/bin/sh
# Compares the symbols that a shared library exports, and those that the public
# header declares, with the list kept here: a change of either is a line in the
# review. check-symbols.sh LIBRARY EXPECTED HEADER
#
# SPDX-License-Identifier: MIT
set -eu

exported() {
    nm -D --defined-only "$1" | awk '{print $3}' | LC_ALL=C sort
}

declared() {
    tr '\n' ' ' <"$1" | grep -o 'SRF_API [^(;]*(' |
        sed 's/ *($//; s/.*[ *]//' | grep '^srf_' | LC_ALL=C sort
}

status=0
exported "$1" | diff -u "$2" - || status=1
declared "$3" | diff -u "$2" - || status=1
[ "$status" -eq 0 ] ||
    echo "what is exported or declared differs from $2; if that is meant," \
        "change the list"
exit "$status"
