#!/usr/bin/env bash
# One of two targets declines for good: the one that rings is cancelled and the
# caller gets the 603.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas ringing uas_ringing_cancel.xml
ringing=$UAS_PORT
start_uas declining uas_603.xml
start_proxy --forking simultaneous "127.0.0.1:$ringing" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_rejected_603.xml "127.0.0.1:$PROXY_PORT"
wait_uas declining
wait_uas ringing
stop_proxy "$CALLS"
check_results INVITE 603 "$ringing:response:180,487" "$UAS_PORT:response:603"
