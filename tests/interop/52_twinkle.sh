#!/usr/bin/env bash
# Twinkle at home, over each transport, before and after the proxy has been
# started anew; see phones.sh. It does not consult: Twinkle 1.10 hangs when it is
# called with Replaces, without any proxy of ours as well.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup "$@"
# shellcheck source-path=SCRIPTDIR source=phones.sh
. "$HERE/phones.sh"

QUIT=quit

STARTED=0

is_later_than() {
    [ "$(date +%s)" -gt "$1" ]
}

# start_phone NAME TRANSPORT [SETTING]: it speaks to nobody and hears nobody.
start_phone() {
    # It draws Call-IDs, tags and branches by the second that it is started in:
    # two of one second, with one private address, are one to everybody else.
    wait_for 5 is_later_than "$STARTED"
    mkdir -p "$1.d/.twinkle"
    cat >"$1.d/.twinkle/twinkle.sys" <<END
dev_ringtone=alsa:null
dev_speaker=alsa:null
dev_mic=alsa:null
validate_audio_dev=no
log_show_sip=yes
END
    cat >"$1.d/.twinkle/$1.cfg" <<END
user_name=$1
user_domain=$DOMAIN
outbound_proxy=$EDGE:5060
all_requests_to_proxy=yes
register_at_startup=yes
registration_time=600
pres_publish_startup=no
ask_user_to_refer=no
ask_user_to_redirect=no
enable_nat_keepalive=yes
timer_nat_keepalive=10
sip_transport=$2
${3:-}
END
    run_phone "$1" twinkle-console "$1.cfg"
    expect "$1" 'registration succeeded'
    STARTED=$(date +%s)
    ln -f "$1.d/.twinkle/twinkle.log" "$1.log"
    say "$1 is registered over $2"
}

ring() {
    tell "$1" call "$(uri "$2")"
    expect "$2" 'incoming call' "^From:.*$1"
    expect "$1" 'received 180'
}

answer() {
    tell "$1" answer
    expect "$1" 'call established'
    expect "$2" 'far end answered call'
}

refuse() {
    tell "$1" reject
    expect "$2" '^486 '
}

hold() {
    tell "$1" hold
    expect "$1" 're-INVITE successful'
    expect "$2" '^ACK sip:'
    tell "$1" retrieve
    expect "$1" 're-INVITE successful'
    expect "$2" '^ACK sip:'
}

transfer() {
    tell "$1" transfer "$(uri "$3")"
    expect "$3" 'incoming call' "^From:.*$2" "^Referred-by:.*$1"
    expect "$2" 'transferring call to'
    expect "$1" 'Progress: 180'
    answer "$3" "$2"
    expect "$1" 'call successfully referred' 'RTP session stopped'
}

redirect() {
    tell "$1" redirect "$(uri "$3")"
    expect "$3" 'incoming call' "^From:.*$2"
    expect "$2" '^SIP/2.0 302 ' 'received 180'
}

write_to() {
    tell "$1" message "$(uri "$2")" word
    expect "$2" '^MESSAGE sip:'
    expect "$1" '^SIP/2.0 200 '
}

# The line is free when the sound has stopped, not when it says that the call
# ended.
hang_up() {
    tell "$1" bye
    expect "$2" 'far end cancelled call|RTP session stopped'
    expect "$1" '^SIP/2.0 487 |RTP session stopped'
}

begin_phones twinkle-console twinkle-console
start_phone alice udp
for transport in udp tcp; do
    start_phone bob "$transport"
    start_phone carol "$transport"
    call_each_other "$transport"
    transfer_each_other "$transport"
    redirect_each_other "$transport"
    write_to_each_other "$transport"
    restart_in_call bob alice
    [ "$transport" != udp ] || restart_in_call alice bob
    end_short_form
    end_phone bob
    end_phone carol
done
start_phone bob tcp 'ext_100rel=required'
start_phone carol udp 'compact_headers=yes'
call_each_other 100rel
ring bob alice
expect alice '^PRACK sip:'
hang_up bob alice
transfer_each_other '100rel and compact'
ring alice carol
expect alice '^i: '
hang_up alice carol
end_phones
