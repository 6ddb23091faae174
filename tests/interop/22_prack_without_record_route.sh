#!/usr/bin/env bash
# The same without Record-Route: what the caller still sends through the proxy
# is a request like any other and makes a result of its own.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_prack_direct.xml
start_proxy "127.0.0.1:$UAS_PORT"
run_uac caller uac_prack_direct.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy $((5 * CALLS))
check_results INVITE 200 "$UAS_PORT:response:183,200"
check_results PRACK 200 "$UAS_PORT:response:200"
check_results UPDATE 200 "$UAS_PORT:response:200"
check_results INFO 200 "$UAS_PORT:response:200"
check_results BYE 200 "$UAS_PORT:response:200"
