#!/usr/bin/env bash
# examples/minimal: each call goes to one server. It does not record a route,
# so ACK and BYE go directly.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example minimal "$@"

start_uas server uas_direct.xml
start_example "127.0.0.1:$UAS_PORT"
run_uac caller uac_direct.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_results "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
