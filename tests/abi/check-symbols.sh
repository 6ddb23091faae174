#!/bin/sh
# Compares the symbols that a shared library exports with the list kept here:
# check-symbols.sh LIBRARY EXPECTED
#
# SPDX-License-Identifier: MIT
set -eu

nm -D --defined-only "$1" | awk '{print $3}' | LC_ALL=C sort |
    diff -u "$2" - || {
    echo "exported symbols differ from $2; if that is meant, update the list"
    exit 1
}
