#!/usr/bin/env bash
# The first target was given up, the second has answered, and then the first
# answers after all: the caller gets that 200 too, and hangs up both.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas late uas_late_answer.xml
late=$UAS_PORT
start_uas server uas_answer_later.xml
start_proxy --record-route --provisional-timeout 300ms "127.0.0.1:$late" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_two_answers.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_uas late
stop_proxy "$CALLS"
# The report did not wait for it.
check_results INVITE 200 "$late:provisional timeout:" \
    "$UAS_PORT:response:180,200"
