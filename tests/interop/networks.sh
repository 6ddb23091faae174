# shellcheck shell=bash
# Hosts with a network of their own, and the cables between them. Sourced after
# lib.sh and setup(). The script has to have a network of its own, too.
#
# SPDX-License-Identifier: MIT

declare -A HOST_PID=()

# begin_networks: whether there may be such hosts, else the test is skipped.
begin_networks() {
    ip link add probe type veth peer name echo 2>/dev/null ||
        skip "no networks of its own"
    ip link del probe
}

has_own_network() {
    [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# make_host NAME: it has its loopback interface and nothing else.
make_host() {
    unshare --net sleep 600 &
    HOST_PID[$1]=$!
    PIDS+=("$!")
    wait_for 10 has_own_network "$!" || fail "$1 has no network of its own"
    on "$1" ip link set lo up
}

# on HOST COMMAND...: runs it there. With REPLACE=exec it takes the place of the
# shell, whose process id is then the one to be killed.
on() {
    ${REPLACE:-} nsenter -t "${HOST_PID[$1]}" -n "${@:2}"
}

# plug_in HOST DEVICE ADDRESS/BITS: a cable from here to there; its end here is
# called like the host.
plug_in() {
    ip link add "$1" type veth peer name "$2" netns "${HOST_PID[$1]}" ||
        fail "there is no cable to $1"
    on "$1" ip addr add "$3" dev "$2"
    on "$1" ip link set "$2" up
    ip link set "$1" up
}

# set_sysctl HOST NAME VALUE: of its network, such as ipv4/ip_forward.
set_sysctl() {
    on "$1" sh -c "echo $3 >/proc/sys/net/$2" 2>/dev/null ||
        skip "$2 cannot be set"
}
