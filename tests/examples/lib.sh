# shellcheck shell=bash disable=SC2034
# Helpers of the tests of the example programs, on top of those of the interop
# tests. Sourced, not run. The program or the build directory is $1 of each
# test, or SRF_BUILD is set to that directory.
#
# SPDX-License-Identifier: MIT

# shellcheck source-path=SCRIPTDIR source=../interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../interop/lib.sh"

CALLS=3
LIMIT=40

# setup_example NAME [PROGRAM or BUILD-DIR]
setup_example() {
    begin
    find_program "$1" "${2:-${SRF_BUILD:-}}"
    cd "$WORK" || exit 1
}

# shellcheck disable=SC2120
# start_example [TARGET...]: starts it on a free port, with its output in
# $WORK/results. Sets PROXY_PORT.
start_example() {
    PROXY_PORT=$(free_port)
    "$PROGRAM" "sip:127.0.0.1:$PROXY_PORT;transport=udp" "$@" \
        >"$WORK/results" 2>"$WORK/proxy.log" &
    PROXY_PID=$!
    PIDS+=("$PROXY_PID")
    wait_for 10 bound_or_gone "$PROXY_PORT" "$PROXY_PID"
    alive "$PROXY_PID" || fail "$(basename "$PROGRAM") does not start"
}

# wait_results COUNT
wait_results() {
    wait_for 20 has_lines "$1" ||
        fail "$(wc -l <"$WORK/results") results instead of $1"
    # The small examples know no signal: this ends them the hard way.
    kill -TERM "$PROXY_PID"
    wait "$PROXY_PID"
}

# refused STATUS TEXT ARGUMENT...: the program ends with that status and says
# that on stderr.
refused() {
    local wanted=$1 text=$2 status

    shift 2
    timeout 20 "$PROGRAM" "$@" >"$WORK/out" 2>"$WORK/message"
    status=$?
    [ "$status" = "$wanted" ] ||
        fail "'$*': status $status instead of $wanted"
    grep -q -e "$text" "$WORK/message" ||
        fail "'$*' says: $(cat "$WORK/message")"
}
