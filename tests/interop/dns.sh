# shellcheck shell=bash
# Knot DNS with a zone of ours, for the interop tests of names. Sourced after
# lib.sh and setup().
#
# SPDX-License-Identifier: MIT

DNS_SERIAL=0

# write_zone: the zone example.com from the lines on stdin; its names hold for a
# second, and so does that a name is not there.
write_zone() {
    DNS_SERIAL=$((DNS_SERIAL + 1))
    {
        printf '%s\n' "\$ORIGIN example.com." "\$TTL 1"
        printf '@ SOA ns.example.com. post.example.com. %s 60 60 60 1\n' \
            "$DNS_SERIAL"
        printf '@ NS ns\nns A 127.0.0.1\nhost A 127.0.0.1\n'
        cat
    } >zone
}

# start_dns: Knot on the port DNS_PORT, with what write_zone wrote. It fails for
# names in broken.test, and refuses what is in neither zone.
start_dns() {
    if ! command -v knotd >/dev/null; then
        say "knotd is not installed: skipped"
        exit 77
    fi
    DNS_PORT=$(free_port)
    mkdir -p knot
    cat >knot.conf <<END
server:
    listen: 127.0.0.1@$DNS_PORT
    rundir: $WORK/knot
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: $WORK/knot
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: $WORK
    journal-content: none
    zonefile-load: whole
zone:
  - domain: example.com
    file: zone
  - domain: broken.test
    file: there-is-none
END
    env -u LD_PRELOAD knotd -c "$WORK/knot.conf" >knot.err 2>&1 &
    DNS_PID=$!
    PIDS+=("$DNS_PID")
    wait_for 10 dns_has "$DNS_SERIAL" || fail "Knot does not start"
}

# control ARGUMENT...: of Knot.
control() {
    knotc -s "$WORK/knot/knot.sock" "$@" >>knotc.out 2>&1
}

# dns_has SERIAL: the zone is there.
dns_has() {
    knotc -s "$WORK/knot/knot.sock" zone-read example.com @ SOA 2>/dev/null |
        grep -q " $1 60 60 60 1"
}

# change_zone: the zone becomes what stdin says.
change_zone() {
    write_zone
    control zone-reload example.com || fail "Knot does not take the zone"
    wait_for 10 dns_has "$DNS_SERIAL" || fail "Knot keeps the old zone"
}

# show_attempts: how many results have which attempts, sorted by their number:
# COUNT STATUS ATTEMPT...
show_attempts() {
    python3 "$HERE/show_attempts.py" results
}

# start_sink PORT: a UDP socket there that takes everything and says nothing.
start_sink() {
    python3 -c '
import socket, sys, time
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)' "$1" &
    PIDS+=("$!")
    wait_for 10 port_in_use "$1" || fail "nobody listens on $1"
}
