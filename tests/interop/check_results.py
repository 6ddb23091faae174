#!/usr/bin/env python3
"""Checks the result lines of srf-proxy.

check_results.py FILE CALLS METHOD STATUS ATTEMPT...

Exactly CALLS lines must belong to METHOD; in each the caller was sent STATUS
after the attempts, given as PORT:CAUSE:STATUSES (5071:response:180,200), with
the transport in front when that is not UDP (tcp/5071:response:180,200).

SPDX-License-Identifier: MIT
"""
import json
import sys


def method_of(result):
    """The method is in the CSeq of any response; without one: INVITE."""
    for response in result["responses"]:
        for entry in response["msgs"]:
            if entry["msg"] is not None:
                return entry["msg"]["headers"]["cseq"].split()[1]
    return "INVITE"


def check_message(entry, where):
    msg = entry["msg"]
    assert entry["time"], f"{where}: no time"
    if entry["status"] == 100:  # its message is not kept
        assert msg is None, where
        return
    assert msg["version"] == "2.0", f"{where}: version {msg['version']}"
    assert msg["status"] == entry["status"], f"{where}: two statuses"
    assert msg["raw"].startswith(f"SIP/2.0 {entry['status']}"), where
    assert "call-id" in msg["headers"], f"{where}: no call-id"


def check(result, status, attempts):
    assert result["finalStatus"] == status, f"status {result['finalStatus']}"
    assert result["connected"] is (200 <= status < 300), "connected"
    final = result.get("finalResponse")
    if final is not None:
        check_message(final, "finalResponse")
    seen = []
    for response in result["responses"]:
        assert response["address"] == "127.0.0.1", response["address"]
        assert response["target"], "no target"
        for entry in response["msgs"]:
            check_message(entry, response["target"])
        statuses = ",".join(str(entry["status"])
                            for entry in response["msgs"])
        transport = response["transport"]
        seen.append(("" if transport == "udp" else transport + "/") +
                    f"{response['port']}:{response['cause']}:{statuses}")
    assert seen == attempts, f"attempts {seen}"


def main():
    path, calls, method, status = sys.argv[1:5]
    matching = wrong = 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                result = json.loads(line)
                if method_of(result) != method:
                    continue
                matching += 1
                check(result, int(status), sys.argv[5:])
            except (AssertionError, KeyError, ValueError) as problem:
                wrong += 1
                if wrong <= 5:
                    print(f"{path}:{number}: {problem!r}", file=sys.stderr)
    print(f"{matching} results of {method} with status {status}, "
          f"{wrong} wrong")
    if matching != int(calls):
        print(f"{calls} results wanted", file=sys.stderr)
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
