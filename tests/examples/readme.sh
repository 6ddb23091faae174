#!/usr/bin/env bash
# The programs shown in README.md are those of examples/, word for word. A
# block after "<!-- from FILE -->" is the whole file without its head comment;
# after "<!-- from FILE FUNCTION -->" it is that function.
#
# SPDX-License-Identifier: MIT
set -u

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
blocks=0
wrong=0

# shown MARKER: the C block of the README that follows the marker.
shown() {
    awk -v marker="$1" '
        $0 == marker { armed = 1; next }
        armed && /^```c$/ { inside = 1; armed = 0; next }
        inside && /^```$/ { exit }
        inside { print }
    ' "$ROOT/README.md"
}

# source_of FILE [FUNCTION]
source_of() {
    if [ $# = 1 ]; then
        sed '1,/^ \*\/$/d' "$ROOT/$1"
        return
    fi
    awk -v start=" $2(" '
        !inside && /^static / && index($0, start) { inside = 1 }
        inside { print }
        inside && /^}$/ { exit }
    ' "$ROOT/$1"
}

while IFS= read -r marker; do
    read -r -a words <<<"$marker"
    blocks=$((blocks + 1))
    source=("${words[@]:2:${#words[@]}-3}")
    if ! diff -u <(source_of "${source[@]}") <(shown "$marker"); then
        echo "README.md differs from ${source[*]}"
        wrong=1
    fi
done < <(grep '^<!-- from ' "$ROOT/README.md")

if [ "$blocks" -lt 4 ]; then
    echo "README.md shows $blocks examples, not 4"
    wrong=1
fi
exit "$wrong"
