#!/usr/bin/env bash
# The first target answers 503, which is acknowledged; the second takes over.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas unavailable uas_503.xml
first=$UAS_PORT
start_uas server uas_answer.xml
start_proxy --record-route --keep-user "127.0.0.1:$first" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas unavailable
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$first:response:503" "$UAS_PORT:response:180,200"
