#!/usr/bin/env bash
# Responses go to the port a request came from, whatever its Via says.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_message.xml
start_proxy --force-rport "127.0.0.1:$UAS_PORT"
run_uac sender uac_other_port.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results MESSAGE 200 "$UAS_PORT:response:200"
