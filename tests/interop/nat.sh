# shellcheck shell=bash
# Homes with a private network behind address translation. Sourced after
# networks.sh.
#
# SPDX-License-Identifier: MIT

# The address of this side, where the proxy is.
EDGE=192.0.2.1

# make_internet: a wire that routers are plugged in to. No private address has a
# route here.
make_internet() {
    command -v nft >/dev/null || skip "nft is not installed"
    begin_networks
    ip link add wire type bridge || skip "no bridge"
    ip addr add "$EDGE/24" dev wire
    ip link set wire up
}

# make_home NAME PUBLIC-ADDRESS: a router, and behind it a host for a telephone.
# The router gives each flow a port of its own, which stays its own while a test
# lasts, however slow the machine is.
make_home() {
    make_host "router-$1"
    ip link add "$1" type veth peer name wan netns "${HOST_PID[router-$1]}"
    ip link set "$1" master wire
    ip link set "$1" up
    make_host "$1"
    ip link add name "p$1" type veth peer name card netns "${HOST_PID[$1]}"
    ip link set "p$1" netns "${HOST_PID[router-$1]}" name lan
    on "router-$1" ip addr add "$2/24" dev wan
    on "router-$1" ip addr add 10.0.0.1/24 dev lan
    on "router-$1" ip link set wan up
    on "router-$1" ip link set lan up
    set_sysctl "router-$1" ipv4/ip_forward 1
    on "router-$1" nft -f - 2>nft.err <<'END' || skip "no address translation"
table ip home {
    chain out {
        type nat hook postrouting priority srcnat;
        oifname "wan" meta l4proto { tcp, udp } masquerade to :20000-29999
    }
}
END
    set_sysctl "router-$1" netfilter/nf_conntrack_udp_timeout 600
    set_sysctl "router-$1" netfilter/nf_conntrack_udp_timeout_stream 600
    on "$1" ip addr add 10.0.0.2/24 dev card
    on "$1" ip link set card up
    on "$1" ip route add default via 10.0.0.1
}
