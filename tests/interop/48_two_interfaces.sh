#!/usr/bin/env bash
# A proxy between two networks, neither of which has a route to the other:
# whatever it sends arrives from its address in the receiver's own network, with
# that address in Via and on top of the Record-Routes.
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=20}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=networks.sh
. "$HERE/networks.sh"

INSIDE=10.1.0
OUTSIDE=10.2.0
UDP1="sip:$INSIDE.1:5060;transport=udp"
UDP2="sip:$OUTSIDE.1:5060;transport=udp"
TCP1="sip:$INSIDE.1:5060;transport=tcp"
TCP2="sip:$OUTSIDE.1:5060;transport=tcp"

# make_network HOST NETWORK: the host has .2, and the proxy .1. A datagram that
# says that it is from elsewhere is dropped (RFC 3704).
make_network() {
    make_host "$1"
    set_sysctl "$1" ipv4/conf/all/rp_filter 1
    plug_in "$1" card "$2.2/24"
    ip addr add "$2.1/24" dev "$1"
}

# sipp_on HOST LABEL SCENARIO ARGUMENT...: in the background; sets SIPP_PID.
sipp_on() {
    REPLACE="exec" on "$1" timeout -k 2 "$LIMIT" sipp \
        -sf "$HERE/scenarios/$3" -p 5060 -m "$CALLS" -nostdin -skip_rlimit \
        -trace_err -error_file "$WORK/$2.errors" \
        -trace_stat -stf "$WORK/$2.csv" -fd 1 "${@:4}" \
        >"$WORK/$2.screen" 2>"$WORK/$2.err" &
    SIPP_PID=$!
    PIDS+=("$!")
}

server_listens() {
    on server ss -Hltun 'sport = 5060' | grep -q .
}

# calls LABEL WHO-ENDS CALLER-TRANSPORT SERVER-TRANSPORT ARGUMENT...: transports
# as SIPp names them, u1 and t1; the arguments are srf-proxy's.
calls() {
    local label="$1-$2" out=""

    [ "$4" = u1 ] || out=";transport=tcp"
    EXPECTED[server-$label]=$CALLS EXPECTED[caller-$label]=$CALLS
    sipp_on server "server-$label" uas_two_networks.xml -i "$OUTSIDE.2" \
        -t "$4"
    UAS_PID[server-$label]=$SIPP_PID
    wait_for 10 server_listens || fail "the server does not start"
    : >"$WORK/results"
    start_program --open --record-route --results "$WORK/results" "${@:5}" \
        "sip:$OUTSIDE.2:5060$out"
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "srf-proxy does not say that it listens"
    sipp_on callers "caller-$label" uac_two_networks.xml -i "$INSIDE.2" \
        -t "$3" -r "$RATE" -s "$2" "$INSIDE.1:5060"
    wait "$SIPP_PID" || fail "$label: SIPp's exit status is $?"
    check_counts "caller-$label"
    wait_uas "server-$label"
    stop_proxy "$CALLS"
}

begin_networks
make_network callers "$INSIDE"
make_network server "$OUTSIDE"
for who in caller callee; do
    calls udp "$who" u1 u1 --listen "$UDP1" --listen "$UDP2"
    calls tcp "$who" t1 t1 --listen "$TCP1" --listen "$TCP2"
done
calls outbound caller u1 u1 --listen "$UDP1" --listen "$UDP2" --outbound "$UDP2"
calls outbound callee u1 u1 --listen "$UDP1" --listen "$UDP2" --outbound "$UDP2"
calls there callee u1 t1 --listen "$UDP1" --listen "$TCP2"
calls back callee t1 u1 --listen "$UDP2" --listen "$TCP1"
