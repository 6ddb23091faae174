#!/usr/bin/env bash
# Telephones with Sofia-SIP at home, each behind address translation of its own,
# over UDP, TCP and TLS, also with sips URIs: they register at Kamailio through
# the proxy at the edge, call each other, hold, transfer, hang up and give up,
# also when the proxy has been started anew.
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
# shellcheck source-path=SCRIPTDIR source=clients.sh
. "$HERE/clients.sh"

declare -A PHONE_IN=() PHONE_PID=()

build_phone() {
    local flags

    flags=$(pkg-config --cflags --libs sofia-sip-ua 2>/dev/null) ||
        skip "libsofia-sip-ua-dev is not installed"
    # shellcheck disable=SC2086
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -o phone "$HERE/sofia/phone.c" $flags ||
        fail "the telephone cannot be built"
}

# start_phone NAME TRANSPORT OUTBOUND: it registers. What it tells is in told.
start_phone() {
    local in way="sip:$EDGE:5060;transport=$2" here="sip:10.0.0.2:5060;transport=$2"

    case $2 in
    tls) way="sip:$EDGE:5061;transport=tls" here=sips:10.0.0.2:5061 ;;
    sips) way="sips:$EDGE:5061" here=sips:10.0.0.2:5061 ;;
    esac
    rm -f "$1.in"
    mkfifo "$1.in" || fail "no way to speak to $1"
    exec {in}<>"$1.in"
    PHONE_IN[$1]=$in
    forget
    REPLACE="exec" on "$1" ./phone "$1" "$(uri "$1")" \
        "$way" "$here" "$3" certificates <"$1.in" >>told 2>>"$1.err" &
    PHONE_PID[$1]=$!
    PIDS+=("$!")
    expect "$1" registered
    say "$1 is registered over $2"
}

tell() {
    echo "${*:2}" >&"${PHONE_IN[$1]}"
}

end_phone() {
    tell "$1" quit
    wait_for 20 eval "! alive ${PHONE_PID[$1]}" || fail "$1 does not end"
    wait "${PHONE_PID[$1]}" || fail "the exit status of $1 is $?"
}

start_edge() {
    start_program --open --record-route --path --force-rport \
        --secret-file secret --tls-cert host.pem --tls-ca ca.pem \
        --listen "sip:$EDGE:5060;transport=udp" \
        --listen "sip:$EDGE:5060;transport=tcp" \
        --listen "sip:$EDGE:5061;transport=tls" \
        --listen 'sip:127.0.0.1:5060;transport=udp' \
        --listen 'sip:127.0.0.1:5061;transport=tls' --no-results \
        ${DOWNGRADE:+--sips-downgrade}
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "srf-proxy does not say that it listens"
}

# restart_in_call WHO-ENDS OTHER: who has datagrams is found all the same.
restart_in_call() {
    talk alice bob
    end_program
    start_edge
    hang_up "$1" "$2"
    say "a call that $1 ends after a restart"
}

# lose_flow: the connections of a call are gone (RFC 5626 §5.3).
lose_flow() {
    talk alice bob
    end_program
    start_edge
    order alice hangup
    expect alice 'got SIP/2.0 430 .*'
    order bob hangup
    expect bob "got SIP/2.0 $1 .*"
    say "alice is told that bob's flow is gone"
}

start_registrar() {
    cat >tls.cfg <<END
[server:default]
method = TLSv1.2+
private_key = $WORK/host.key
certificate = $WORK/host.crt

[client:default]
method = TLSv1.2+
ca_list = $WORK/ca.pem
verify_certificate = yes
END
    start_kamailio kamailio_registrar.cfg "DOMAIN=$DOMAIN" \
        "TLS_CONFIG=$WORK/tls.cfg"
}

# anew: what a telephone has registered that could not take it back, since the
# proxy was away just then, is forgotten: else its next call would fork, and come
# twice to who has another address by now.
anew() {
    end_phone alice
    end_phone bob
    stop_kamailio
    end_program
    start_registrar
    start_edge
}

build_phone
make_internet
make_home alice 192.0.2.2
make_home bob 192.0.2.3
make_home carol 192.0.2.4
head -c 32 /dev/urandom >secret
KAMAILIO_UDP=5080
KAMAILIO_TLS=5081
DOMAIN=127.0.0.1:$KAMAILIO_UDP
make_certificates
mkdir certificates
cp host.pem certificates/agent.pem
cp ca.pem certificates/cafile.pem
start_registrar
start_edge
PLAIN="no-outbound no-natify no-validate no-options-keepalive"
CLEVER="gruuize outbound natify validate options-keepalive"

start_phone alice udp "$PLAIN"
start_phone bob udp "$PLAIN"
start_phone carol tcp "$PLAIN"
call_each_other alice bob
send_on alice bob carol
send_on carol alice bob
end_phone carol
restart_in_call alice bob
restart_in_call bob alice
anew
start_phone alice udp "$PLAIN"
start_phone bob tcp "$PLAIN"
call_each_other alice bob
restart_in_call bob alice
end_short_form

anew
start_phone alice udp "$CLEVER"
start_phone bob tcp "$CLEVER"
call_each_other alice bob
lose_flow 481

# It has a sips Contact in a dialog of sip, and Kamailio is called over UDP.
DOWNGRADE=yes
anew
start_phone alice udp "$CLEVER"
start_phone bob tls "$CLEVER"
start_phone carol tls "$CLEVER"
call_each_other alice bob
send_on alice bob carol
send_on carol bob alice
end_phone carol
restart_in_call bob alice

DOWNGRADE=
anew
SCHEME=sips
DOMAIN=127.0.0.1:$KAMAILIO_TLS
start_phone alice sips "$PLAIN"
start_phone bob sips "$CLEVER"
call_each_other alice bob
lose_flow 430
end_phone alice
end_phone bob
stop_kamailio
end_program
