#!/usr/bin/env bash
# Calls over TCP: from UDP to TCP, from TCP to UDP, and all the way.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

# calls LABEL CALLER-TRANSPORT CALLEE-TRANSPORT: transports as SIPp names them,
# u1 and t1.
calls() {
    local in=udp out="" prefix=""

    [ "$2" = u1 ] || in=tcp
    [ "$3" = u1 ] || out=";transport=tcp" prefix=tcp/
    start_uas "server-$1" uas_any.xml -t "$3"
    start_proxy --listen 'sip:127.0.0.1:0;transport=tcp' --record-route \
        "127.0.0.1:$UAS_PORT$out"
    run_uac "caller-$1" uac_any.xml -t "$2" "127.0.0.1:$(proxy_port $in)"
    wait_uas "server-$1"
    stop_proxy "$CALLS"
    check_results INVITE 200 "$prefix$UAS_PORT:response:180,200"
    rm "$WORK/results"
}

calls there u1 t1
calls back t1 u1
calls through t1 t1
