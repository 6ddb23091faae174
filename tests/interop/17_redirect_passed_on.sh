#!/usr/bin/env bash
# A redirect that is not to be followed goes to the caller as it is.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas redirecting uas_redirect.xml \
    -key contacts '<sip:elsewhere@192.0.2.1>'
start_proxy --record-route "127.0.0.1:$UAS_PORT"
run_uac caller uac_redirected.xml "127.0.0.1:$PROXY_PORT"
wait_uas redirecting
stop_proxy "$CALLS"
check_results INVITE 302 "$UAS_PORT:response:302"
