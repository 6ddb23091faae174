#!/usr/bin/env bash
# Calls over TLS with Kamailio as the next hop and as the previous one; each
# verifies the other's certificate.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=tls.sh
. "$HERE/tls.sh"
make_certificates

cat >tls.cfg <<END
[server:default]
method = TLSv1.2+
private_key = $WORK/host.key
certificate = $WORK/host.crt
ca_list = $WORK/ca.pem

[client:default]
method = TLSv1.2+
private_key = $WORK/host.key
certificate = $WORK/host.crt
ca_list = $WORK/ca.pem
verify_certificate = yes
require_certificate = yes
END
KAMAILIO_UDP=$(free_port)
KAMAILIO_TLS=$(free_port)
# On a machine that is busy Kamailio takes long to connect, and its caller repeats
# himself meanwhile.
MAY_REPEAT=caller-before
TLS=(--tls-cert host.pem --tls-ca ca.pem
    --listen 'sip:127.0.0.1:0;transport=tls')

# The proxy in front: caller - proxy - TLS - Kamailio - server.
start_uas "server-behind" uas_plain.xml
start_kamailio kamailio_tls.cfg "TLS_CONFIG=$WORK/tls.cfg" \
    "TO_SERVER=sip:127.0.0.1:$UAS_PORT" TO_PROXY=sip:127.0.0.1:9
start_proxy "${TLS[@]}" --record-route \
    "127.0.0.1:$KAMAILIO_TLS;transport=tls"
run_uac "caller-behind" uac_any.xml "127.0.0.1:$PROXY_PORT"
wait_uas "server-behind"
stop_proxy "$CALLS"
check_results INVITE 200 "tls/$KAMAILIO_TLS:response:100,180,200"
rm results
stop_kamailio

# The proxy behind: caller - Kamailio - TLS - proxy - server.
start_uas "server-before" uas_plain.xml
start_proxy "${TLS[@]}" --record-route "127.0.0.1:$UAS_PORT"
start_kamailio kamailio_tls.cfg "TLS_CONFIG=$WORK/tls.cfg" \
    "TO_PROXY=sip:127.0.0.1:$(proxy_port tls);transport=tls" \
    TO_SERVER=sip:127.0.0.1:9
run_uac "caller-before" uac_any.xml "127.0.0.1:$KAMAILIO_UDP"
wait_uas "server-before"
stop_proxy "$CALLS"
check_results INVITE 200 "$UAS_PORT:response:180,200"
stop_kamailio
