#!/usr/bin/env bash
# REGISTER with a Path (RFC 3327), and without a Record-Route.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

start_uas registrar uas_register.xml
start_proxy --path --record-route "127.0.0.1:$UAS_PORT"
run_uac client uac_register.xml "127.0.0.1:$PROXY_PORT"
wait_uas registrar
stop_proxy "$CALLS"
check_results REGISTER 200 "$UAS_PORT:response:200"
