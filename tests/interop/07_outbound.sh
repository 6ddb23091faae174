#!/usr/bin/env bash
# Without a target the proxy goes where the Request-URI points: first without
# a recorded route, where the program sees the BYE too, then with one.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_outbound.xml
start_proxy
run_uac caller uac_outbound.xml -rsa "127.0.0.1:$PROXY_PORT" \
    "127.0.0.1:$UAS_PORT"
wait_uas server
stop_proxy $((CALLS * 2))
check_results INVITE 200 "$UAS_PORT:response:180,200"
check_results BYE 200 "$UAS_PORT:response:200"

rm "$WORK/results"
start_uas server2 uas_answer.xml
start_proxy --record-route
run_uac caller2 uac_call.xml -rsa "127.0.0.1:$PROXY_PORT" \
    "127.0.0.1:$UAS_PORT"
wait_uas server2
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
