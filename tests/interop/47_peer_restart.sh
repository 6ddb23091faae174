#!/usr/bin/env bash
# The host of the server loses power and is there again, with the same address:
# it knows nothing of the connection that the proxy has to it. The next request
# arrives all the same, once, whether the host is back when it is sent, or only
# later. A balancer goes on to send calls there.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"

PEER="$HERE/restarted_peer.py"
HOST=10.9.0.2
PORT=5080
HOST_PID=

# The cable that the host is plugged in to. Only where this script has a network
# of its own.
ip link add cable type bridge 2>/dev/null &&
    ip addr add 10.9.0.1/24 dev cable && ip link set cable up || {
    say "no network to pull a plug in: skipped"
    exit 77
}

has_own_network() {
    [ "$(readlink "/proc/$HOST_PID/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

is_ready() {
    grep -q ready "$WORK/host.out"
}

# The host is switched on.
switch_on() {
    unshare --net python3 "$PEER" serve "$PORT" >"$WORK/host.out" \
        2>"$WORK/host.err" &
    HOST_PID=$!
    PIDS+=("$HOST_PID")
    wait_for 10 has_own_network || fail "the host has no network of its own"
    # The same hardware: it is known by this address.
    ip link add plug type veth peer name card address 02:00:00:00:00:02 \
        netns "$HOST_PID" || fail "there is no cable"
    nsenter -t "$HOST_PID" -n ip addr add "$HOST/24" dev card
    nsenter -t "$HOST_PID" -n ip link set card up
    # Before that it would refuse what is on its way, as it may.
    wait_for 10 is_ready || fail "the host does not start"
    ip link set plug master cable
    ip link set plug up
}

# It loses power: nobody hears another word of it.
switch_off() {
    ip link set plug down
    kill -9 "$HOST_PID"
    wait "$HOST_PID" 2>/dev/null
    wait_for 20 eval "! ip link show plug >/dev/null 2>&1" ||
        fail "the host is still there"
}

# expect_answer METHOD NAME: the host's answer, to the one request it has got.
expect_answer() {
    local status before

    before=$(grep -c "^$1\$" "$WORK/host.out")
    status=$(python3 "$PEER" ask 127.0.0.1 "$(proxy_port tcp)" "$1" "$2")
    [ "$status" = 486 ] || fail "$1 $2: ${status:-nothing} instead of 486"
    say "$1 $2: $status"
    [ "$(grep -c "^$1\$" "$WORK/host.out")" = $((before + 1)) ] ||
        fail "$1 $2 has not come once"
}

switch_on
start_proxy --listen 'sip:*:0;transport=tcp' --open \
    "sip:$HOST:$PORT;transport=tcp"
expect_answer MESSAGE before
for method in INVITE MESSAGE; do
    switch_off
    switch_on
    expect_answer "$method" "back-$method"
    expect_answer "$method" "still-$method"
done
# It is back only when the request has been on its way for a while.
for method in INVITE MESSAGE; do
    switch_off
    python3 "$PEER" ask 127.0.0.1 "$(proxy_port tcp)" "$method" \
        "late-$method" >"$WORK/late" &
    ASKER=$!
    sleep 3
    switch_on
    wait "$ASKER"
    [ "$(cat "$WORK/late")" = 486 ] ||
        fail "late $method: $(cat "$WORK/late") instead of 486"
    [ "$(grep -c "^$method\$" "$WORK/host.out")" = 1 ] ||
        fail "late $method has not come once"
    say "late $method: 486"
done
stop_proxy 7

find_program srf-lb "${SRF_BUILD:-$(dirname "$(dirname "$PROGRAM")")}"
start_program --listen 'sip:*:0;transport=tcp' --open \
    "sip:$HOST:$PORT;transport=tcp"
wait_listening
expect_answer INVITE first
for name in second third; do
    switch_off
    switch_on
    expect_answer INVITE "$name"
done
end_program
! grep -q ' is out' "$WORK/proxy.log" || fail "the server is out"
say "the balancer has kept it"
