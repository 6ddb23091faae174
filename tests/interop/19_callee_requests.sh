#!/usr/bin/env bash
# The callee changes the session, sends INFO and UPDATE, and hangs up: all of it
# comes back along the recorded route without asking the program.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_callee_requests.xml
start_proxy --record-route "127.0.0.1:$UAS_PORT"
run_uac caller uac_callee_requests.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
