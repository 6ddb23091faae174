#!/usr/bin/env bash
# A MESSAGE goes on to the second target when the first is silent; there is no
# CANCEL, and the response that comes too late goes nowhere.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas late uas_late_message.xml
late=$UAS_PORT
start_uas server uas_message.xml
start_proxy --provisional-timeout 300ms "127.0.0.1:$late" \
    "127.0.0.1:$UAS_PORT"
run_uac sender uac_message.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
wait_uas late
stop_proxy "$CALLS"
check_results MESSAGE 200 "$late:provisional timeout:" \
    "$UAS_PORT:response:200"
