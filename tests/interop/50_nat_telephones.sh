#!/usr/bin/env bash
# baresip at home, over each transport, before and after the proxy has been
# started anew; see phones.sh.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=phones.sh
. "$HERE/phones.sh"

MODULES=$(echo /usr/lib/baresip/modules /usr/lib/*/baresip/modules)
QUIT=/quit

# start_phone NAME TRANSPORT [PARAMETERS]
start_phone() {
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
    echo "<$(uri "$1")>;auth_pass=none;regint=600;outbound=\"sip:$EDGE:$(edge_port "$2");transport=$2\"${3:-}" \
        >"$1.d/accounts"
    run_phone "$1" baresip -f "$WORK/$1.d" -s
    expect "$1" '200 OK .*binding'
    say "$1 is registered over $2"
}

ring() {
    tell "$1" /dial "$(uri "$2")"
    expect "$2" "Incoming call from.*$1"
    expect "$1" '180 Ringing'
}

answer() {
    tell "$1" /accept
    expect "$1" 'Call established'
    expect "$2" 'Call established'
}

refuse() {
    tell "$1" /hangup
    expect "$2" '486'
}

hold() {
    tell "$1" /hold
    expect "$2" '^INVITE sip:' '^ACK sip:'
    tell "$1" /resume
    expect "$2" '^INVITE sip:' '^ACK sip:'
}

transfer() {
    tell "$1" /transfer "$(uri "$3")"
    expect "$3" "Incoming call from.*$2"
    expect "$2" '180 Ringing'
    answer "$3" "$2"
    expect "$2" 'session closed'
}

hang_up() {
    tell "$1" /hangup
    expect "$2" 'session closed'
}

begin_phones baresip baresip
start_phone alice udp
start_phone bob udp
start_phone carol udp
call_each_other udp
transfer_each_other udp
restart_in_call alice bob
restart_in_call bob alice
end_short_form
for transport in tcp tls; do
    end_phone bob
    start_phone bob "$transport"
    call_each_other "$transport"
    transfer_each_other "$transport"
    restart_in_call bob alice
done
end_phone bob
start_phone bob udp ';sipnat=outbound'
call_each_other outbound
restart_in_call alice bob
for name in $PHONES; do
    end_phone "$name"
done
change_edge
start_phone alice tls
start_phone bob udp
start_phone carol tcp
call_each_other edge_proxy
transfer_each_other edge_proxy
end_phones
