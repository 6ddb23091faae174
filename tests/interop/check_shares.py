#!/usr/bin/env python3
"""Checks who answered the calls to a name with two servers, one of which died
and came back.

check_shares.py FILE PORT-THAT-DIED OTHER-PORT SHARE

All calls were answered. Until the last call that the server answered before it
refused one, and again from the first one after its return, it had SHARE of the
calls: within five standard deviations, so that chance fails this once in a million
runs. Meanwhile the other one had them all.

SPDX-License-Identifier: MIT
"""
import json
import math
import sys

LEAST = 100  # calls that say something about a share


def answerer(result):
    """The port that said 200."""
    for response in result["responses"]:
        if any(entry["status"] == 200 for entry in response["msgs"]):
            return response["port"]
    raise AssertionError(f"not answered: {result}")


def refused(result, port):
    return any(response["port"] == port and not response["msgs"]
               for response in result["responses"])


def check(what, ports, died, share):
    """Of the calls answered by `ports`."""
    count = len(ports)
    assert count >= LEAST, f"{what}: only {count} calls"
    mine = ports.count(died)
    allowed = 5 * math.sqrt(share * (1 - share) * count)
    print(f"{what}: {mine} of {count} calls, {mine / count:.3f}; "
          f"{share} wanted, give or take {allowed / count:.3f}")
    assert abs(mine - share * count) <= allowed, f"{what}: share"


def main():
    path, share = sys.argv[1], float(sys.argv[4])
    died, other = int(sys.argv[2]), int(sys.argv[3])
    with open(path, encoding="utf-8") as lines:
        results = [result for result in map(json.loads, lines)
                   if any(entry["msg"] and "INVITE" in
                          entry["msg"]["headers"]["cseq"]
                          for response in result["responses"]
                          for entry in response["msgs"])]
    ports = [answerer(result) for result in results]
    refusals = [i for i, result in enumerate(results) if refused(result, died)]
    assert refusals, "nobody was refused"
    death = max(i for i in range(refusals[0]) if ports[i] == died) + 1
    back = ports.index(died, death)
    assert set(ports[death:back]) == {other}, "a third server"
    check("before", ports[:death], died, share)
    check("afterwards", ports[back:], died, share)
    print(f"in between: {back - death} calls, {len(refusals)} were refused")


if __name__ == "__main__":
    main()
