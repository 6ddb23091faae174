#!/usr/bin/env bash
# Linphone at home, over each transport, before and after the proxy has been
# started anew; see phones.sh.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=phones.sh
. "$HERE/phones.sh"

QUIT=quit

# start_phone NAME TRANSPORT: it has no sound, and trusts the CA of the test.
start_phone() {
    local edge

    edge="sip:$EDGE:$(edge_port "$2");transport=$2"
    mkdir -p "$1.d/data/linphone" "$1.d/.local/share/linphone"
    cat >"$1.d/config" <<END
[sip]
default_proxy=0
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
use_ipv6=0
root_ca=$WORK/ca.pem
verify_server_certs=1
verify_server_cn=0
[net]
mtu=1300
[proxy_0]
reg_proxy=<$edge>
reg_route=<$edge;lr>
reg_identity=$(uri "$1")
reg_expires=600
reg_sendregister=1
publish=0
END
    run_phone "$1" linphonec -c "$WORK/$1.d/config" -d 6
    expect "$1" 'LinphoneRegistrationOk'
    say "$1 is registered over $2"
}

ring() {
    tell "$1" call "$(uri "$2")"
    expect "$2" "new incoming call from.*$1"
    expect "$1" 'Call .* ringing'
}

answer() {
    tell "$1" answer
    expect "$1" 'to LinphoneCallStreamsRunning' '^ACK sip:'
    expect "$2" 'to LinphoneCallStreamsRunning'
}

refuse() {
    tell "$1" terminate
    expect "$2" '^SIP/2.0 603 ' 'to LinphoneCallReleased'
}

hold() {
    tell "$1" pause
    expect "$2" 'to LinphoneCallPausedByRemote' '^ACK sip:'
    expect "$1" 'to LinphoneCallPaused'
    tell "$1" resume
    expect "$2" 'to LinphoneCallStreamsRunning' '^ACK sip:'
    expect "$1" 'to LinphoneCallStreamsRunning'
}

transfer() {
    tell "$1" transfer "$(uri "$3")"
    expect "$3" "new incoming call from.*$2"
    expect "$2" 'Call .* ringing'
    tell "$3" answer
    expect "$3" 'to LinphoneCallStreamsRunning' '^ACK sip:'
    expect "$2" 'to LinphoneCallStreamsRunning' 'to LinphoneCallReleased'
    expect "$1" 'LinphoneTransferCallConnected|safely close the call' 'to LinphoneCallReleased'
}

# call_id NAME OTHER: of its call with him, in its list of calls.
call_id() {
    sed -n "s/^\([0-9]*\) *| sip:$2@.*/\1/p" "$1.out"
}

consult() {
    tell "$1" pause
    expect "$1" 'to LinphoneCallPaused'
    ring "$1" "$3"
    answer "$3" "$1"
    tell "$1" calls
    expect "$1" "^[0-9]+ .*sip:$2@" "^[0-9]+ .*sip:$3@"
    tell "$1" transfer "$(call_id "$1" "$2")" --to-call "$(call_id "$1" "$3")"
    expect "$3" '^INVITE .*' '^Replaces:' '^ACK sip:' 'to LinphoneCallReleased'
    expect "$2" 'to LinphoneCallStreamsRunning' 'to LinphoneCallReleased'
    expect "$1" 'to LinphoneCallReleased'
}

redirect() {
    tell "$1" redirect all "$(uri "$3")"
    expect "$2" '^SIP/2.0 302 ' '^SIP/2.0 180 '
    expect "$3" "new incoming call from.*$2"
    expect "$1" 'to LinphoneCallReleased'
}

write_to() {
    tell "$1" chat "$(uri "$2")" word
    expect "$2" '^MESSAGE sip:'
    expect "$1" '^SIP/2.0 200 '
}

hang_up() {
    tell "$1" terminate
    expect "$2" 'to LinphoneCallReleased'
    expect "$1" 'to LinphoneCallReleased'
}

begin_phones linphonec linphone-cli
start_phone alice udp
start_phone bob udp
start_phone carol udp
call_each_other udp
transfer_each_other udp
consult_each_other udp
redirect_each_other udp
write_to_each_other udp
restart_in_call alice bob
restart_in_call bob alice
end_short_form
end_phone bob
start_phone bob tcp
call_each_other tcp
transfer_each_other tcp
restart_in_call bob alice
end_phone bob
end_phone carol
start_phone bob tls
start_phone carol tls
call_each_other tls
transfer_each_other tls
consult_each_other tls
redirect_each_other tls
write_to_each_other tls
restart_in_call bob alice
end_phones
