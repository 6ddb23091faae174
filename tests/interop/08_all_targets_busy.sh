#!/usr/bin/env bash
# Every target is busy: each is tried and acknowledged, the caller is told once.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas busy uas_busy.xml
first=$UAS_PORT
start_uas busy2 uas_busy.xml
start_proxy "127.0.0.1:$first" "127.0.0.1:$UAS_PORT"
run_uac caller uac_rejected_486.xml "127.0.0.1:$PROXY_PORT"
wait_uas busy
wait_uas busy2
stop_proxy "$CALLS"
check_results INVITE 486 "$first:response:486" "$UAS_PORT:response:486"
