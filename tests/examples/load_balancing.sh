#!/usr/bin/env bash
# examples/load_balancing: nobody is at the first target, the second answers.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example load_balancing "$@"

start_uas server uas_direct.xml
closed=$(free_port)
start_example "127.0.0.1:$closed" "127.0.0.1:$UAS_PORT"
run_uac caller uac_direct.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_results "$CALLS"
check_results INVITE 200 "$closed:transport:" "$UAS_PORT:response:180,200"
