#!/usr/bin/env bash
# The TLS listener as openssl s_client sees it: certificate, versions, ALPN,
# resumption, client certificates, and an OPTIONS that is answered.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=tls.sh
. "$HERE/tls.sh"
make_certificates

options() {
    printf '%s\r\n' "OPTIONS sip:127.0.0.1:$TLS_PORT;transport=tls SIP/2.0" \
        'Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKs_client' \
        'Max-Forwards: 0' 'From: <sip:a@127.0.0.1>;tag=1' \
        'To: <sip:127.0.0.1>' 'Call-ID: s_client' 'CSeq: 1 OPTIONS' \
        'Content-Length: 0' ''
}

# s_client FILE ARGUMENT...: sends an OPTIONS, and keeps what is said in FILE.
s_client() {
    local out=$1

    shift
    { options; sleep 0.5; } |
        timeout 10 openssl s_client -connect "127.0.0.1:$TLS_PORT" \
            -CAfile ca.pem -verify_return_error -verify_ip 127.0.0.1 "$@" \
            >"$out" 2>&1
}

# expect FILE REGULAR-EXPRESSION
expect() {
    grep -Eq "$2" "$1" || {
        cat "$1" >&2
        fail "no '$2' in $1"
    }
}

start_proxy --tls-cert host.crt --tls-key host.key --tls-ca ca.pem \
    --listen 'sip:127.0.0.1:0;transport=tls'
TLS_PORT=$(proxy_port tls)

s_client plain -alpn sip -sess_out session
expect plain 'Verify return code: 0 \(ok\)'
expect plain 'ALPN protocol: sip'
expect plain '^SIP/2.0 200 OK'
say "verified, and OPTIONS answered over ALPN sip"
s_client again -sess_in session
expect again '^Reused, '
say "the session is resumed"
s_client twelve -tls1_2
expect twelve '^SIP/2.0 200 OK'
s_client thirteen -tls1_3
expect thirteen '^SIP/2.0 200 OK'
s_client eleven -tls1_1 -cipher 'ALL:@SECLEVEL=0' &&
    fail "TLS 1.1 is let in"
grep -q '^SIP/2.0' eleven && fail "TLS 1.1 is answered"
say "TLS 1.2 and 1.3, and nothing older"
end_program

start_proxy --tls-cert host.pem --tls-ca ca.pem --tls-verify client \
    --listen 'sip:127.0.0.1:0;transport=tls'
TLS_PORT=$(proxy_port tls)
s_client without
grep -q '^SIP/2.0' without && fail "a client without a certificate is let in"
s_client with -cert host.crt -key host.key
expect with '^SIP/2.0 200 OK'
say "only clients with a certificate are let in"
end_program
