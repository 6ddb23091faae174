#!/usr/bin/env bash
# A reliable 183 with its PRACK, UPDATE before the answer and INFO after it,
# along the recorded route.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_prack.xml
start_proxy --record-route "127.0.0.1:$UAS_PORT"
run_uac caller uac_prack.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:183,200"
