# shellcheck shell=bash disable=SC2034
# Clients of the browser, fetched from where npm is set up to. Sourced after
# lib.sh and setup().
#
# SPDX-License-Identifier: MIT

# fetch_clients: the libraries, in the versions of the lock file, below WORK.
fetch_clients() {
    local tool

    for tool in node npm; do
        command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
    cp -r "$HERE/wss/." . || fail "no copy of the clients"
    timeout 80 npm ci --prefer-offline --ignore-scripts --no-audit --no-fund \
        --fetch-retries=1 --fetch-timeout=20000 >npm.out 2>npm.err && return
    cat npm.err >&2
    # What is wrong with our own files is no reason to skip.
    grep -Eq 'code (EUSAGE|EINTEGRITY|EJSONPARSE|ETARGET)' npm.err &&
        fail "npm refuses package-lock.json"
    skip "npm cannot install the clients"
}

# fetch_and_go_inside [ARGUMENT]...: a network of its own has no way to where the
# libraries are. So the script fetches them outside, and runs once more inside,
# where SRF_CLIENTS names the folder that they are in.
fetch_and_go_inside() {
    [ -z "${SRF_CLIENTS:-}" ] || return 0
    fetch_clients
    SRF_CLIENTS=$WORK "$HERE/../support/own_network" "$HERE/$NAME.sh" "$@" &
    PIDS+=("$!")
    wait "$!"
    exit
}
