#!/usr/bin/env python3
"""Names that nobody answers for, and a long /etc/hosts, hold up nobody else.

SPDX-License-Identifier: MIT
"""
import pathlib
import socket
import struct
import subprocess
import threading
import time

import attack
import sip

NAME_SERVER = "198.51.100.53"
DEAD = 5000
PER_S = 4000
HOSTS = pathlib.Path("/etc/hosts")


class Names:
    """A name server: live names have the server's address, those that begin
    with "no" do not exist, and for all others nothing comes."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((NAME_SERVER, 53))
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, source = self.socket.recvfrom(4096)
            self.asked += 1
            first = question[13:13 + question[12]]
            if first.startswith((b"live", b"no")):
                self.socket.sendto(self.answer(question, first), source)

    @staticmethod
    def answer(question, first):
        end = question.index(b"\0", 12) + 5
        kind = struct.unpack_from("!H", question, end - 4)[0]
        record = b""
        if first.startswith(b"live") and kind == 1:
            record = (b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) +
                      socket.inet_aton(attack.SERVER))
        code = 0 if first.startswith(b"live") else 3
        return (question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1,
                                           1 if record else 0, 0, 0) +
                question[12:end] + record)


def paced(count, per_s, send):
    begin = time.monotonic()
    for i in range(count):
        send(i)
        ahead = i / per_s - (time.monotonic() - begin)
        if ahead > 0.002:
            time.sleep(ahead)


def dead_names(method):
    """Calls for names that live go on while one source asks for names that do
    not: 255 a second of these filled all look-ups in a quarter of a minute."""
    program = attack.Program("srf-proxy", *sip.listen("udp"),
                             "--dns-server", NAME_SERVER, "--record-route")
    stranger = sip.Udp(attack.ATTACKER)
    paced(DEAD, PER_S, lambda i: stranger.send(sip.request(
        method, f"sip:x@dead{i}.{sip.fresh()}.example:5080", stranger.via)))
    for _ in range(10):
        sip.works(sip.Udp(attack.CALLER),
                  f"sip:bob@live{sip.fresh()}.example:5080",
                  f"to a name beside {method}s for dead ones", server)
    program.alive(f"{method}s for dead names")
    # At once: they wait for nothing.
    program.kill()
    stranger.close()


def long_hosts():
    """Of 20,000 lines: names that are not in it do not read it each time."""
    mine = attack.work / "hosts"
    mine.write_text("127.0.0.1 localhost\n" + "".join(
        f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} host{i}.lan alias{i}\n"
        for i in range(20000)))
    subprocess.run(["mount", "--bind", mine, HOSTS], check=True)
    program = attack.Program("srf-proxy", *sip.listen("udp"),
                             "--dns-server", NAME_SERVER)
    stranger, caller = sip.Udp(attack.ATTACKER), sip.Udp(attack.CALLER)
    # The first may read it.
    caller.ask(sip.request("OPTIONS", "sip:x@host19999.lan:5080", caller.via),
               0.5)
    used = program.cpu_s()
    longest = 0
    for i in range(40):
        for _ in range(5):
            stranger.send(sip.request(
                "OPTIONS", f"sip:x@no{sip.fresh()}.example:5080",
                stranger.via))
        begin = time.monotonic()
        answer = caller.ask(sip.request("OPTIONS", server.uri, caller.via))
        longest = max(longest, time.monotonic() - begin)
        attack.check(answer is not None and answer.status == 200,
                     "no answer beside names that are not in /etc/hosts")
    used = program.cpu_s() - used
    attack.note(f"longest {1000 * longest:.0f} ms, {used:.2f} s of the CPU")
    attack.check(longest < 0.1 * (5 if attack.SANITIZED else 1),
                 f"/etc/hosts stalls the loop for {1000 * longest:.0f} ms")
    # What is written into it is known soon.
    with open(mine, "a", encoding="ascii") as hosts:
        hosts.writelines(f"{attack.SERVER} now{i}.lan\n" for i in range(999))
    fresh = iter(range(999))

    def reaches():
        answer = caller.ask(sip.request(
            "OPTIONS", f"sip:x@now{next(fresh)}.lan:5080", caller.via), 2)
        return answer is not None and answer.status == 200

    attack.check(attack.until(reaches),
                 "what was written into /etc/hosts is not seen")
    program.end()


attack.isolate()
server = sip.Server()
names = Names()
for method in ("ACK", "OPTIONS", "INVITE"):
    dead_names(method)
long_hosts()
attack.finish()
