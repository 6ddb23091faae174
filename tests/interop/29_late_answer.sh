#!/usr/bin/env bash
# The first target answers after it was given up: its 200 goes to the caller,
# and the second, which rings, is cancelled.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas late uas_late_answer.xml
late=$UAS_PORT
start_uas ringing uas_ringing_cancel.xml
start_proxy --record-route --provisional-timeout 300ms "127.0.0.1:$late" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas late
wait_uas ringing
stop_proxy "$CALLS"
check_results INVITE 200 "$late:provisional timeout:200" \
    "$UAS_PORT:response:180,487"
