#!/usr/bin/env bash
# Callers behind address translation, with the same private address each, which
# no one can send to: what the server asks of them in the dialog finds them, and
# so do answers to what keeps the flow alive.
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=20}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=networks.sh
. "$HERE/networks.sh"
# shellcheck source-path=SCRIPTDIR source=nat.sh
. "$HERE/nat.sh"

# call_from HOME LABEL: the server changes and ends the calls.
call_from() {
    EXPECTED[$2]=$CALLS
    REPLACE="exec" on "$1" timeout -k 2 "$LIMIT" sipp \
        -sf "$HERE/scenarios/uac_callee_requests.xml" -i 10.0.0.2 -p 5060 \
        -m "$CALLS" -r "$RATE" -nostdin -skip_rlimit \
        -trace_err -error_file "$WORK/$2.errors" \
        -trace_stat -stf "$WORK/$2.csv" -fd 1 "$EDGE:5060" \
        >"$WORK/$2.screen" 2>"$WORK/$2.err" &
    PIDS+=("$!")
    CALLER_PID[$2]=$!
}

# calls_end LABEL
calls_end() {
    wait "${CALLER_PID[$1]}" || fail "$1: SIPp's exit status is $?"
    check_counts "$1"
}

# keep_alive HOME PUBLIC-ADDRESS: it learns where it is seen (RFC 5626 §8).
keep_alive() {
    local seen

    seen=$(on "$1" python3 "$HERE/stun_ask.py" "$EDGE" 5060) ||
        fail "$1 gets no answer to STUN"
    case $seen in
    "$2 2"[0-9][0-9][0-9][0-9]) say "$1 is seen at $seen" ;;
    *) fail "$1 is told that it is seen at $seen" ;;
    esac
}

declare -A CALLER_PID=()
make_internet
make_home ann 192.0.2.2
make_home bea 192.0.2.3
UAS_CALLS=$((2 * CALLS)) start_uas server uas_callee_requests.xml
start_proxy --listen "sip:$EDGE:5060;transport=udp" --open --record-route \
    --force-rport "127.0.0.1:$UAS_PORT"
call_from ann ann
call_from bea bea
keep_alive ann 192.0.2.2
keep_alive bea 192.0.2.3
calls_end ann
calls_end bea
wait_uas server
stop_proxy "$((2 * CALLS))"
