#!/usr/bin/env bash
# A re-INVITE that is refused with 488, and one that is cancelled while the
# other side makes up its mind.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_reinvite_refused.xml
start_proxy --record-route "127.0.0.1:$UAS_PORT"
run_uac caller uac_reinvite_refused.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
