#!/usr/bin/env bash
# Callers give up while it rings: the branch is cancelled, the second target
# is never tried.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas ringing uas_ringing_cancel.xml
untried=$(free_port)
start_proxy --record-route "127.0.0.1:$UAS_PORT" "127.0.0.1:$untried"
run_uac caller uac_cancel.xml "127.0.0.1:$PROXY_PORT"
wait_uas ringing
stop_proxy "$CALLS"
check_results INVITE 487 "$UAS_PORT:response:180,487"
