#!/usr/bin/env bash
# Calls through a proxy that records its route: ACK and BYE follow it.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_answer.xml
start_proxy --record-route --keep-user "127.0.0.1:$UAS_PORT"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
