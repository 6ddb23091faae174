#!/usr/bin/env bash
# A redirect is followed, the Contact with the highest q first; the Contact is
# the new Request-URI.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas answering uas_answer.xml -s moved
answering=$UAS_PORT
start_uas busy uas_486.xml
busy=$UAS_PORT
start_uas redirecting uas_redirect.xml -key contacts \
    "<sip:moved@127.0.0.1:$answering>;q=0.3, <sip:first@127.0.0.1:$busy>;q=0.7"
start_proxy --record-route --follow-redirects "127.0.0.1:$UAS_PORT"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas answering
wait_uas busy
wait_uas redirecting
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:302" "$busy:response:486" \
    "$answering:response:180,200"
