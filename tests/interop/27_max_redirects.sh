#!/usr/bin/env bash
# A chain of redirects is followed no further than it may be: the last 302 goes
# to the caller.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas second uas_redirect.xml -key contacts '<sip:elsewhere@192.0.2.1>'
second=$UAS_PORT
start_uas first uas_redirect.xml -key contacts "<sip:127.0.0.1:$second>"
start_proxy --record-route --follow-redirects --max-redirects 1 \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_redirected.xml "127.0.0.1:$PROXY_PORT"
wait_uas first
wait_uas second
stop_proxy "$CALLS"
check_results INVITE 302 "$UAS_PORT:response:302" "$second:response:302"
