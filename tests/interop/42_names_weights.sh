#!/usr/bin/env bash
# 200 calls a second to a name with two servers of weights 3 and 1. The heavier
# one dies and comes back on the way: no call fails, and while both live each
# has the share that its weight says.
#
#   SRF_CALLS=2400 SRF_RATE=200
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=2400}" "${SRF_RATE:=200}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=dns.sh
. "$HERE/dns.sh"
MAY_REPEAT="heavy caller"

start_uas light uas_any.xml -aa
light=$UAS_PORT
# It leaves when it has had a quarter of all calls, about a third of the way;
# what comes in its last moment is lost, and said again by the proxy.
UAS_CALLS=$((CALLS / 4)) start_uas heavy uas_any.xml
heavy=$UAS_PORT
write_zone <<END
_sip._udp.servers SRV 1 3 $heavy host
_sip._udp.servers SRV 1 1 $light host
END
start_dns
start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route \
    --dead-address 500ms servers.example.com

# has_died: and a while has passed.
revive() {
    wait_for "$LIMIT" eval "! alive ${UAS_PID[heavy]}"
    sleep 2
    exec timeout -k 2 "$LIMIT" sipp -i 127.0.0.1 -p "$heavy" -nostdin \
        -sf "$HERE/scenarios/uas_any.xml" -cp "$(free_port)" \
        -mp "$(media_port)" -skip_rlimit >revived.screen 2>revived.err
}
revive &
PIDS+=("$!")

run_uac caller uac_any.xml "127.0.0.1:$PROXY_PORT"
stop_proxy "$CALLS"
python3 "$HERE/check_shares.py" results "$heavy" "$light" 0.75 ||
    fail "the shares are not as the weights say"
