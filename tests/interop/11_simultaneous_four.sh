#!/usr/bin/env bash
# Four targets at once: one rings and is cancelled, one gives its first sign of
# life after the call was answered and is cancelled then, one is busy, one
# answers.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas ringing uas_ringing_cancel.xml
ringing=$UAS_PORT
start_uas late uas_late_trying.xml
late=$UAS_PORT
start_uas busy uas_486.xml
busy=$UAS_PORT
start_uas winner uas_answer_later.xml
start_proxy --record-route --forking simultaneous "127.0.0.1:$ringing" \
    "127.0.0.1:$late" "127.0.0.1:$busy" "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas winner
wait_uas busy
wait_uas ringing
wait_uas late
stop_proxy "$CALLS"
check_results INVITE 200 "$ringing:response:180,487" \
    "$late:response:100,487" "$busy:response:486" "$UAS_PORT:response:180,200"
