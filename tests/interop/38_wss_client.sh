#!/usr/bin/env bash
# SIP clients of the browser over secure WebSocket, run by Node.js: SIP.js and
# JsSIP register at Kamailio through the edge proxy, with a Path, and are
# reached over the connections they made, from a phone and by each other.
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=40}" "${SRF_RATE:=20}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
begin
find_program edge_proxy "${1:-${SRF_BUILD:-}}"
cd "$WORK" || exit 1
# shellcheck source-path=SCRIPTDIR source=tls.sh
. "$HERE/tls.sh"
# shellcheck source-path=SCRIPTDIR source=npm.sh
. "$HERE/npm.sh"

DOMAIN=wss.example
# Before it is compiled JavaScript is slow, more so on a machine that is busy:
# half a second goes by, and SIPp repeats itself.
MAY_REPEAT="sender-alice phone-alice sender-bob phone-bob"
declare -A CLIENT_IN=() CLIENT_PID=()

# run_client LIBRARY USER [ORIGIN]: what it tells is in USER.out.
run_client() {
    local in

    rm -f "$2.in"
    mkfifo "$2.in" || fail "no way to speak to $2"
    exec {in}<>"$2.in"
    CLIENT_IN[$2]=$in
    : >"$2.out"
    NODE_EXTRA_CA_CERTS=$WORK/ca.pem node client.mjs "$1" "$2" "$DOMAIN" \
        "wss://127.0.0.1:$(proxy_port wss)" "${@:3}" \
        <"$2.in" >"$2.out" 2>"$2.err" &
    CLIENT_PID[$2]=$!
    PIDS+=("$!")
}

# start_client LIBRARY USER: it registers.
start_client() {
    run_client "$@"
    expect "$2" registered
}

# turn_away USER ORIGIN: a page of another host does not get in.
turn_away() {
    run_client jssip "$1" "$2"
    expect "$1" 'failed connect'
    kill -KILL "${CLIENT_PID[$1]}"
    wait "${CLIENT_PID[$1]}" 2>/dev/null
    ! grep -qx registered "$1.out" || fail "$1 of $2 gets in"
    say "$1 of $2 is not let in"
}

# tell USER COMMAND...
tell() {
    echo "${*:2}" >&"${CLIENT_IN[$1]}"
}

told() {
    [ "$(grep -cx "$2" "$1.out")" -ge "$3" ]
}

# expect USER LINE [COUNT]: the client tells that so many times.
expect() {
    wait_for 20 told "$1" "$2" "${3:-1}" || {
        tail -n 20 "$1.out" >&2
        fail "$1 does not tell '$2' ${3:-1} times"
    }
}

# end_client USER: it unregisters.
end_client() {
    local pid=${CLIENT_PID[$1]}

    tell "$1" quit
    expect "$1" 'unregistered 200'
    wait_for 20 eval "! alive $pid" || fail "$1 does not end"
    wait "$pid" || fail "the exit status of $1 is $?"
    ! grep -q '^failed' "$1.out" || fail "$1: $(grep '^failed' "$1.out")"
}

# call_from_phone USER: MESSAGEs and calls of SIPp, which knows Kamailio only.
call_from_phone() {
    run_uac "sender-$1" uac_message.xml -s "$1" "127.0.0.1:$KAMAILIO_UDP"
    expect "$1" 'message caller.*' "$CALLS"
    run_uac "phone-$1" uac_any.xml -s "$1" "127.0.0.1:$KAMAILIO_UDP"
    expect "$1" 'invited caller.*' "$CALLS"
    expect "$1" confirmed "$CALLS"
    expect "$1" 'ended remote' "$CALLS"
    say "$1: $CALLS messages and $CALLS calls over its connection"
}

# call_each_other CALLER CALLEE: a MESSAGE, and a call that the callee ends, on
# top of those from the phone.
call_each_other() {
    local all=$((CALLS + 1))

    tell "$1" message "$2"
    expect "$2" "message $1"
    expect "$1" 'sent 200'
    tell "$1" call "$2"
    expect "$2" "invited $1"
    expect "$1" answered
    expect "$2" confirmed "$all"
    tell "$2" hangup
    expect "$2" 'ended local'
    expect "$1" 'ended remote' "$all"
    say "$1 and $2: a message and a call, ended by $2"
}

# lose_client USER: it dies without a word; who still wants to reach it hears so
# (RFC 5626 §5.3).
lose_client() {
    local pid=${CLIENT_PID[$1]}

    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    run_uac sender-lost uac_flow_failed.xml -s "$1" "127.0.0.1:$KAMAILIO_UDP"
    say "$1 is gone: $CALLS messages got 430"
}

fetch_clients
make_certificates
KAMAILIO_UDP=$(free_port)
start_kamailio kamailio_registrar.cfg "DOMAIN=$DOMAIN"
start_program 'sip:127.0.0.1:0;transport=udp' 'sip:127.0.0.1:0;transport=wss' \
    "127.0.0.1:$KAMAILIO_UDP" host.pem
wait_listening
turn_away mallory https://evil.example
start_client sipjs alice
start_client jssip bob
say "both are registered"
call_from_phone alice
call_from_phone bob
call_each_other alice bob
call_each_other bob alice
lose_client bob
start_client jssip bob
tell alice message bob
expect bob 'message alice'
say "bob is back and reached"
end_client alice
end_client bob
stop_kamailio
end_program
