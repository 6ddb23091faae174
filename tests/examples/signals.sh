#!/usr/bin/env bash
# Signals, whenever they come and however many: no program dies of them in
# another way than by the signal itself.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
BUILD=$(realpath "${1:-${SRF_BUILD:?}}")

# start_one NAME: with arguments that do. Sets READY, what it says when it is
# up.
start_one() {
    local udp='sip:127.0.0.1:0'

    find_program "$1" "$BUILD"
    READY='^listening on'
    case $1 in
    srf-proxy) start_program --listen "$udp" 127.0.0.1:9 ;;
    srf-lb) start_program --listen "$udp" --probe-interval 1s 127.0.0.1:9 ;;
    edge_proxy) start_program "$udp" "$udp" 127.0.0.1:9 ;;
    access_control)
        PORT=$(free_port)
        READY=
        start_program "sip:127.0.0.1:$PORT" 192.0.2.0/24 127.0.0.1:9
        ;;
    esac
    # Until then it is the shell that would take a signal.
    wait_for 20 is_itself || fail "$1 does not start"
}

is_itself() {
    [ "$(readlink /proc/"$PROXY_PID"/exe)" = "$PROGRAM" ]
}

is_up() {
    if [ -n "$READY" ]; then
        grep -q "$READY" proxy.out
    else
        port_in_use "$PORT"
    fi
}

# ends WHAT STATUS...: with one of these.
ends() {
    local what=$1 status

    shift
    wait_for 20 eval "! alive $PROXY_PID" || fail "$PROGRAM: $what: it goes on"
    wait "$PROXY_PID"
    status=$?
    unset 'PIDS[-1]'
    [[ " $* " == *" $status "* ]] ||
        fail "$PROGRAM: $what: status $status: $(cat proxy.log)"
}

# send SIGNAL...: with as much time between them as SRF_GAP says.
send() {
    local signal

    for signal; do
        kill -"$signal" "$PROXY_PID" 2>/dev/null
        [ -z "${SRF_GAP:-}" ] || sleep "$SRF_GAP"
    done
}

# messages: requests whose lookups are under way for 10 ms.
messages() {
    for i in 1 2 3 4 5 6 7 8; do
        printf '%s\r\n' "MESSAGE sip:x@127.0.0.1 SIP/2.0" \
            "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK$RANDOM.$i" \
            'From: <sip:a@example.com>;tag=1' 'To: <sip:b@example.com>' \
            "Call-ID: $RANDOM.$i" 'CSeq: 1 MESSAGE' 'Max-Forwards: 70' \
            'Content-Length: 0' '' >message
        cat message >/dev/udp/127.0.0.1/"$PORT"
    done
}

begin
cd "$WORK" || exit 1
KILLED=$((128 + 15)) INTERRUPTED=$((128 + 2)) HUNG_UP=$((128 + 1))

for name in srf-proxy srf-lb edge_proxy access_control; do
    for signal in TERM INT; do
        start_one "$name"
        wait_for 20 is_up || fail "$name does not start"
        send "$signal"
        [ "$name" != access_control ] ||
            wait_for 10 eval "! alive $PROXY_PID" || send "$signal"
        ends "$signal" 0
    done
    for gap in '' 0.002 0.01; do
        SRF_GAP=$gap
        start_one "$name"
        wait_for 20 is_up || fail "$name does not start"
        send TERM INT
        ends "TERM INT" 0
        start_one "$name"
        wait_for 20 is_up || fail "$name does not start"
        # The third one may find it still there, and has its usual effect.
        send TERM TERM TERM
        ends "TERM TERM TERM" 0 "$KILLED"
        start_one "$name"
        # Earlier than it can be caught, perhaps.
        send TERM INT
        ends "TERM at the start" 0 "$KILLED" "$INTERRUPTED"
        [ "$name" != access_control ] || continue
        start_one "$name"
        wait_for 20 is_up || fail "$name does not start"
        send HUP TERM HUP HUP
        ends "HUP TERM HUP HUP" 0
        start_one "$name"
        send HUP TERM
        ends "HUP at the start" 0 "$HUNG_UP" "$KILLED"
    done
    SRF_GAP=
    say "$name ends as it should"
done

for gap in 0.002 0.004 0.006 0.007 0.008 0.009 0.01 0.012; do
    start_one access_control
    wait_for 20 is_up || fail "access_control does not start"
    messages
    SRF_GAP=$gap
    send TERM TERM
    ends "TERM TERM with lookups under way" 0
done
