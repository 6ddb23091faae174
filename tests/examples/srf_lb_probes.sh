#!/usr/bin/env bash
# srf-lb with probes: a server that answers OPTIONS no more is out before a call
# finds that, and back when it answers again. With all servers out all are tried.
#
# The servers are balancers too, which answer OPTIONS by themselves, before SIPp.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example srf-lb "$@"

# start_server PORT: sets SERVER_PID.
start_server() {
    "$PROGRAM" --listen "sip:127.0.0.1:$1;transport=udp" "127.0.0.1:$UAS_PORT" \
        >>"$WORK/server.out" 2>>"$WORK/server.err" &
    SERVER_PID=$!
    PIDS+=("$SERVER_PID")
    wait_for 10 bound_or_gone "$1" "$SERVER_PID"
    alive "$SERVER_PID" || fail "a server does not start"
}

stop_server() {
    kill "$1"
    wait "$1"
}

# told NUMBER TEXT: it has been told that often.
told() {
    [ "$(grep -c "$2" "$WORK/proxy.log")" -ge "$1" ]
}

# lines_with NUMBER TEXT: that many calls ended like this.
lines_with() {
    local lines

    lines=$(grep -c "$2" "$WORK/proxy.out")
    [ "$lines" = "$1" ] || fail "$lines lines with '$2', not $1"
}

CALLS=4
UAS_CALLS=12
start_uas callee uas_plain.xml
one=$(free_port)
start_server "$one"
one_pid=$SERVER_PID
two=$(free_port)
start_server "$two"
two_pid=$SERVER_PID

start_program --probe-interval 200ms --probe-timeout 500ms --down-after 2 \
    --up-after 2 --probe-alive 2xx,486 \
    --listen 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$one" "sip:127.0.0.1:$two"
wait_listening
run_uac both uac_call.xml "127.0.0.1:$PROXY_PORT"
lines_with 2 "target=sip:127.0.0.1:$one status=200 tries=1 "
lines_with 2 "target=sip:127.0.0.1:$two status=200 tries=1 "

stop_server "$one_pid"
wait_for 10 told 1 "127.0.0.1:$one is out: destination unreachable" ||
    fail "a server that does not answer OPTIONS is not out"
run_uac without uac_call.xml "127.0.0.1:$PROXY_PORT"
lines_with 6 "target=sip:127.0.0.1:$two status=200 tries=1 "
lines_with 0 'tries=2'

start_server "$one"
one_pid=$SERVER_PID
wait_for 10 told 1 "127.0.0.1:$one is back: it answers" ||
    fail "a server that answers OPTIONS again is not back"
run_uac again uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas callee
lines_with 4 "target=sip:127.0.0.1:$one status=200 tries=1 "
lines_with 8 "target=sip:127.0.0.1:$two status=200 tries=1 "

# Both out: a call is tried at both.
stop_server "$one_pid"
stop_server "$two_pid"
wait_for 10 told 2 "127.0.0.1:$one is out" || fail "the first is not out"
wait_for 10 told 1 "127.0.0.1:$two is out" || fail "the second is not out"
CALLS=1
run_uac none uac_rejected_500.xml "127.0.0.1:$PROXY_PORT"
end_program
lines_with 1 'status=500 tries=2'
