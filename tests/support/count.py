#!/usr/bin/env python3
"""Prints "N passed, N failed, N skipped" from meson's test log in a directory:
count.py LOG-DIRECTORY

SPDX-License-Identifier: MIT
"""
import json
import pathlib
import sys


def main():
    results = [json.loads(line)["result"]
               for log in pathlib.Path(sys.argv[1]).glob("testlog*.json")
               for line in log.read_text().splitlines()]
    passed = sum(result in ("OK", "EXPECTEDFAIL") for result in results)
    skipped = results.count("SKIP")
    # A run without a test is no good one. All else failed: TIMEOUT, ERROR, ...
    failed = len(results) - passed - skipped if results else 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
