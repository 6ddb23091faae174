#!/usr/bin/env bash
# Telephones at home, each behind address translation of its own and both with
# the same private address, which no one can send to: baresip registers at
# Kamailio through the proxy at the edge, is called along its Path, calls,
# holds, hangs up and gives up, also when the proxy has been started anew.
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

MODULES=$(echo /usr/lib/baresip/modules /usr/lib/*/baresip/modules)
declare -A PHONE_IN=() PHONE_PID=()

# start_phone NAME TRANSPORT [PARAMETERS]: it registers. What it tells is in
# NAME.out.
start_phone() {
    local in port=5060

    [ "$2" != tls ] || port=5061
    mkdir -p "$1.d"
    {
        echo "module_path ${MODULES%% *}"
        printf 'module %s.so\n' stdio aubridge g711
        echo 'module_tmp uuid.so'
        printf 'module_app %s.so\n' account menu
        echo 'sip_listen 10.0.0.2:5060'
        echo 'audio_source aubridge,out'
        echo 'audio_player aubridge,out'
        echo 'audio_alert aubridge,alert'
    } >"$1.d/config"
    echo "<sip:$1@$DOMAIN>;auth_pass=none;regint=600;outbound=\"sip:$EDGE:$port;transport=$2\"${3:-}" \
        >"$1.d/accounts"
    rm -f "$1.in"
    mkfifo "$1.in" || fail "no way to speak to $1"
    exec {in}<>"$1.in"
    PHONE_IN[$1]=$in
    : >"$1.out"
    REPLACE="exec" on "$1" baresip -f "$WORK/$1.d" -s <"$1.in" >>"$1.out" 2>&1 &
    PHONE_PID[$1]=$!
    PIDS+=("$!")
    expect "$1" '200 OK .*binding'
    say "$1 is registered over $2"
}

# tell NAME COMMAND...: what it tells from then on is looked at.
tell() {
    : >alice.out
    : >bob.out
    printf '/%s\n' "${*:2}" >&"${PHONE_IN[$1]}"
}

# expect NAME PATTERN
expect() {
    wait_for 20 grep -aq "$2" "$1.out" || {
        tail -n 20 "$1.out" | cut -c 1-200 >&2
        fail "$1 does not tell '$2'"
    }
}

# ring CALLER CALLEE
ring() {
    tell "$1" dial "sip:$2@$DOMAIN"
    expect "$2" "Incoming call from.*$1"
    expect "$1" '180 Ringing'
}

# talk CALLER CALLEE
talk() {
    ring "$1" "$2"
    tell "$2" accept
    expect "$2" 'Call established'
    expect "$1" 'Call established'
}

# hold WHO OTHER: a re-INVITE.
hold() {
    tell "$1" hold
    expect "$2" '^INVITE sip:'
    expect "$2" '^ACK sip:'
    tell "$1" resume
    expect "$2" '^INVITE sip:'
    expect "$2" '^ACK sip:'
}

# hang_up WHO OTHER
hang_up() {
    tell "$1" hangup
    expect "$2" 'session closed'
}

# call_each_other: whoever ends it, whoever gives it up.
call_each_other() {
    talk alice bob
    hold alice bob
    hold bob alice
    hang_up alice bob
    talk bob alice
    hang_up alice bob
    talk alice bob
    hang_up bob alice
    ring alice bob
    hang_up alice bob
    ring bob alice
    hang_up bob alice
    ring alice bob
    tell bob hangup
    expect alice '486'
    say "$1: called, held, ended, given up and refused from both sides"
}

start_edge() {
    start_program --open --record-route --path --force-rport \
        --secret-file secret --listen "sip:$EDGE:5060;transport=udp" \
        --listen "sip:$EDGE:5060;transport=tcp" \
        --listen "sip:$EDGE:5061;transport=tls" --tls-cert host.pem \
        --listen 'sip:127.0.0.1:5060;transport=udp' --no-results
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "srf-proxy does not say that it listens"
}

end_phone() {
    tell "$1" quit
    wait_for 20 eval "! alive ${PHONE_PID[$1]}" || fail "$1 does not end"
}

# restart_in_call WHO-ENDS OTHER: registrations and calls go on.
restart_in_call() {
    talk alice bob
    end_program
    start_edge
    hang_up "$1" "$2"
    say "a call that $1 ends after a restart"
}

command -v baresip >/dev/null || skip "baresip is not installed"
make_internet
make_home alice 192.0.2.2
make_home bob 192.0.2.3
head -c 32 /dev/urandom >secret
KAMAILIO_UDP=5080
DOMAIN=127.0.0.1:$KAMAILIO_UDP
make_certificates
start_kamailio kamailio_registrar.cfg "DOMAIN=$DOMAIN"
start_edge
start_phone alice udp
start_phone bob udp
call_each_other udp
restart_in_call alice bob
restart_in_call bob alice
end_phone bob
start_phone bob tcp
call_each_other tcp
restart_in_call bob alice
end_phone bob
start_phone bob tls
call_each_other tls
restart_in_call bob alice
end_phone bob
start_phone bob udp ';sipnat=outbound'
call_each_other outbound
restart_in_call alice bob
end_phone alice
end_phone bob
stop_kamailio
end_program
