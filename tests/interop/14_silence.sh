#!/usr/bin/env bash
# The first target never answers: Timer B (64*T1, here 3.2 s) moves the call on.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas silent uas_silent.xml
silent=$UAS_PORT
start_uas server uas_answer_later.xml
start_proxy --record-route --t1 50ms "127.0.0.1:$silent" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_uas silent
stop_proxy "$CALLS"
check_results INVITE 200 "$silent:timer B:" "$UAS_PORT:response:180,200"
