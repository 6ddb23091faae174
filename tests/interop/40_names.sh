#!/usr/bin/env bash
# Targets that are names, with Knot DNS: NAPTR tells the transport, SRV the
# server, A its address; what is said in the URI is not asked.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=dns.sh
. "$HERE/dns.sh"

start_uas udp uas_any.xml
udp=$UAS_PORT
write_zone <<END
; UDP is preferred, and nobody here speaks SCTP.
udp         NAPTR 5 10 "s" "SIP+D2S" "" _sip._sctp.udp
udp         NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.udp
udp         NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.udp
_sip._udp.udp SRV 1 1 $udp host
_sip._tcp.udp SRV 1 1 9 host
END
start_dns
names=(--dns-server "127.0.0.1:$DNS_PORT"
    --listen 'sip:127.0.0.1:0;transport=tcp' --record-route)

# calls LABEL TARGET TRANSPORT-AND-PORT: through a proxy of their own.
calls() {
    start_proxy "${names[@]}" "$2"
    run_uac "caller-$1" uac_any.xml "127.0.0.1:$PROXY_PORT"
    wait_uas "$1"
    stop_proxy "$CALLS"
    check_results INVITE 200 "$3:response:180,200"
    rm results
}

calls udp sip:udp.example.com "$udp"

start_uas tcp uas_any.xml -t t1
tcp=$UAS_PORT
change_zone <<END
; Lower order first, whatever the preference.
tcp         NAPTR 10 90 "s" "SIP+D2T" "" _sip._tcp.elsewhere
tcp         NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.elsewhere
_sip._tcp.elsewhere SRV 1 1 $tcp alias
_sip._udp.elsewhere SRV 1 1 9 host
alias       CNAME host
END
calls tcp sip:tcp.example.com "tcp/$tcp"

start_uas said uas_any.xml -t t1
change_zone <<END
; No NAPTR; the URI says TCP.
_sip._tcp.said SRV 1 1 $UAS_PORT host
_sip._udp.said SRV 1 1 9 host
END
calls said 'sip:said.example.com;transport=tcp' "tcp/$UAS_PORT"

start_uas srv uas_any.xml
change_zone <<END
; No NAPTR: the SRV records that are there tell.
_sip._udp.srv SRV 1 1 $UAS_PORT host
END
calls srv srv.example.com "$UAS_PORT"

start_uas port uas_any.xml
calls port "sip:host.example.com:$UAS_PORT" "$UAS_PORT"
