#!/usr/bin/env python3
"""Connections that ask and do not read: what waits for them is bounded for all
of them together, and others are served.

SPDX-License-Identifier: MIT
"""
import pathlib
import select
import socket
import time

import attack
import sip

CONNECTIONS = 600
PUSH_S = 4
ACCOUNT = 64 << 20
# Of the process, with what it has beside the account.
LIMIT_KB = (96 if not attack.SANITIZED else 512) * 1024


def asked(method, **more):
    """The answer is as large: it has all of the Vias."""
    vias = [f"Via: SIP/2.0/TCP example.org;branch=z9hG4bK{i};x={'v' * 7000}"
            for i in range(4)]
    return sip.request(method, f"sip:x@{attack.PROXY}", "TCP example.org",
                       headers=vias, **more)


def push(program, method, more):
    """Each connection writes until nothing more is taken, and reads nothing;
    its window is as small as it can be."""
    taken = []
    for i in range(CONNECTIONS):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        one.bind((f"198.51.100.{100 + i // 60}", 0))
        one.connect((attack.PROXY, 5060))
        one.setblocking(False)
        taken.append(one)
    data = b"".join(asked(method, **more) for _ in range(4))
    rest = {one: data for one in taken}
    poll = select.poll()
    by_number = {one.fileno(): one for one in taken}
    for one in taken:
        poll.register(one, select.POLLOUT)
    most = 0
    end = time.monotonic() + PUSH_S
    while time.monotonic() < end and rest:
        for number, _ in poll.poll(100):
            one = by_number[number]
            try:
                sent = one.send(rest[one])
                rest[one] = rest[one][sent:] or data
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(one)  # it was closed: as good an end as any
                del rest[one]
        most = max(most, program.rss_kb())
    attack.note(f"{len(rest)} of {CONNECTIONS} are left, {most >> 10} MB")
    return taken, most


attack.isolate()
# What the system keeps for a connection is not what is looked at here.
for name in ("tcp_wmem", "tcp_rmem"):
    pathlib.Path("/proc/sys/net/ipv4", name).write_text("4096 16384 32768")
server = sip.Server()
for name, method, more in (
        ("srf-lb", "OPTIONS", {}),
        ("srf-proxy", "INVITE", {"max_forwards": 0})):
    program = attack.Program(
        name, *sip.listen("udp", "tcp"),
        "--max-memory", ACCOUNT,
        *(["--no-results"] if name == "srf-proxy" else []),
        f"{attack.SERVER}:5080")
    attack.note(f"{name}, {method}")
    before = program.rss_kb()
    taken, most = push(program, method, more)
    attack.check(most - before < LIMIT_KB,
                 f"{name}: {(most - before) >> 10} MB for what nobody reads")
    sip.works(sip.Udp(attack.CALLER), server.uri, f"through {name} beside that")
    for one in taken:
        one.close()
    attack.check(attack.until(lambda: program.descriptors() < 40),
                 f"{name} keeps connections that are gone")
    sip.works(sip.Stream(source=attack.CALLER), server.uri,
              f"through {name} after that")
    program.alive("that")
    program.end()
attack.finish()
