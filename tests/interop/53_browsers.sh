#!/usr/bin/env bash
# Browsers at home, each behind address translation of its own: JsSIP and SIP.js
# in pages of Chromium, over WebSocket and secure WebSocket. They register at
# Kamailio through the proxy at the edge, call each other and a phone that is at
# Kamailio, hold, transfer, hang up and give up, also when the proxy has been
# started anew and they are connected again.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=tls.sh
. "$HERE/tls.sh"
# shellcheck source-path=SCRIPTDIR source=networks.sh
. "$HERE/networks.sh"
# shellcheck source-path=SCRIPTDIR source=nat.sh
. "$HERE/nat.sh"
# shellcheck source-path=SCRIPTDIR source=npm.sh
. "$HERE/npm.sh"
# shellcheck source-path=SCRIPTDIR source=clients.sh
. "$HERE/clients.sh"
command -v chromium >/dev/null || skip "chromium is not installed"
fetch_and_go_inside "$@"

WS=8080 WSS=8443
declare -A BROWSER_IN=() BROWSER_PID=() HOME_OF=() PHONE_PID=()

# start_browser HOME: what its pages tell is in told.
start_browser() {
    local in

    mkdir -p "$1.d"
    mkfifo "$1.in" || fail "no way to speak to the browser of $1"
    exec {in}<>"$1.in"
    BROWSER_IN[$1]=$in
    REPLACE="exec" on "$1" env -C "$1.d" HOME="$WORK/$1.d" TMPDIR="$WORK/$1.d" node "$HERE/browser/chromium.mjs" \
        "$SRF_CLIENTS/node_modules" "$DOMAIN" "$EDGE" "$WS" "$WSS" \
        <"$1.in" >>told 2>"browser-$1.err" &
    BROWSER_PID[$1]=$!
    PIDS+=("$!")
}

# open_page HOME NAME LIBRARY TRANSPORT
open_page() {
    HOME_OF[$2]=$1
    echo "open ${*:2}" >&"${BROWSER_IN[$1]}"
}

# close_page NAME: with a word to the registrar.
close_page() {
    order "$1" quit
    expect "$1" unregistered
}

# drop_page NAME: without any.
drop_page() {
    forget
    echo "close $1" >&"${BROWSER_IN[${HOME_OF[$1]}]}"
}

end_browser() {
    local pid=${BROWSER_PID[$1]}

    echo quit >&"${BROWSER_IN[$1]}"
    wait_for 20 eval "! alive $pid" || fail "the browser of $1 does not end"
    wait "$pid" || fail "the exit status of the browser of $1 is $?"
}

tell() {
    echo "$*" >&"${BROWSER_IN[${HOME_OF[$1]}]}"
}

# call_phone NAME: which is where its address says.
call_phone() {
    UAS_CALLS=1 start_uas "called-$1" uas_browser.xml
    order "$1" call "sip:phone@127.0.0.1:$UAS_PORT"
    PHONE_PID[$1]=${UAS_PID[called-$1]}
    hold_phone "$1"
}

# be_called NAME: by a phone that knows Kamailio only.
be_called() {
    REPLACE="exec" run_sipp "caller-$1" -sf "$HERE/scenarios/uac_browser.xml" \
        -p "$(free_port)" -m 1 -s "$1" "127.0.0.1:$KAMAILIO_UDP" &
    PHONE_PID[$1]=$!
    PIDS+=("$!")
    expect "$1" 'invited phone'
    order "$1" answer
    hold_phone "$1"
}

# hold_phone NAME
hold_phone() {
    expect "$1" talking
    order "$1" hold
    expect "$1" holding
    order "$1" resume
    expect "$1" active
}

# leave_phone NAME: a phone has one address all the time.
leave_phone() {
    order "$1" hangup
    expect "$1" 'ended local'
    expect "$1" 'got SIP/2.0 200 OK'
    wait "${PHONE_PID[$1]}" || fail "$1's phone: SIPp's exit status is $?"
}

# restart_among_phones: calls that phones and browsers began go on.
restart_among_phones() {
    be_called alice
    be_called dora
    call_phone bob
    call_phone carol
    restart
    for name in alice bob carol dora; do
        leave_phone "$name"
    done
    say "calls with phones, ended after a restart"
}

# restart: all connections are lost, and made again.
restart() {
    forget
    end_program
    start_edge
    for name in alice bob carol dora; do
        expect "$name" registered
    done
}

# restart_among_browsers: nobody knows which of the new connections is the other
# one's (RFC 5626 §5.3), so each has to end the call by himself.
restart_among_browsers() {
    talk alice bob
    talk dora carol
    restart
    for name in alice bob carol dora; do
        order "$name" hangup
        expect "$name" 'got SIP/2.0 430 .*'
    done
    talk bob alice
    hang_up alice bob
    say "who is in a call after a restart is told that its flow is gone"
}

# leave_while_ringing CALLER CALLEE: whose page is closed, and opened anew. His old
# flow is still registered, and does not keep a call from the new one.
leave_while_ringing() {
    ring "$1" "$2"
    drop_page "$2"
    expect "$1" 'failed 430'
    open_page "${HOME_OF[$2]}" "$2" jssip ws
    expect "$2" registered
    talk "$1" "$2"
    hang_up "$2" "$1"
    say "$2 left while it rang, and came back"
}

start_edge() {
    start_program --open --record-route --path \
        --secret-file secret --listen "sip:$EDGE:$WS;transport=ws" \
        --listen "sip:$EDGE:$WSS;transport=wss" --tls-cert host.pem \
        --listen 'sip:127.0.0.1:5060;transport=udp' --no-results
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "srf-proxy does not say that it listens"
}

make_internet
make_home ann 192.0.2.2
make_home bea 192.0.2.3
KAMAILIO_UDP=5080
DOMAIN=127.0.0.1:$KAMAILIO_UDP
# They take longest.
start_browser ann
start_browser bea
head -c 32 /dev/urandom >secret
make_certificates
start_kamailio kamailio_registrar.cfg "DOMAIN=$DOMAIN"
start_edge
open_page ann alice jssip wss
open_page bea bob jssip ws
open_page ann carol jssip ws
open_page bea dora sipjs wss
for name in alice bob carol dora; do
    expect "$name" registered
done
say "registered"
call_each_other alice bob
call_each_other carol dora
send_on alice bob carol
send_on dora alice bob
leave_while_ringing alice bob
restart_among_phones
restart_among_browsers
for name in alice bob carol dora; do
    close_page "$name"
done
end_browser ann
end_browser bea
stop_kamailio
end_program
