#!/usr/bin/env bash
# A lone 503 is not passed on: the caller is told 500 (RFC 3261 section 16.7).
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas unavailable uas_503.xml
start_proxy "127.0.0.1:$UAS_PORT"
run_uac caller uac_rejected_500.xml "127.0.0.1:$PROXY_PORT"
wait_uas unavailable
stop_proxy "$CALLS"
check_results INVITE 500 "$UAS_PORT:response:503"
