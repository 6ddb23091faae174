#!/usr/bin/env bash
# 200 calls a second, where datagrams come densely for ticks of 20 ms: they are
# gathered, the proxy wakes up less than half as often, and no call notices.
#
#   SRF_CALLS=400 SRF_RATE=200
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=400}" "${SRF_RATE:=200}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

[ -r /proc/self/schedstat ] || {
    say "the system does not count wake-ups: skipped"
    exit 77
}

# place_calls LABEL ARGUMENT...: with a proxy of these options. Sets WAKES.
place_calls() {
    local label=$1
    shift

    start_uas "server-$label" uas_any.xml
    start_proxy --record-route "$@" "127.0.0.1:$UAS_PORT"
    WAKES=$(wakes)
    run_uac "caller-$label" uac_any.xml "127.0.0.1:$PROXY_PORT"
    wait_uas "server-$label"
    WAKES=$(($(wakes) - WAKES))
    stop_proxy "$CALLS"
    say "$label: $WAKES wake-ups for $CALLS calls"
    check_results INVITE 200 "$UAS_PORT:response:180,200"
    : >results
}

place_calls single --gather 0s
single=$WAKES
place_calls gathered --gather 20ms
case ${LD_PRELOAD:-} in
*no-recvmmsg*) say "libuv alone gathers nothing, and none is lost" ;;
*) [ "$WAKES" -lt $((single / 2)) ] || fail "nothing was gathered" ;;
esac
