# shellcheck shell=bash
# Free ports, and waiting. Sourced by the scripts that start SIPp.
#
# SPDX-License-Identifier: MIT

# port_in_use PORT: is there an IPv4 socket on that port, UDP or TCP?
port_in_use() {
    local hex udp tcp

    # No other program is run for it: a script asks this thirty times.
    printf -v hex '%04X' "$1"
    mapfile udp </proc/net/udp
    mapfile tcp </proc/net/tcp
    [[ "${udp[*]}${tcp[*]}" =~ :\ [0-9A-F]{8}:$hex\  ]]
}

# free_port: prints a port that nobody has bound.
free_port() {
    local port

    while :; do
        port=$((RANDOM % 12000 + 20000))
        if ! port_in_use "$port"; then
            echo "$port"
            return
        fi
    done
}

# media_port: the same for SIPp's media, which takes this port and the second
# one behind it; apart from those of free_port.
media_port() {
    local port

    while :; do
        port=$((RANDOM % 4000 * 2 + 10000))
        if ! port_in_use "$port" && ! port_in_use $((port + 2)); then
            echo "$port"
            return
        fi
    done
}

# wait_for SECONDS COMMAND...: waits until the command succeeds.
wait_for() {
    local ticks=$(($1 * 20))

    shift
    while [ "$ticks" -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
        ticks=$((ticks - 1))
    done
    return 1
}
