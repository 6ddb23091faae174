#!/usr/bin/env bash
# examples/edge_proxy: from outside to the registrar, with a Path; from inside
# where the request says. Its clients are in tests/interop/38_wss_client.sh.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example edge_proxy "$@"

for option in --inside --outside --open --allow --max-connections-per-source; do
    "$PROGRAM" --help | grep -q -e "^  $option" || fail "--help: $option"
done
refused 2 'INSIDE-URI, OUTSIDE-URI and REGISTRAR are wanted' \
    'sip:127.0.0.1:0;transport=udp'
refused 2 '--no-such: unknown option' --no-such
refused 1 'no uri: invalid URI' sip:127.0.0.1:0 'no uri' 127.0.0.1:9
refused 1 'transport=wss: .*: a CERTIFICATE-FILE is wanted' \
    sip:127.0.0.1:0 'sip:127.0.0.1:0;transport=wss' 127.0.0.1:9

start_uas registrar uas_register.xml
start_program 'sip:127.0.0.1:0;transport=udp' 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$UAS_PORT"
wait_listening
{ read -r INSIDE; read -r OUTSIDE; } <<<"$PROXY_PORT"

run_uac client uac_register.xml -set supported 'gruu, Path' "127.0.0.1:$OUTSIDE"
wait_uas registrar
start_uas callee uas_plain.xml
# Where its Request-URI points, not to the registrar.
run_uac caller uac_any.xml -rsa "127.0.0.1:$INSIDE" "127.0.0.1:$UAS_PORT"
wait_uas callee
end_program
[ "$(grep -c '^REGISTER .*: 200$' proxy.out)" = "$CALLS" ] ||
    fail "not every REGISTER is reported"
[ "$(grep -c '^INVITE .*: 200$' proxy.out)" = "$CALLS" ] ||
    fail "not every INVITE is reported"

grep -q 'keeps no Path' proxy.log ||
    fail "the log does not say that the registrar keeps no Path"

# Several listeners on each side: what comes from outside leaves inside, by the
# first of them.
start_uas registrar uas_register.xml -trace_msg \
    -message_file "$WORK/messages"
start_program --inside 'sip:127.0.0.1:0;transport=tcp' \
    --outside 'sip:127.0.0.1:0;transport=tcp' 'sip:127.0.0.1:0;transport=udp' \
    'sip:127.0.0.1:0;transport=udp' "127.0.0.1:$UAS_PORT"
wait_listening
{ read -r INSIDE; read -r OUTSIDE; } <<<"$PROXY_PORT"
OUTSIDE_TCP=$(proxy_port tcp | tail -n 1)
run_uac client uac_register.xml "127.0.0.1:$OUTSIDE"
wait_uas registrar
! grep -q 'keeps no Path' proxy.log ||
    fail "the log doubts a registrar that answers who does not support Path"
grep -q "^Via: SIP/2.0/UDP 127.0.0.1:$INSIDE;" messages ||
    fail "a REGISTER does not leave inside"
exec 7<>"/dev/tcp/127.0.0.1/$OUTSIDE_TCP"
printf '\r\n\r\n' >&7
read -r -t 5 -u 7 || fail "the second outside listener serves nobody"
exec 7>&-
end_program

# Who is lost when a connection closes.
start_uas registrar uas_register.xml
start_program 'sip:127.0.0.1:0;transport=udp' 'sip:127.0.0.1:0;transport=tcp' \
    "127.0.0.1:$UAS_PORT"
wait_listening
exec 7<>"/dev/tcp/127.0.0.1/$(proxy_port tcp)"
for call in $(seq "$CALLS"); do
    printf '%s\r\n' 'REGISTER sip:127.0.0.1 SIP/2.0' \
        "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-r$call" \
        'Max-Forwards: 70' 'From: <sip:ann@127.0.0.1>;tag=1' \
        'To: <sip:ann@127.0.0.1>' "Call-ID: r$call" 'CSeq: 1 REGISTER' \
        'Contact: <sip:ann@127.0.0.1:9;transport=tcp>' 'Content-Length: 0' '' >&7
done
wait_uas registrar
all_registered() {
    [ "$(grep -c '^REGISTER .*: 200$' proxy.out)" = "$CALLS" ]
}
wait_for 5 all_registered || fail "not every REGISTER over TCP is answered"
exec 7>&-
wait_for 5 grep -q 'connection closed: <sip:ann@127.0.0.1>' proxy.log ||
    fail "the log does not say who has gone"
end_program

# One connection for each address, over TCP.
start_program --max-connections-per-source 1 'sip:127.0.0.1:0;transport=udp' \
    'sip:127.0.0.1:0;transport=tcp' 127.0.0.1:9
wait_listening
PORT=$(proxy_port tcp)
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
printf '\r\n\r\n' >&7
read -r -t 5 -u 7 || fail "a connection is not served"
exec 8<>"/dev/tcp/127.0.0.1/$PORT"
! read -r -t 5 -u 8 || fail "a second connection is served"
wait_for 5 grep -q 'its source has 1 already' proxy.log ||
    fail "the log does not say that"
exec 7>&- 8>&-
end_program
