# shellcheck shell=bash disable=SC2034
# Helpers of the interop tests: SIPp and srf-proxy started and stopped by their
# process ids, counts compared. Sourced, not run.
#
#   SRF_PROXY   the program under test; or it, or the build directory, is $1;
#   SRF_BUILD   or the build directory is here
#   SRF_CALLS   calls of each script
#   SRF_USUAL_CALLS  the same of those that are content with any number (200);
#               those that count none are content with their short form then
#   SRF_RATE    calls per second (100)
#   SRF_KEEP    not empty: keep the directory with the logs
#
# SPDX-License-Identifier: MIT

set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ports.sh
. "$HERE/../support/ports.sh"
NAME=$(basename "$0" .sh)
CALLS=${SRF_CALLS:-${SRF_USUAL_CALLS:-200}}
RATE=${SRF_RATE:-100}
# Seconds any one program may take.
LIMIT=$((CALLS / RATE + 40))
WORK=
PIDS=()
declare -A UAS_PID=()
declare -A EXPECTED=()

fail() {
    echo "$NAME: FAILED: $*" >&2
    exit 1
}

say() {
    echo "$NAME: $*"
}

# end_short_form: what was played is enough where this is played once more, under
# other conditions.
end_short_form() {
    [ -n "${SRF_USUAL_CALLS:-}" ] || return 0
    say "the short form ends here"
    exit 0
}

skip() {
    say "$*: skipped"
    exit 77
}

cleanup() {
    local status=$? pid

    trap - EXIT
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do
        kill "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -n "$WORK" ]; then
        show_logs >&2
    fi
    if [ -n "${SRF_KEEP:-}" ]; then
        echo "$NAME: logs are in $WORK"
    else
        rm -rf "$WORK"
    fi
    exit "$status"
}

# What a reader needs to see why a test failed.
show_logs() {
    local file

    for file in "$WORK"/*.err "$WORK"/*.errors "$WORK"/proxy.log; do
        [ -s "$file" ] || continue
        echo "--- $(basename "$file")"
        head -n 40 "$file" | cut -c 1-1000
    done
}

# begin: checks what is needed, makes the directory for the logs.
begin() {
    command -v sipp >/dev/null || skip "sipp is not installed"
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/srf-test.XXXXXX") ||
        fail "no directory for the logs"
    trap cleanup EXIT
    trap 'exit 130' INT TERM
}

# find_program NAME PATH: PATH is the program or the build directory. Sets
# PROGRAM.
find_program() {
    PROGRAM=$2
    [ -d "$PROGRAM" ] && PROGRAM=$PROGRAM/examples/$1
    [ -x "$PROGRAM" ] || fail "no program $1: give the build directory"
    PROGRAM=$(realpath "$PROGRAM")
}

# setup [BUILD-DIR]: what every interop test begins with.
setup() {
    begin
    find_program srf-proxy "${SRF_PROXY:-${1:-${SRF_BUILD:-}}}"
    cd "$WORK" || exit 1
}

# run_sipp LABEL ARGUMENT...: SIPp in the foreground, everything into files.
# With REPLACE=exec it takes the place of the shell, whose process id is then
# the one to be killed.
run_sipp() {
    local label=$1

    shift
    ${REPLACE:-} timeout -k 2 "$LIMIT" sipp -i 127.0.0.1 -cp "$(free_port)" \
        -mp "$(media_port)" -nostdin -skip_rlimit \
        -watchdog_minor_maxtriggers 100000 \
        -watchdog_major_maxtriggers 100000 \
        -trace_err -error_file "$WORK/$label.errors" \
        -trace_stat -stf "$WORK/$label.csv" -fd 1 \
        "$@" >"$WORK/$label.screen" 2>"$WORK/$label.err"
}

alive() {
    kill -0 "$1" 2>/dev/null
}

bound_or_gone() {
    port_in_use "$1" || ! alive "$2"
}

# start_uas LABEL SCENARIO [ARGUMENT...]: a SIPp server that ends after
# $CALLS calls, or $UAS_CALLS. Sets UAS_PORT.
start_uas() {
    local try

    # Somebody else may take the port in between.
    for try in 1 2 3 4 5; do
        try_uas "$(free_port)" "$@" && return
    done
    fail "SIPp does not start with $2, $try times"
}

# try_uas PORT LABEL SCENARIO [ARGUMENT...]: the same on this port, when it is
# still free.
try_uas() {
    local port=$1 label=$2 scenario=$3 pid

    shift 3
    EXPECTED[$label]=${UAS_CALLS:-$CALLS}
    REPLACE="exec" run_sipp "$label" -sf "$HERE/scenarios/$scenario" \
        -p "$port" -m "${EXPECTED[$label]}" "$@" &
    pid=$!
    wait_for 5 bound_or_gone "$port" "$pid"
    alive "$pid" || return 1
    PIDS+=("$pid")
    UAS_PID[$label]=$pid
    UAS_PORT=$port
}

# wait_uas LABEL: the server has had all its calls, none of them failed.
wait_uas() {
    local pid=${UAS_PID[$1]}

    wait_for 20 eval "! alive $pid" || fail "$1 had too few calls"
    wait "$pid" || fail "$1: SIPp's exit status is $?"
    check_counts "$1"
}

# run_uac LABEL SCENARIO ARGUMENT...: places $CALLS calls; none may fail.
run_uac() {
    local label=$1 scenario=$2 status=254

    shift 2
    EXPECTED[$label]=$CALLS
    # 254: a port was taken in between, no call was placed.
    for _ in 1 2 3; do
        [ "$status" = 254 ] || break
        # Behind wait, since the shell sees no signal while a command runs.
        REPLACE="exec" run_sipp "$label" -sf "$HERE/scenarios/$scenario" \
            -p "$(free_port)" -m "$CALLS" -r "$RATE" "$@" &
        PIDS+=("$!")
        wait "$!"
        status=$?
        unset 'PIDS[-1]'
    done
    [ "$status" = 0 ] || fail "$label: SIPp's exit status is $status," \
        "$(sipp_count "$label" 'FailedCall(C)') calls failed"
    check_counts "$label"
}

# sipp_count LABEL COLUMN: the last value of a column of SIPp's statistics.
sipp_count() {
    awk -F ';' -v column="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
        END { if (at) print $at; else print "unknown" }
    ' "$WORK/$1.csv" 2>/dev/null
}

# check_counts LABEL: every call was good, and nothing came that SIPp could not
# place or had to send again: not one message is lost on loopback, so what is
# repeated was answered too late or not at all. $MAY_REPEAT names the labels of
# those with a partner who is silent.
check_counts() {
    local good bad again stray

    good=$(sipp_count "$1" 'SuccessfulCall(C)')
    bad=$(sipp_count "$1" 'FailedCall(C)')
    again=$(sipp_count "$1" 'Retransmissions(C)')
    stray=$(sipp_count "$1" 'OutOfCallMsgs(C)')
    say "$1: $good calls good, $bad failed, $again retransmissions," \
        "$stray stray messages"
    [ "$good" = "${EXPECTED[$1]}" ] || fail "$1: ${EXPECTED[$1]} calls wanted"
    [ "$bad" = 0 ] || fail "$1: no call may fail"
    [ "$stray" = 0 ] || fail "$1: no message may be stray"
    case " ${MAY_REPEAT:-} " in
    *" $1 "*) ;;
    *) [ "$again" = 0 ] || fail "$1: nothing may be sent again" ;;
    esac
}

# start_program ARGUMENT...: starts $PROGRAM, with stdout in $WORK/proxy.out
# and stderr in $WORK/proxy.log. Sets PROXY_PID.
start_program() {
    : >"$WORK/proxy.out"
    "$PROGRAM" "$@" >"$WORK/proxy.out" 2>"$WORK/proxy.log" &
    PROXY_PID=$!
    PIDS+=("$PROXY_PID")
}

# proxy_port TRANSPORT: the port that the program listens on with it.
proxy_port() {
    sed -n "s/^listening on sip:.*:\([0-9]*\);transport=$1\$/\1/p" \
        "$WORK/proxy.out"
}

# wait_listening: until the program says where it listens. Sets PROXY_PORT, the
# one for UDP.
wait_listening() {
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "$(basename "$PROGRAM") does not say that it listens"
    PROXY_PORT=$(proxy_port udp)
}

# start_proxy ARGUMENT...: srf-proxy, with its results in $WORK/results.
start_proxy() {
    : >>"$WORK/results"
    start_program --listen 'sip:127.0.0.1:0;transport=udp' \
        --results "$WORK/results" "$@"
    wait_listening
}

# wakes: how often any thread of the program was put on a processor.
wakes() {
    cat /proc/"$PROXY_PID"/task/*/schedstat | awk '{ sum += $3 } END { print sum }'
}

# end_program: SIGTERM; it must leave cleanly.
end_program() {
    kill -TERM "$PROXY_PID"
    wait_for 20 eval "! alive $PROXY_PID" || fail "SIGTERM does not end it"
    wait "$PROXY_PID" || fail "$(basename "$PROGRAM")'s exit status is $?"
}

has_lines() {
    [ "$(wc -l <"$WORK/results")" -ge "$1" ]
}

# stop_proxy RESULTS: waits for that many results, then ends the proxy.
stop_proxy() {
    wait_for 20 has_lines "$1" ||
        fail "$(wc -l <"$WORK/results") results instead of $1"
    end_program
}

# check_results METHOD STATUS ATTEMPT...: each result of that method says
# that the caller was sent STATUS after these attempts. An ATTEMPT is
# PORT:CAUSE:STATUSES, e.g. 5071:response:180,200; over another transport than
# UDP tcp/5071:response:180,200.
check_results() {
    local lines

    if command -v python3 >/dev/null; then
        python3 -IS "$HERE/check_results.py" "$WORK/results" "$CALLS" "$@" ||
            fail "the results are not as expected"
        return
    fi
    lines=$(grep -Ec "\"finalStatus\": *$2\b" "$WORK/results")
    [ "$lines" = "$CALLS" ] || fail "$lines results have status $2"
}
