#!/usr/bin/env python3
"""Counts the result lines of srf-proxy by what was tried, most frequent first.

show_attempts.py FILE

A line is COUNT STATUS ATTEMPT..., an attempt as in check_results.py.

SPDX-License-Identifier: MIT
"""
import collections
import json
import sys


def describe(response):
    transport = response["transport"]
    statuses = ",".join(str(entry["status"]) for entry in response["msgs"])
    return (("" if transport in ("", "udp") else transport + "/") +
            f"{response['port']}:{response['cause']}:{statuses}")


def main():
    kinds = collections.Counter()
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            result = json.loads(line)
            kinds[" ".join([str(result["finalStatus"])] +
                           [describe(each) for each in result["responses"]])
                  ] += 1
    for kind, count in kinds.most_common():
        print(count, kind)


if __name__ == "__main__":
    main()
