#!/usr/bin/env bash
# A status that was declared final ends the search, a 603 that was declared
# none does not.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas busy uas_486.xml
busy=$UAS_PORT
start_uas declining uas_603.xml
start_proxy --stop-codes 404,486 --failover-codes 603 \
    "127.0.0.1:$UAS_PORT" "127.0.0.1:$busy" "127.0.0.1:$(free_port)"
run_uac caller uac_rejected_603.xml "127.0.0.1:$PROXY_PORT"
wait_uas declining
wait_uas busy
stop_proxy "$CALLS"
# The best response is still the 603 (RFC 3261 section 16.7 step 6).
check_results INVITE 603 "$UAS_PORT:response:603" "$busy:response:486"
