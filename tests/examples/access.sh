#!/usr/bin/env bash
# Who may use a program: it listens on loopback only unless it is told that, and
# who is not named gets 403.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
BUILD=$(realpath "${1:-${SRF_BUILD:?}}")

# expect_answers: each line "STATUS ADDRESS PORT METHOD" of stdin is what a
# request from that address gets.
expect_answers() {
    cat >"$WORK/wanted"
    python3 - "$WORK/wanted" <<'END' || fail "somebody gets another answer"
import socket, sys

def ask(address, port, method):
    six = ":" in address
    ours = socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                         socket.SOCK_DGRAM)
    ours.bind((address, 0))
    ours.settimeout(10)
    via = "%s:%d" % ("[%s]" % address if six else address,
                     ours.getsockname()[1])
    unique = "%s.%d" % (method, ours.getsockname()[1])
    ours.sendto(("%s sip:127.0.0.9:9 SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n"
                 "From: <sip:a@example.com>;tag=1\r\n"
                 "To: <sip:b@example.com>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n"
                 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n" % (
                     method, via, unique, unique, method)).encode(),
                ("::1" if six else "127.0.0.1", port))
    status = 100
    while status < 200:
        status = int(ours.recv(65536).split()[1])
    return status

failed = 0
for line in open(sys.argv[1]):
    status, address, port, method = line.split()
    got = ask(address, int(port), method)
    if got != int(status):
        print("%s from %s gets %d instead of %s" % (method, address, got,
                                                    status), file=sys.stderr)
        failed = 1
sys.exit(failed)
END
}

begin
cd "$WORK" || exit 1

for name in srf-proxy srf-lb outbound_proxy load_balancing options; do
    find_program "$name" "$BUILD"
    listen=--listen
    [[ $name = srf-* ]] || listen=
    for uri in 'sip:*:0' sip:0.0.0.0:0 'sip:[::]:0;transport=tcp' sip:192.0.2.1:0 \
        'sips:[2001:db8::1]:0' 'sip:[::ffff:192.0.2.1]:0'; do
        refused 2 'would serve anybody: .*--allow CIDR' ${listen:+$listen} \
            "$uri" 127.0.0.1:9
    done
    refused 2 'what is --allow for' --open --allow 192.0.2.0/24 \
        ${listen:+$listen} sip:127.0.0.1:0 127.0.0.1:9
    for cidr in 192.0.2.1/24 192.0.2.0/33 2001:db8::/129 localhost 10/8 ''; do
        refused 2 '--allow: a network such as' --allow "$cidr" \
            ${listen:+$listen} sip:127.0.0.1:0 127.0.0.1:9
    done
done

# srf-proxy without arguments is nobody's but this machine's.
find_program srf-proxy "$BUILD"
"$PROGRAM" --help | grep -q -e '--allow CIDR' || fail "--help"
start_program
listens_or_gone() {
    grep -q '^listening on' proxy.out || ! alive "$PROXY_PID"
}
wait_for 20 listens_or_gone || fail "it neither listens nor ends"
if grep -q '^listening on' proxy.out; then
    grep -qx 'listening on sip:127.0.0.1:5060;transport=udp' proxy.out ||
        fail "by default it listens on $(cat proxy.out)"
    end_program
else
    grep -q '127.0.0.1:5060.*address already in use' proxy.log ||
        fail "by default: $(cat proxy.log)"
fi

start_program --allow 127.0.0.2 --allow 127.0.1.0/24 --allow ::1/128 \
    --listen sip:127.0.0.1:0 --listen 'sip:[::1]:0' 127.0.0.9:9
two_listeners() {
    [ "$(grep -c '^listening on' proxy.out)" = 2 ]
}
wait_for 20 two_listeners || fail "two listeners wanted"
{ read -r FOUR; read -r SIX; } <<<"$(proxy_port udp)"
# Who gets through hears that nobody is at the target.
for method in INVITE REGISTER MESSAGE OPTIONS SUBSCRIBE FROBNICATE; do
    echo "403 127.0.0.1 $FOUR $method"
    echo "500 127.0.0.2 $FOUR $method"
    echo "500 127.0.1.77 $FOUR $method"
    echo "500 ::1 $SIX $method"
done | expect_answers || exit 1
grep -q '^403 for 127.0.0.1, which no --allow names' proxy.log ||
    fail "refusals are not reported"
end_program

start_program --open --listen 'sip:*:0' 127.0.0.9:9
wait_listening
expect_answers <<<"500 127.0.0.1 $PROXY_PORT INVITE"
end_program

find_program edge_proxy "$BUILD"
refused 2 'sip:192.0.2.1:0: would serve anybody' --open sip:192.0.2.1:0 \
    sip:127.0.0.1:0 127.0.0.9:9
refused 2 'sip:192.0.2.1:0: would serve anybody' sip:127.0.0.1:0 \
    sip:192.0.2.1:0 127.0.0.9:9
start_program --open --allow 127.0.0.2 sip:127.0.0.1:0 sip:127.0.0.1:0 \
    127.0.0.9:9
wait_for 20 two_listeners || fail "two listeners wanted"
{ read -r INSIDE; read -r OUTSIDE; } <<<"$(proxy_port udp)"
expect_answers <<END
403 127.0.0.1 $INSIDE INVITE
500 127.0.0.2 $INSIDE INVITE
500 127.0.0.1 $OUTSIDE INVITE
END
end_program
