#!/usr/bin/env bash
# Two servers redirect to each other: neither is asked twice, and the Contact
# with the lowest q, which is new, is tried at last.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas answering uas_answer.xml -s moved
answering=$UAS_PORT
first=$(free_port)
start_uas second uas_redirect.xml -key contacts \
    "<sip:127.0.0.1:$first>, <sip:moved@127.0.0.1:$answering>;q=0.1"
second=$UAS_PORT
try_uas "$first" first uas_redirect.xml \
    -key contacts "<sip:127.0.0.1:$second>" || fail "port $first was taken"
start_proxy --record-route --follow-redirects "127.0.0.1:$first"
run_uac caller uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas answering
wait_uas second
wait_uas first
stop_proxy "$CALLS"
check_results INVITE 200 "$first:response:302" "$second:response:302" \
    "$answering:response:180,200"
