#!/usr/bin/env bash
# srf-proxy: its command line, and that it ends cleanly whatever happens.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example srf-proxy "$@"

"$PROGRAM" --help | grep -q -e '--record-route' || fail "--help"
"$PROGRAM" --version | grep -q '^srf-proxy [0-9]' || fail "--version"
refused 2 "Try 'srf-proxy --help'" --no-such-option
refused 2 '--t1: invalid duration' --t1 500
refused 2 '--forking: sequential or' --forking both
refused 2 '--log-level: error, warning' --log-level loud
refused 2 '--stop-codes: statuses 300 to 699' --stop-codes 200
refused 2 '--stop-codes: a list such as' --stop-codes '404;486'
refused 2 '--stop-codes: statuses' --stop-codes '404,'
refused 2 '--failover-codes: statuses 600 to 699' --failover-codes 486
refused 2 "--header: 'Name: value' is wanted" --header X-Nothing
long=$(head -c 391 /dev/zero | tr '\0' x)
for reason in SIP ';cause=200' ' SIP;cause=200' $'SIP;cause=200\r\nX: y' \
    "SIP;text=$long"; do
    refused 2 '--cancel-reason: one such as' --cancel-reason "$reason"
done
refused 2 '--max-redirects: a number from 1 to 255' --max-redirects 256
refused 2 '--max-transactions: a number' --max-transactions many
refused 2 '--source-rate: a number' --source-rate many
refused 2 '--source-rate: at most 1000000' --source-rate 1000001
refused 2 '--max-memory: a number' --max-memory 64M
refused 2 '--source-exempt: a network such as' --source-exempt nobody
refused 2 '--source-exempt: a network such as' --source-exempt 10.0.0.1/8
refused 2 '--destination: a network such as' --destination 10.0.0.1/8
refused 1 '--dns-server: invalid argument' --dns-server nobody
refused 2 '--secret-file: cannot be read' --secret-file "$WORK/none"
refused 2 '--secret-file: cannot be read' --secret-file "$WORK"
for length in 0 15 1025; do
    head -c "$length" /dev/zero >secret
    refused 2 '--secret-file: 16 to 1024 bytes' --secret-file secret
    refused 2 '--old-secret-file: 16 to 1024 bytes' --old-secret-file secret
done
refused 2 "--header: 'Name: value' is wanted" --header 'X Y: z'
refused 2 "--header: 'Name: value' is wanted" --header $'X: y\r\nZ: w'
refused 2 '--trying-delay: at most 200ms' --trying-delay 201ms
# In the library zero is the default, which nobody means who writes it.
for option in --timer-c --t1 --t2 --t4 --dns-timeout --dead-address; do
    refused 2 "$option: a time above zero" "$option" 0s
done
refused 2 '--udp-mtu: a number from 1, or none' --udp-mtu many
refused 2 '--max-connections-per-source: .*, or 0 for any' \
    --max-connections-per-source many
# What each call would fail for.
for target in 'a b' '' host:99999 http://192.0.2.1 192.0.2.300; do
    refused 2 "$target: invalid URI" --listen sip:127.0.0.1:0 "$target"
done
mapfile -t targets < <(seq -f '192.0.2.%g' 33)
refused 2 'more than 32 targets' --listen sip:127.0.0.1:0 "${targets[@]}"
refused 1 '--outbound: no listener is printed as sip:127.0.0.1' \
    --listen sip:127.0.0.1:0 --outbound sip:127.0.0.1 127.0.0.1:9
refused 2 '--no-results: not with --results' --no-results --results /dev/null
refused 1 'not a uri: invalid URI' --listen 'not a uri'
for name in 'bad alias' 1:2:3 sip:proxy.example.com user@proxy.example.com; do
    refused 2 '--alias: HOST or HOST:PORT is wanted' --alias "$name"
    refused 2 '--advertise: HOST or HOST:PORT is wanted' \
        --listen sip:127.0.0.1:0 --advertise "$name"
done
for origin in phone.example.com https://phone.example.com/ https:// ''; do
    refused 2 '--ws-origin: one such as https' --ws-origin "$origin"
done
refused 1 'No such file or directory' --results "$WORK/none/results"

# Every form of a target is taken.
start_program --listen sip:127.0.0.1:0 localhost host.example:5060 '[::1]:5060' \
    alice@192.0.2.1 '192.0.2.1;transport=udp' '<sip:192.0.2.1>' '<192.0.2.1>' \
    SIPS:192.0.2.1 tel:+12025550101
wait_listening
end_program

# Two listeners on ports the system chooses.
start_program --listen 'sip:127.0.0.1:0' --listen 'sip:127.0.0.1:0' \
    --forking sequential --t1 100ms --t2 400ms --t4 500ms --timer-c 200s \
    --alias sip.example.com --log-level debug --path --force-rport \
    --follow-redirects --max-redirects 3 --stop-codes 404,486 \
    --failover-codes 603 --header 'X-Via: srf' --max-transactions 1000 \
    --source-rate 100 --source-burst 10 --source-exempt 127.0.0.0/8 \
    --max-memory 268435456 \
    --trying-delay 50ms --provisional-timeout 2s --final-timeout 18s \
    127.0.0.1:9
two_listeners() {
    [ "$(grep -c '^listening on' "$WORK/proxy.out")" = 2 ]
}
wait_for 20 two_listeners || fail "two listeners wanted"
# The address is taken now: a second one does not start.
address=$(sed -n '1s/^listening on //p' "$WORK/proxy.out")
refused 1 'address already in use' --listen "$address"
end_program

# warns TEXT ARGUMENT...: it says that on stderr at the start; warns_not.
warns() {
    local text=$1

    shift
    start_program --listen sip:127.0.0.1:0 "$@"
    wait_listening
    end_program
    grep -q -e "$text" "$WORK/proxy.log"
}
warns_not() {
    if warns "$@"; then
        fail "'${*:2}' says: $(cat "$WORK/proxy.log")"
    fi
}
head -c 1024 /dev/zero >secret
for option in --record-route --path; do
    warns 'no --secret-file' "$option" 127.0.0.1:9 || fail "$option: no warning"
done
warns_not 'no --secret-file' --record-route --secret-file secret 127.0.0.1:9
# Nothing of it outlives the program anyhow.
warns_not 'no --secret-file' 127.0.0.1:9
warns 'open relay' --open || fail "an open relay without a word"
warns_not 'open relay' --open 127.0.0.1:9
warns_not 'open relay' --allow 127.0.0.0/8

# A call that still rings when the program ends is reported. While it rings it
# is all there may be.
CALLS=1
UAS_CALLS=1
start_uas ringing uas_ringing_cancel.xml
start_proxy --max-transactions 1 "127.0.0.1:$UAS_PORT"
run_sipp caller -sf "$HERE/scenarios/uac_ringing.xml" -p "$(free_port)" -m 1 \
    "127.0.0.1:$PROXY_PORT" || fail "it does not ring"
run_uac second uac_rejected_503.xml "127.0.0.1:$PROXY_PORT"
end_program
has_lines 1 || fail "a call under way has no result"
grep -q 'canceled' "$WORK/proxy.log" || fail "its error is not logged"

# Why a target is cancelled that lost to another one.
UAS_CALLS=$CALLS
cancelled_for() { # REASON ARGUMENT...
    local loser

    start_uas loser uas_ringing_cancel.xml -trace_msg \
        -message_file "$WORK/loser.messages"
    loser=$UAS_PORT
    start_uas winner uas_answer_later.xml
    start_proxy --record-route --forking simultaneous "${@:2}" \
        "127.0.0.1:$loser" "127.0.0.1:$UAS_PORT"
    run_uac caller uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
    wait_uas loser
    wait_uas winner
    end_program
    [ "$(sed -n 's/^Reason: *//p' loser.messages | tr -d '\r')" = "$1" ] ||
        fail "reason of the CANCEL is not '$1'"
    rm loser.messages
}
cancelled_for 'SIP;cause=200;text="Call completed elsewhere"'
cancelled_for 'Q.850;cause=26' --cancel-reason 'Q.850;cause=26'
cancelled_for '' --cancel-reason ''

# A call without its line of JSON.
start_uas server uas_any.xml
start_program --listen 'sip:127.0.0.1:0;transport=udp' --record-route \
    --no-results "127.0.0.1:$UAS_PORT"
wait_listening
run_uac caller uac_any.xml "127.0.0.1:$PROXY_PORT"
wait_uas server
end_program
[ "$(grep -cv '^listening on' "$WORK/proxy.out")" = 0 ] ||
    fail "results in spite of --no-results"
