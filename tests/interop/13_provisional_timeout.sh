#!/usr/bin/env bash
# The first target is silent for too long: the second answers, and when the
# first rings after all it is sent a CANCEL.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas late uas_late_ringing.xml
late=$UAS_PORT
start_uas server uas_answer_later.xml
start_proxy --record-route --provisional-timeout 300ms "127.0.0.1:$late" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_uas late
stop_proxy "$CALLS"
# The report waits for nobody who was given up without a CANCEL.
check_results INVITE 200 "$late:provisional timeout:" \
    "$UAS_PORT:response:180,200"
