# shellcheck shell=bash
# Telephones at home, each behind address translation of its own and all with
# the same private address, which no one can send to: they register at Kamailio
# through the proxy at the edge, are called along their Path, and do with each
# other what people do. Sourced after lib.sh and setup(). The script says how its
# client does it:
#
#   start_phone NAME TRANSPORT [ARGUMENT]   with run_phone, until it is registered
#   ring CALLER CALLEE       until both say that it rings
#   answer CALLEE CALLER     until both are in the call, and the callee has its ACK
#   refuse CALLEE CALLER     what rings, until the caller is told
#   hold WHO OTHER           and takes the call up again
#   transfer WHO OTHER TO    until OTHER is in a call with TO, and in no other
#   consult WHO OTHER TO     the same, having spoken to TO
#   redirect CALLEE CALLER TO  what rings, until it rings at TO
#   write_to WHO OTHER       a message, until both know that it came
#   hang_up WHO OTHER        what rings or stands, until OTHER knows that it is over
#   QUIT                     the command that ends it
#
# The last three but one are not for every client.
#
# SPDX-License-Identifier: MIT

# shellcheck source-path=SCRIPTDIR source=tls.sh
. "$HERE/tls.sh"
# shellcheck source-path=SCRIPTDIR source=networks.sh
. "$HERE/networks.sh"
# shellcheck source-path=SCRIPTDIR source=nat.sh
. "$HERE/nat.sh"

PHONES='alice bob carol'
ATTEMPTS=3
declare -A PHONE_IN=() PHONE_PID=()
export SRF_PROXY=$PROGRAM
trap kill_phones EXIT

# kill_phones: some do not end when they are asked to, which cleanup() would wait
# for.
kill_phones() {
    local status=$? pid

    for pid in ${PHONE_PID[@]+"${PHONE_PID[@]}"}; do
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    (exit "$status")
    cleanup
}

# play_again_if_crashed: Twinkle dies of SIGSEGV once in a while, whatever it is
# sent. Then everything begins anew, a few times.
play_again_if_crashed() {
    local name status

    for name in "${!PHONE_PID[@]}"; do
        alive "${PHONE_PID[$name]}" && continue
        wait "${PHONE_PID[$name]}"
        status=$?
        [ "$status" -gt 128 ] || continue
        [ "${SRF_ATTEMPT:-1}" -lt "$ATTEMPTS" ] ||
            fail "$name has crashed in each of $ATTEMPTS attempts"
        say "$name has crashed with status $status: once more"
        (trap - EXIT && kill_phones >/dev/null 2>&1)
        cd "$HERE" || exit 1
        SRF_ATTEMPT=$((${SRF_ATTEMPT:-1} + 1)) \
            exec "$HERE/../support/own_network" "$HERE/$NAME.sh"
    done
}

# begin_phones PROGRAM PACKAGE: the homes, the registrar and the proxy. DOMAIN is
# that of all telephones; it has no port, which Linphone leaves out at times.
begin_phones() {
    local name last=2

    command -v "$1" >/dev/null || skip "$2 is not installed"
    make_internet
    for name in $PHONES; do
        make_home "$name" "192.0.2.$last"
        last=$((last + 1))
    done
    head -c 32 /dev/urandom >secret
    KAMAILIO_UDP=5060
    DOMAIN=127.0.0.1
    make_certificates
    start_kamailio kamailio_registrar.cfg "DOMAIN=$DOMAIN:$KAMAILIO_UDP"
    start_edge
}

# start_edge: the proxy, with the secret of the one before.
start_edge() {
    start_program --open --record-route --path --force-rport \
        --secret-file secret --listen "sip:$EDGE:5060;transport=udp" \
        --listen "sip:$EDGE:5060;transport=tcp" \
        --listen "sip:$EDGE:5061;transport=tls" --tls-cert host.pem \
        --listen 'sip:127.0.0.1:5070;transport=udp' --no-results
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "srf-proxy does not say that it listens"
}

# change_edge: the proxy makes room for edge_proxy, which does not know the calls
# and the registrations of before.
change_edge() {
    end_program
    find_program edge_proxy "${SRF_BUILD:-$(dirname "$(dirname "$PROGRAM")")}"
    start_program --open --outside "sip:$EDGE:5060;transport=tcp" \
        --outside "sip:$EDGE:5061;transport=tls" \
        'sip:127.0.0.1:5070;transport=udp' "sip:$EDGE:5060;transport=udp" \
        "127.0.0.1:$KAMAILIO_UDP" host.pem
    wait_for 20 grep -q '^listening on ' "$WORK/proxy.out" ||
        fail "edge_proxy does not say that it listens"
}

end_phones() {
    local name

    for name in $PHONES; do
        end_phone "$name"
    done
    stop_kamailio
    end_program
}

# edge_port TRANSPORT: where the proxy listens with it.
edge_port() {
    case $1 in
    tls) echo 5061 ;;
    *) echo 5060 ;;
    esac
}

# run_phone NAME COMMAND...: at its home, with a home directory of its own,
# NAME.d. What it tells is in NAME.out and NAME.log.
run_phone() {
    local name=$1 in

    shift
    rm -f "$name.in"
    mkfifo "$name.in" || fail "no way to speak to $name"
    exec {in}<>"$name.in"
    PHONE_IN[$name]=$in
    : >"$name.out"
    : >"$name.log"
    HOME=$WORK/$name.d XDG_CONFIG_HOME=$WORK/$name.d/config \
        XDG_DATA_HOME=$WORK/$name.d/data XDG_CACHE_HOME=$WORK/$name.d/cache \
        REPLACE="exec" on "$name" "$@" <"$name.in" >>"$name.out" 2>&1 &
    PHONE_PID[$name]=$!
    PIDS+=("$!")
}

# tell NAME COMMAND...: what any of them tells from then on is looked at.
tell() {
    local name

    for name in $PHONES; do
        : >"$name.out"
        : >"$name.log"
    done
    printf '%s\n' "${*:2}" >&"${PHONE_IN[$1]}"
}

# expect NAME PATTERN...: it tells each of them.
expect() {
    local pattern

    for pattern in "${@:2}"; do
        wait_for 20 grep -aEq "$pattern" "$1.out" "$1.log" || {
            play_again_if_crashed
            tail -n 40 "$1.log" "$1.out" | cut -c 1-200 >&2
            fail "$1 does not tell '$pattern'"
        }
    done
}

# uri NAME: whom to call.
uri() {
    echo "sip:$1@$DOMAIN"
}

end_phone() {
    tell "$1" "$QUIT"
    wait_for 20 eval "! alive ${PHONE_PID[$1]}" || fail "$1 does not end"
    unset "PHONE_PID[$1]"
}

# talk CALLER CALLEE
talk() {
    ring "$1" "$2"
    answer "$2" "$1"
}

# call_each_other LABEL: alice and bob, whoever ends it, whoever gives it up.
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
    refuse bob alice
    ring bob alice
    refuse alice bob
    say "$1: called, held, ended, given up and refused from both sides"
}

# transfer_each_other LABEL: alice and bob send each other to carol.
transfer_each_other() {
    talk alice bob
    transfer alice bob carol
    hang_up carol bob
    talk alice bob
    transfer bob alice carol
    hang_up alice carol
    say "$1: transferred from both sides"
}

# consult_each_other LABEL: the same, having spoken to carol.
consult_each_other() {
    talk alice bob
    consult alice bob carol
    hang_up bob carol
    talk alice bob
    consult bob alice carol
    hang_up carol alice
    say "$1: transferred after a consultation from both sides"
}

# redirect_each_other LABEL: to carol, without an answer.
redirect_each_other() {
    ring alice bob
    redirect bob alice carol
    answer carol alice
    hang_up carol alice
    ring bob alice
    redirect alice bob carol
    hang_up bob carol
    say "$1: redirected from both sides"
}

# write_to_each_other LABEL
write_to_each_other() {
    write_to alice bob
    write_to bob alice
    say "$1: written to from both sides"
}

# restart_in_call WHO-ENDS OTHER: registrations and calls go on.
restart_in_call() {
    talk alice bob
    end_program
    start_edge
    hold "$1" "$2"
    hang_up "$1" "$2"
    say "a call that $1 holds and ends after a restart"
}
