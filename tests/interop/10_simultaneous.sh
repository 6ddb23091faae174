#!/usr/bin/env bash
# Two targets ring at once; the second answers, the first is cancelled.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas loser uas_ringing_cancel.xml
loser=$UAS_PORT
start_uas winner uas_answer_later.xml
start_proxy --record-route --forking simultaneous "127.0.0.1:$loser" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas winner
wait_uas loser
stop_proxy "$CALLS"
check_results INVITE 200 "$loser:response:180,487" "$UAS_PORT:response:180,200"
