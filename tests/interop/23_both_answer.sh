#!/usr/bin/env bash
# Two targets at once, and both answer: the second 200 crosses the CANCEL. The
# caller gets both, acknowledges both and hangs up both.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas crossing uas_crossing_answer.xml
crossing=$UAS_PORT
start_uas first uas_answer_later.xml
start_proxy --record-route --forking simultaneous "127.0.0.1:$crossing" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_two_answers.xml "127.0.0.1:$PROXY_PORT"
wait_uas first
wait_uas crossing
stop_proxy "$CALLS"
check_results INVITE 200 "$crossing:response:180,200" \
    "$UAS_PORT:response:180,200"
