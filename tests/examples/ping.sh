#!/usr/bin/env bash
# examples/ping: a proxy that takes only calls answers OPTIONS by itself; when
# it has gone nobody does.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example ping "$@"
ping=$PROGRAM

find_program minimal "$(dirname "$ping")/.."
start_example 127.0.0.1:9
[ "$("$ping" "127.0.0.1:$PROXY_PORT" sip:127.0.0.1:0)" = '200 OK' ] ||
    fail "the proxy is there"
wait_results 0
"$ping" "127.0.0.1:$PROXY_PORT" sip:127.0.0.1:0 2>"$WORK/message" &&
    fail "the proxy has gone"
grep -q 'destination unreachable' "$WORK/message" ||
    fail "it says: $(cat "$WORK/message")"
