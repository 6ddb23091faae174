#!/usr/bin/env bash
# One of two targets that are tried at once redirects: where it points to is
# tried beside the other, which rings and is cancelled.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas answering uas_answer_later.xml
answering=$UAS_PORT
start_uas ringing uas_ringing_cancel.xml
ringing=$UAS_PORT
start_uas redirecting uas_redirect.xml \
    -key contacts "<sip:moved@127.0.0.1:$answering>"
start_proxy --record-route --forking simultaneous --follow-redirects \
    "127.0.0.1:$UAS_PORT" "127.0.0.1:$ringing"
run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas answering
wait_uas ringing
wait_uas redirecting
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:302" \
    "$ringing:response:180,487" "$answering:response:180,200"
