#!/usr/bin/env bash
# examples/options: it asks for options that this version of the library does
# not have, says so and answers 500.
#
# SPDX-License-Identifier: MIT
#
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup_example options "$@"

start_example "127.0.0.1:$(free_port)"
run_uac caller uac_rejected_500.xml "127.0.0.1:$PROXY_PORT"
lines=$(grep -c '^proxy: not supported$' "$WORK/proxy.log")
[ "$lines" = "$CALLS" ] || fail "$lines refusals logged, not $CALLS"
