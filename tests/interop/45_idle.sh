#!/usr/bin/env bash
# After its calls, when their last timers have run out, the proxy sleeps: not
# one wake-up.
#
#   SRF_IDLE_SECONDS  how long it is watched (2)
#
# SPDX-License-Identifier: MIT
#
# Two seconds of them: the timers of the first run out while the last are placed,
# and then one after the other until all have.
: "${SRF_CALLS:=200}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

# still: nothing has happened for half a second.
still() {
    local before

    before=$(wakes)
    sleep 0.5
    [ "$(wakes)" = "$before" ]
}

[ -r /proc/self/schedstat ] || {
    say "the system does not count wake-ups: skipped"
    exit 77
}
start_uas server uas_any.xml
# Timers of 64*T1 and of T4 are over soon.
start_proxy --record-route --t1 20ms --t2 40ms --t4 40ms \
    --listen 'sip:127.0.0.1:0;transport=tcp' "127.0.0.1:$UAS_PORT"
run_uac caller uac_any.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_for 20 still || fail "it does not come to rest"
before=$(wakes)
sleep "${SRF_IDLE_SECONDS:-2}"
after=$(wakes)
say "$((after - before)) wake-ups in ${SRF_IDLE_SECONDS:-2} s"
[ "$after" = "$before" ] || fail "an idle proxy wakes up"
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
