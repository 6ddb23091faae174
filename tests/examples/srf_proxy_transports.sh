#!/usr/bin/env bash
# srf-proxy: its listeners on the command line, the certificates of the guide,
# and that they are read again.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example srf-proxy "$@"

refused 2 '--advertise: belongs behind a --listen' --advertise sip.example.com
refused 2 '--tls-verify: server, client, optional or off' --tls-verify maybe
refused 2 '--idle-timeout: invalid duration' --idle-timeout soon
refused 2 '--idle-timeout: a time above zero' --idle-timeout 0s
refused 2 '--keepalive: a number from 1' --keepalive 30s
refused 1 'invalid argument' --keepalive 31 --idle-timeout 30s \
    --listen 'sip:127.0.0.1:0;transport=tcp'
refused 2 '--max-connections: a number' --max-connections 0
refused 2 '--max-connections-per-source: a number' \
    --max-connections-per-source x
refused 2 '--udp-mtu: a number' --udp-mtu much
refused 2 '--receive-buffer: a number' --receive-buffer much
refused 2 '--gather: invalid duration' --gather often
refused 2 '--gather: a time up to 20ms' --gather 21ms
refused 1 'transport=sctp: not supported' --open \
    --listen 'sip:*:0;transport=sctp'
refused 2 '--tls-verify: --tls-ca has to say' --tls-verify client
refused 2 '--tls-verify: --tls-ca has to say' --tls-verify optional
refused 2 'HOST or HOST:PORT is wanted' --listen sip:127.0.0.1:0 --advertise 'a b'
refused 1 'no certificate is given' --listen sips:127.0.0.1:0
refused 1 "'$WORK/none.pem': no such file" --listen sips:127.0.0.1:0 \
    --tls-cert "$WORK/none.pem"

# make_certificate NAME: as the guide has it.
make_certificate() {
    {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout sip.key -out sip.csr -subj "/CN=$1" &&
            printf 'subjectAltName=URI:sip:%s,DNS:%s,IP:127.0.0.1\n' "$1" "$1" \
                >sip.ext &&
            openssl x509 -req -in sip.csr -CA ca.pem -CAkey ca.key \
                -CAcreateserial -days 30 -extfile sip.ext -out sip.crt &&
            cat sip.crt sip.key >sip.pem
    } 2>>openssl.err || fail "openssl makes no certificate"
}

# certificate_is NAME: what a client sees.
certificate_is() {
    openssl s_client -connect "127.0.0.1:$TLS_PORT" -CAfile ca.pem \
        -verify_return_error </dev/null 2>&1 | grep -q "subject=CN = $1"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout ca.key -out ca.pem -days 30 -subj '/CN=Test CA' \
    -addext basicConstraints=critical,CA:TRUE 2>openssl.err ||
    fail "openssl makes no CA"
make_certificate one.example.com
refused 1 'key' --listen sips:127.0.0.1:0 --tls-cert sip.crt --tls-key ca.key

start_program --tls-cert sip.pem --tls-ca ca.pem \
    --listen 'sip:127.0.0.1:0;transport=udp' \
    --listen 'sip:127.0.0.1:0;transport=tcp' --advertise sip.example.com:5060 \
    --listen 'sips:127.0.0.1:0' --listen 'sip:127.0.0.1:0;transport=ws' \
    --listen 'sip:127.0.0.1:0;transport=wss' --listen sip:127.0.0.1:0 \
    --ws-origin https://phone.example.com --idle-timeout 60s \
    --max-connections 100 --max-connections-per-source 10 --log-level info \
    --portable-udp --receive-buffer 1000000000 --gather 0s --udp-mtu none
six_listeners() {
    [ "$(grep -c '^listening on' proxy.out)" = 6 ]
}
wait_for 20 six_listeners || fail "six listeners wanted"
for transport in udp tcp tls ws wss; do
    [ -n "$(proxy_port $transport)" ] || fail "no listener for $transport"
done
grep -q 'bytes, 1000000000 were wanted' proxy.log ||
    fail "nobody says that the receive buffer is smaller"
TLS_PORT=$(proxy_port tls)
certificate_is one.example.com || fail "another certificate is shown"

make_certificate two.example.com
kill -HUP "$PROXY_PID"
wait_for 10 certificate_is two.example.com ||
    fail "SIGHUP does not bring the new certificate"
grep -q 'read again' proxy.log || fail "nothing is said of the new certificate"

echo nonsense >sip.pem
kill -HUP "$PROXY_PID"
wait_for 10 grep -q "certificates of .* kept" proxy.log ||
    fail "nothing is said of the broken certificate"
grep -q "sip.pem" proxy.log || fail "the log does not name the file"
certificate_is two.example.com || fail "a broken file replaces a good one"
end_program
