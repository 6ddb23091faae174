#!/usr/bin/env bash
# srf-lb: calls begin at each of two servers in turn; when one is gone the
# other takes its calls.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example srf-lb "$@"

CALLS=4
UAS_CALLS=2
start_uas one uas_answer.xml
one=$UAS_PORT
UAS_CALLS=6
start_uas two uas_answer.xml
two=$UAS_PORT
start_program --json --listen 'sip:127.0.0.1:0;transport=udp' \
    "127.0.0.1:$one" "127.0.0.1:$two"
wait_listening
run_uac before uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas one
run_uac after uac_call.xml "127.0.0.1:$PROXY_PORT"
wait_uas two
end_program

# lines_with NUMBER TEXT: that many calls ended like this.
lines_with() {
    local lines

    lines=$(grep -c "$2" "$WORK/proxy.out")
    [ "$lines" = "$1" ] || fail "$lines lines with '$2', not $1"
}
lines_with 2 "target=sip:127.0.0.1:$one status=200 tries=1 "
lines_with 4 "target=sip:127.0.0.1:$two status=200 tries=1 "
lines_with 2 "target=sip:127.0.0.1:$two status=200 tries=2 "
grep '^{' "$WORK/proxy.out" >"$WORK/json"
[ "$(wc -l <"$WORK/json")" = 8 ] || fail "8 lines of JSON wanted"
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$WORK/json" || fail "invalid JSON"
fi
"$PROGRAM" --listen 'sip:127.0.0.1:0' 2>"$WORK/usage.err"
[ $? = 2 ] || fail "no target must be refused with status 2"
rm "$WORK/usage.err"
