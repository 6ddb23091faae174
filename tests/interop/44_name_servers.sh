#!/usr/bin/env bash
# Name servers that are not there, say nothing, refuse, fail, or have more to say
# than fits a datagram.
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=20}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=dns.sh
. "$HERE/dns.sh"

# call LABEL SERVERS TARGET SCENARIO ATTEMPT: calls through a proxy that asks
# these servers, each with this one attempt.
call() {
    start_proxy --dns-server "$2" --dns-timeout 200ms --dns-tries 2 \
        --record-route "$3"
    run_uac "$1" "$4" "127.0.0.1:$PROXY_PORT"
    stop_proxy "$CALLS"
    [ "$(show_attempts)" = "$CALLS $5" ] ||
        fail "$1: not only $5 but: $(show_attempts)"
    rm results
}

UAS_CALLS=$((3 * CALLS)) start_uas server uas_plain.xml
write_zone < <(
    echo "_sip._udp.server SRV 1 1 $UAS_PORT host"
    echo "_sip._udp.many SRV 1 1 $UAS_PORT host"
    for ((i = 0; i < 60; i++)); do
        echo "_sip._udp.many SRV 2 1 $((10000 + i)) host"
    done
)
start_dns
closed=$(free_port)
silent=$(free_port)
start_sink "$silent"
good="200 $UAS_PORT:response:180,200"

call closed "127.0.0.1:$closed,127.0.0.1:$DNS_PORT" \
    server.example.com uac_any.xml "$good"
call silent "127.0.0.1:$silent,127.0.0.1:$DNS_PORT" \
    server.example.com uac_any.xml "$good"
call truncated "127.0.0.1:$DNS_PORT" many.example.com uac_any.xml "$good"
wait_uas server

call nobody "127.0.0.1:$silent" \
    server.example.com uac_rejected_500.xml "500 0:dns:"
call failing "127.0.0.1:$DNS_PORT" \
    server.broken.test uac_rejected_500.xml "500 0:dns:"
call refusing "127.0.0.1:$DNS_PORT" \
    server.unknown.test uac_rejected_500.xml "500 0:dns:"
