#!/usr/bin/env bash
# The first target rings until Timer C ends it: it is cancelled and the second
# answers.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas ringing uas_ringing_cancel.xml
ringing=$UAS_PORT
start_uas server uas_answer_later.xml
start_proxy --record-route --timer-c 300ms "127.0.0.1:$ringing" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_uas ringing
stop_proxy "$CALLS"
check_results INVITE 200 "$ringing:timer C:180,487" \
    "$UAS_PORT:response:180,200"
