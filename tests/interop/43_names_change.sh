#!/usr/bin/env bash
# The zone changes while the proxy runs: names appear, move and disappear, as soon
# as what is known of them has expired and no sooner. When the name server dies
# what was known serves on.
#
# SPDX-License-Identifier: MIT
#
: "${SRF_CALLS:=20}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=dns.sh
. "$HERE/dns.sh"

# wait_for_expiry: of what holds for a second.
wait_for_expiry() {
    sleep 1.2
}

# call_to LABEL SCENARIO ATTEMPT: calls, each with this one attempt.
call_to() {
    : >results
    run_uac "$1" "$2" "127.0.0.1:$PROXY_PORT"
    wait_for 20 has_lines "$CALLS" || fail "$1: results are missing"
    [ "$(show_attempts)" = "$CALLS $3" ] ||
        fail "$1: not only $3 but: $(show_attempts)"
}

start_uas one uas_plain.xml
one=$UAS_PORT
UAS_CALLS=$((3 * CALLS)) start_uas two uas_plain.xml
two=$UAS_PORT
UAS_CALLS=$((2 * CALLS)) start_uas three uas_plain.xml
three=$UAS_PORT
write_zone </dev/null
start_dns
start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route \
    sip:new.example.com

call_to unknown uac_rejected_500.xml "500 0:dns:"
change_zone <<END
_sip._udp.new SRV 1 1 $one host
END
wait_for_expiry
call_to appeared uac_any.xml "200 $one:response:180,200"
wait_uas one
change_zone <<END
_sip._udp.new SRV 1 1 $two host
END
wait_for_expiry
call_to moved uac_any.xml "200 $two:response:180,200"
change_zone </dev/null
wait_for_expiry
call_to disappeared uac_rejected_500.xml "500 0:dns:"

change_zone <<END
_sip._udp.new 60 SRV 1 1 $two host
host.example.com. 60 A 127.0.0.1
new         60 NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.new
END
wait_for_expiry
call_to lasting uac_any.xml "200 $two:response:180,200"
change_zone <<END
_sip._udp.new SRV 1 1 $three host
END
wait_for_expiry
call_to "still there" uac_any.xml "200 $two:response:180,200"
wait_uas two
end_program

start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route \
    sip:new.example.com
call_to fresh uac_any.xml "200 $three:response:180,200"
kill "$DNS_PID"
wait_for_expiry
call_to "name server gone" uac_any.xml "200 $three:response:180,200"
wait_uas three
end_program
