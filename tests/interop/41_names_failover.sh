#!/usr/bin/env bash
# A name with two servers, with Knot DNS: the one of the higher priority is
# closed, overloaded, or silent. The next address of the name takes over, and
# whoever did not answer is not asked first again.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=dns.sh
. "$HERE/dns.sh"

# name LABEL FIRST SECOND: the lines of a name with servers on these ports.
name() {
    printf '_sip._udp.%s SRV %s 1 %s host\n' "$1" 1 "$2" "$1" 2 "$3"
}

# expect_mostly FIRST-ATTEMPT SECOND-ATTEMPT: a few calls, one at least, made
# both; the others went to the second server at once.
expect_mostly() {
    local few some

    show_attempts >attempts
    few=$(sed -n "s/^\([0-9]*\) 200 $1 $2\$/\1/p" attempts)
    some=$(sed -n "s/^\([0-9]*\) 200 $2\$/\1/p" attempts)
    say "${few:-0} calls tried both servers, ${some:-0} the second at once"
    if [ "${few:-0}" -lt 1 ] || [ "${some:-0}" -lt 1 ] ||
        [ $((few + some)) != "$CALLS" ]; then
        fail "other attempts: $(cat attempts)"
    fi
    rm results
}

start_uas two uas_any.xml
closed=$(free_port)
write_zone < <(name closed "$closed" "$UAS_PORT")
start_dns
start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route closed.example.com
run_uac closed uac_any.xml "127.0.0.1:$PROXY_PORT"
wait_uas two
stop_proxy "$CALLS"
expect_mostly "$closed:transport:" "$UAS_PORT:response:180,200"

# Whoever says 503 is alive: each call asks it first.
start_uas busy uas_503.xml
busy=$UAS_PORT
start_uas server uas_any.xml
change_zone < <(name busy "$busy" "$UAS_PORT")
start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route \
    busy.example.com
run_uac overloaded uac_any.xml "127.0.0.1:$PROXY_PORT"
wait_uas busy
wait_uas server
stop_proxy "$CALLS"
check_results INVITE 200 "$busy:response:503" "$UAS_PORT:response:180,200"
rm results

# Not quite dead: the port is there, and nobody reads.
start_uas late uas_answer_later.xml
late=$UAS_PORT
silent=$(free_port)
start_sink "$silent"
change_zone < <(name silent "$silent" "$late")
start_proxy --dns-server "127.0.0.1:$DNS_PORT" --record-route \
    --provisional-timeout 300ms silent.example.com
run_uac silence uac_ringing_answered.xml "127.0.0.1:$PROXY_PORT"
wait_uas late
stop_proxy "$CALLS"
expect_mostly "$silent:provisional timeout:" "$late:response:180,200"
