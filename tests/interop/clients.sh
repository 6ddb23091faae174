# shellcheck shell=bash
# Clients that are told what to do, and tell what happens to them: each line in
# told has a name in front, and what browser/page_jssip.mjs explains. Sourced
# after lib.sh and setup(). The script has tell(), which gives a client with this
# NAME its COMMAND, and says who is where: sip:NAME@$DOMAIN, or $SCHEME.
#
# SPDX-License-Identifier: MIT

: >told

# forget: what is told from then on is looked at.
forget() {
    cat told >>told.all
    : >told
}

# order NAME COMMAND...
order() {
    forget
    tell "$@"
}

# expect NAME PATTERN
expect() {
    wait_for 20 grep -qx "$1 $2" told || {
        tail -n 20 told.all told >&2
        fail "$1 does not tell '$2'"
    }
}

uri() {
    echo "${SCHEME:-sip}:$1@$DOMAIN"
}

# ring CALLER CALLEE
ring() {
    order "$1" call "$(uri "$2")"
    expect "$2" "invited $1"
    expect "$1" ringing
}

# talk CALLER CALLEE
talk() {
    ring "$1" "$2"
    order "$2" answer
    expect "$2" talking
    expect "$1" talking
}

# hold WHO OTHER: a re-INVITE.
hold() {
    order "$1" hold
    expect "$2" held
    expect "$1" holding
    order "$1" resume
    expect "$2" resumed
    expect "$1" active
}

# hang_up WHO OTHER
hang_up() {
    order "$1" hangup
    expect "$1" 'ended local'
    expect "$2" 'ended remote'
}

# give_up CALLER CALLEE
give_up() {
    ring "$1" "$2"
    order "$1" hangup
    expect "$2" 'failed CANCEL'
    expect "$1" 'failed .*'
}

# refuse CALLER CALLEE
refuse() {
    ring "$1" "$2"
    order "$2" reject
    expect "$1" 'failed 486'
}

# send_on WHO OTHER THIRD: a REFER; the one who is sent calls the third one.
send_on() {
    talk "$1" "$2"
    order "$1" transfer "$(uri "$3")"
    expect "$2" "sent to $(uri "$3")"
    expect "$3" "invited $2"
    order "$3" answer
    expect "$3" talking
    expect "$2" talking
    expect "$1" 'transferred 200'
    order "$1" hangup
    expect "$2" 'ended remote'
    hang_up "$3" "$2"
    say "$1 sent $2 on to $3"
}

# call_each_other ONE OTHER
call_each_other() {
    talk "$1" "$2"
    hold "$1" "$2"
    hold "$2" "$1"
    hang_up "$1" "$2"
    talk "$2" "$1"
    hang_up "$1" "$2"
    talk "$1" "$2"
    hang_up "$2" "$1"
    give_up "$1" "$2"
    give_up "$2" "$1"
    refuse "$1" "$2"
    say "$1 and $2 called, held, ended, gave up and refused"
}
