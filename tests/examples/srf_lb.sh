#!/usr/bin/env bash
# srf-lb: calls begin at each of two servers in turn. One that is gone costs one
# call a second attempt, then it is left alone until its time is over.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example srf-lb "$@"

# lines_with NUMBER TEXT: that many calls ended like this.
lines_with() {
    local lines

    lines=$(grep -c "$2" "$WORK/proxy.out")
    [ "$lines" = "$1" ] || fail "$lines lines with '$2', not $1"
}

CALLS=4
UAS_CALLS=2
start_uas one uas_answer.xml
one=$UAS_PORT
UAS_CALLS=8
start_uas two uas_answer.xml
two=$UAS_PORT
start_program --json --hold 2s --listen 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$one" "127.0.0.1:$two"
wait_listening
run_uac before uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas one
lines_with 2 "target=sip:127.0.0.1:$one status=200 tries=1 "
lines_with 2 "target=sip:127.0.0.1:$two status=200 tries=1 "

run_uac after uac_call.xml "127.0.0.1:$PROXY_PORT"
lines_with 5 "target=sip:127.0.0.1:$two status=200 tries=1 "
lines_with 1 "target=sip:127.0.0.1:$two status=200 tries=2 "
grep -q "127.0.0.1:$one is out: transport" "$WORK/proxy.log" ||
    fail "a server that is gone is not out"

sleep 2
UAS_CALLS=2
try_uas "$one" one uas_answer.xml || fail "SIPp does not start again"
run_uac again uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas one
wait_uas two
grep -q "127.0.0.1:$one is back: its time is over" "$WORK/proxy.log" ||
    fail "a server whose time is over is not back"
end_program
lines_with 4 "target=sip:127.0.0.1:$one status=200 tries=1 "
lines_with 7 "target=sip:127.0.0.1:$two status=200 tries=1 "

grep '^{' "$WORK/proxy.out" >"$WORK/json"
[ "$(wc -l <"$WORK/json")" = 12 ] || fail "12 lines of JSON wanted"
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$WORK/json" || fail "invalid JSON"
fi

# A server that says 503 and one that says nothing cost one call each.
CALLS=4
UAS_CALLS=1
start_uas busy uas_503.xml
busy=$UAS_PORT
start_uas silent uas_silent.xml
silent=$UAS_PORT
UAS_CALLS=4
start_uas good uas_answer.xml
good=$UAS_PORT
start_program --answer-timeout 300ms --listen 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$busy" "127.0.0.1:$silent" "127.0.0.1:$good"
wait_listening
RATE=1
run_uac refusals uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas good
end_program
grep -q "127.0.0.1:$busy is out: 503" "$WORK/proxy.log" ||
    fail "a server that says 503 is not out"
grep -q "127.0.0.1:$silent is out: provisional timeout" "$WORK/proxy.log" ||
    fail "a server that says nothing is not out"
lines_with 4 "target=sip:127.0.0.1:$good status=200 "
lines_with 1 'tries=3 '
lines_with 3 'tries=1 '

refused 2 "Try 'srf-lb --help'" --no-such-option
refused 2 'TARGET: one is wanted' --listen 'sip:127.0.0.1:0'
refused 2 '--listen: one is wanted' 127.0.0.1:9
mapfile -t targets < <(seq -f '192.0.2.%g' 33)
refused 2 'more than 32' --listen 'sip:127.0.0.1:0' "${targets[@]}"
# A value that is refused is told with what is wanted.
refuses() { # TEXT OPTION VALUE
    refused 2 "$2: $1.*: $3\$" "$2" "$3" --listen 'sip:127.0.0.1:0' 127.0.0.1:9
}
for list in 1xx 2x '200,' '2xx,,404' 700 abc ''; do
    refuses 'statuses from 200 on' --probe-alive "$list"
done
refuses 'a number from 1 to 1000' --down-after 0
refuses 'a number from 1 to 1000' --up-after 1001
refuses 'a number from 1 to 10 ' --dns-tries 11
refuses 'a time above zero' --probe-interval 0s
refuses 'invalid duration' --hold 2
refused 2 'no brackets' --listen 'sip:127.0.0.1:0' '<sip:127.0.0.1:9>'
refused 2 'a b: invalid URI' --listen 'sip:127.0.0.1:0' 'a b'
refused 1 '--dns-server: invalid argument' --dns-server nobody \
    --listen 'sip:127.0.0.1:0' 127.0.0.1:9
"$PROGRAM" --help | grep -q -e '--probe-interval' || fail "--help"
"$PROGRAM" --version | grep -q '^srf-lb [0-9]' || fail "--version"
