#!/usr/bin/env bash
# Header fields are added, in their order.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas server uas_headers.xml
start_proxy --header 'X-Added: one' --header X-Added:two \
    "127.0.0.1:$UAS_PORT"
run_uac sender uac_message.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
stop_proxy "$CALLS"
check_results MESSAGE 200 "$UAS_PORT:response:200"
