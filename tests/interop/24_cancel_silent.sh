#!/usr/bin/env bash
# Callers give up while one of two targets rings and the other is silent, which
# is cancelled as soon as it rings, not before (RFC 3261 section 9.1).
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas ringing uas_ringing_cancel.xml
ringing=$UAS_PORT
start_uas late uas_late_ringing.xml
start_proxy --forking simultaneous "127.0.0.1:$ringing" \
    "127.0.0.1:$UAS_PORT"
run_uac caller uac_cancel_early.xml "127.0.0.1:$PROXY_PORT"
wait_uas ringing
wait_uas late
stop_proxy "$CALLS"
check_results INVITE 487 "$ringing:response:180,487" \
    "$UAS_PORT:response:180,487"
