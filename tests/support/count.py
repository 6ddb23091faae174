#!/usr/bin/env python3
"""Prints "N passed, N failed, N skipped" from the newest test log of meson.

SPDX-License-Identifier: MIT
"""
import json
import pathlib
import sys


def main():
    logs = pathlib.Path(sys.argv[1]).glob("testlog*.json")
    newest = max(logs, key=lambda log: log.stat().st_mtime)
    passed = failed = skipped = 0
    for line in newest.read_text().splitlines():
        result = json.loads(line)["result"]
        if result in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif result == "SKIP":
            skipped += 1
        else:
            failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
