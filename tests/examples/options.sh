#!/usr/bin/env bash
# examples/options: both targets are asked at once. Nobody is at the first, the
# second redirects to where the call is answered.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example options "$@"

start_uas server uas_answer.xml -s moved
answering=$UAS_PORT
start_uas redirect uas_redirect.xml -key contacts "<sip:moved@127.0.0.1:$answering>"
redirecting=$UAS_PORT
closed=$(free_port)
start_example "127.0.0.1:$closed" "127.0.0.1:$redirecting"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas redirect
wait_uas server
wait_results "$CALLS"
check_results INVITE 200 "$closed:transport:" "$redirecting:response:302" \
    "$answering:response:180,200"
