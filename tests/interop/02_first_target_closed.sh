#!/usr/bin/env bash
# Nobody listens at the first target: each call goes to the second at once.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_answer.xml
closed=$(free_port)
start_proxy --record-route --keep-user "127.0.0.1:$closed" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$closed:transport:" "$UAS_PORT:response:180,200"
