#!/usr/bin/env bash
# examples/access_control: an allowed caller gets through, another gets 403 after
# its lookup; SIGTERM drains, which new callers notice, and a second one ends it.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example access_control "$@"

start_allowing() { # start_allowing ADDRESS TARGET
    PROXY_PORT=$(free_port)
    start_program "sip:127.0.0.1:$PROXY_PORT" "$@"
    wait_for 10 bound_or_gone "$PROXY_PORT" "$PROXY_PID"
}

start_uas server uas_direct.xml
start_allowing 127.0.0.1 "127.0.0.1:$UAS_PORT"
run_uac caller uac_direct.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
grep -q -e '<- 127.0.0.1:[0-9]* INVITE sip:' "$WORK/proxy.log" ||
    fail "the INVITE is not in the trace"
grep -q -e '-> 127.0.0.1:[0-9]* SIP/2.0 200 OK' "$WORK/proxy.log" ||
    fail "the 200 is not in the trace"
kill -TERM "$PROXY_PID"
wait_for 10 grep -q '^draining' "$WORK/proxy.log" || fail "it does not drain"
run_uac late uac_rejected_503.xml "127.0.0.1:$PROXY_PORT"
end_program

start_allowing 192.0.2.1 "127.0.0.1:$(free_port)"
run_uac denied uac_rejected_403.xml "127.0.0.1:$PROXY_PORT"
end_program_twice() {
    kill -TERM "$PROXY_PID"
    wait_for 10 grep -q '^draining' "$WORK/proxy.log" || fail "no drain"
    end_program
}
end_program_twice
