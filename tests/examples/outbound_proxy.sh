#!/usr/bin/env bash
# examples/outbound_proxy: the call goes where its Request-URI points.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example outbound_proxy "$@"

start_uas server uas_direct.xml
# shellcheck disable=SC2119
start_example
run_uac caller uac_direct.xml -rsa "127.0.0.1:$PROXY_PORT" \
    "127.0.0.1:$UAS_PORT"
wait_uas server
wait_results "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
