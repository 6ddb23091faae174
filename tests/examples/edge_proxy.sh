#!/usr/bin/env bash
# examples/edge_proxy: from outside to the registrar, with a Path; from inside
# where the request says. Its clients are in tests/interop/38_wss_client.sh.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example edge_proxy "$@"

start_uas registrar uas_register.xml
start_program 'sip:127.0.0.1:0;transport=udp' 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$UAS_PORT"
wait_listening
{ read -r INSIDE; read -r OUTSIDE; } <<<"$PROXY_PORT"

run_uac client uac_register.xml "127.0.0.1:$OUTSIDE"
wait_uas registrar
start_uas callee uas_plain.xml
# Where its Request-URI points, not to the registrar.
run_uac caller uac_any.xml -rsa "127.0.0.1:$INSIDE" "127.0.0.1:$UAS_PORT"
wait_uas callee
end_program
[ "$(grep -c '^REGISTER .*: 200$' proxy.out)" = "$CALLS" ] ||
    fail "not every REGISTER is reported"
[ "$(grep -c '^INVITE .*: 200$' proxy.out)" = "$CALLS" ] ||
    fail "not every INVITE is reported"
