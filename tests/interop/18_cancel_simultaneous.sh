#!/usr/bin/env bash
# Callers give up while two targets ring: both are cancelled.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas one uas_ringing_cancel.xml
one=$UAS_PORT
start_uas two uas_ringing_cancel.xml
start_proxy --forking simultaneous "127.0.0.1:$one" "127.0.0.1:$UAS_PORT"
run_uac caller uac_cancel_later.xml "127.0.0.1:$PROXY_PORT"
wait_uas one
wait_uas two
stop_proxy "$CALLS"
check_results INVITE 487 "$one:response:180,487" "$UAS_PORT:response:180,487"
