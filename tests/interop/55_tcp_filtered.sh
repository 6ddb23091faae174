#!/usr/bin/env bash
# Requests that are too large for a datagram, to servers whose network drops what
# begins a TCP connection: they go as datagrams after all, within two seconds, the
# next ones at once, and the balancer keeps its server. A target that says UDP is
# not tried over TCP at all.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
find_program srf-lb "${SRF_BUILD:-$(dirname "$(dirname "$PROGRAM")")}"

# Only where this script has a network of its own.
ip link add probe type veth peer name echo 2>/dev/null ||
    skip "no network of its own"
command -v nft >/dev/null || skip "nft is not installed"

# milliseconds_of NUMBER: how long that call took.
milliseconds_of() {
    sed -n "$1s/.* ms=\([0-9]*\).*/\1/p" "$WORK/proxy.out"
}

# play PARAMETERS: two calls to a target with them, one after the other.
play() {
    local call

    start_program --listen 'sip:127.0.0.1:0;transport=udp' \
        --listen 'sip:127.0.0.1:0;transport=tcp' \
        "sip:127.0.0.1:$UAS_PORT$1"
    wait_listening
    for call in first second; do
        run_uac "$call" uac_large.xml -key padding "$LONG" \
            "127.0.0.1:$PROXY_PORT"
    done
    end_program
    grep -v '^listening' "$WORK/proxy.out" >"$WORK/calls"
    mv "$WORK/calls" "$WORK/proxy.out"
    [ "$(grep -c 'status=200 tries=1 ' "$WORK/proxy.out")" = 2 ] ||
        fail "not every call was answered by the first try"
    ! grep -q ' is out' "$WORK/proxy.log" || fail "the server is out"
}

LONG=$(printf "%1200s" "" | tr " " x)
CALLS=1
UAS_CALLS=4
start_uas callee uas_plain.xml
nft -f - 2>"$WORK/nft.err" <<END || skip "nothing can be filtered"
table inet wall {
    chain in {
        type filter hook input priority 0;
        tcp dport $UAS_PORT tcp flags & (syn | ack) == syn counter drop
    }
}
END

# dropped: how many beginnings of connections.
dropped() {
    nft list table inet wall | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

play ''
first=$(milliseconds_of 1)
second=$(milliseconds_of 2)
[ "$first" -lt 2000 ] || fail "the first call took $first ms"
[ "$second" -lt 1000 ] || fail "the second call took $second ms"
[ "$(dropped)" -ge 1 ] || fail "TCP was not tried"
say "first $first ms, then $second ms"

before=$(dropped)
play ';transport=udp'
[ "$(dropped)" = "$before" ] || fail "a target that says UDP was tried over TCP"
say "UDP alone: $(milliseconds_of 1) ms"
wait_uas callee
