#!/bin/sh
# What ships is hard to take over when something is wrong in it: everything that
# is linked is settled and write-protected before it runs, no stack is
# executable, and programs have no fixed address. "compiled": buffers on the
# stack are guarded, and functions of the C library check their sizes.
# check-hardening.sh linked|compiled FILE...
#
# SPDX-License-Identifier: MIT
set -u

status=0
how=$1
shift

complain() {
    echo "$1: $2" >&2
    status=1
}

check() {
    headers=$(readelf -hlW "$1") && dynamic=$(readelf -dW "$1") &&
        symbols=$(readelf --dyn-syms -W "$1") || exit 1
    echo "$headers" | grep -q ' GNU_RELRO ' || complain "$1" "no RELRO"
    echo "$dynamic" | grep -Eq 'BIND_NOW|FLAGS_1.* NOW' ||
        complain "$1" "what is linked is found late, and stays writable"
    echo "$headers" | grep ' GNU_STACK ' | grep -q ' RW  ' ||
        complain "$1" "its stack is executable"
    echo "$headers" | grep -q 'Type: *DYN' || complain "$1" "no PIE"
    ! echo "$dynamic" | grep -q TEXTREL || complain "$1" "it writes to its text"
    [ "$how" = compiled ] || return
    echo "$symbols" | grep -q ' __stack_chk_fail' ||
        complain "$1" "no guards on the stack"
    echo "$symbols" | grep -q ' __[a-z]*printf_chk' ||
        complain "$1" "no sizes are checked"
}

if ! command -v readelf >/dev/null; then
    echo "check-hardening: no readelf here: skipped"
    exit 77
fi
for file; do
    check "$file"
done
exit "$status"
