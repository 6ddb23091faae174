#!/usr/bin/env python3
"""Fifty thousand hostile connections, more of them at once than the program may
accept with all the descriptors that the system allows: idle, half open, slow, with a
TLS handshake that is never finished, and gone again. No legitimate call over UDP or
TLS fails meanwhile. All of them at once are in tests/unit/test_hostile.c, in memory.

SPDX-License-Identifier: MIT
"""
import os
import random
import resource
import select
import socket
import threading
import time

import attack
import sip

TOTAL = 50000
DESCRIPTORS = 65536  # no more, however many the system allows
BESIDE = 1000  # of those that come and go at most, for each process
PROCESSES = 4
SOURCES = 160  # addresses at most, each with less than what one of them may have
EACH = 12  # connections of each, or more: whoever has one looks like a customer
PORTS = (5060, 5061)
CALLERS = 4
BATCH = 60  # as many SYNs as a queue of the system takes


def beginnings():
    """What a connection says first; nothing, or never the whole of it."""
    hello = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
             bytes(range(32)))
    whole = sip.request("OPTIONS", f"sip:x@{attack.PROXY}", "TCP example.org")
    return (b"", b"", b"\r\n", b"OPTIONS sip:x@example.org SIP/2.0\r\nVia: ",
            hello, hello[:3], whole[:200], b"\x00" * 64, whole, b"\x80")


def share_of(descriptors):
    """Connections that the program accepts at once: five eighths of what it does
    not keep for other things."""
    rest = descriptors - min(max(descriptors // 8, 16), 1024)
    return rest - rest // 4 - rest // 8


class Horde:
    """A process that holds its share of the connections and opens the others
    beside them, until it has had all of them. It tells how many it opened, and
    how many it holds then."""

    def __init__(self, number, total, held):
        self.out, into = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            counts = self.work(number, total, held)
            os.write(into, " ".join(map(str, counts)).encode())
            signal = os.read(go_out, 1)  # held until all have been there
            os._exit(0 if signal == b"" else 1)
        os.close(into)

    @staticmethod
    def connect(number, i, port):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       b"\1\0\0\0\0\0\0\0")
        one.setblocking(False)
        own = max(1, min(SOURCES, share // EACH) // PROCESSES)
        one.bind((f"198.51.100.{90 + own * number + i % own}", 0))
        one.connect_ex((attack.PROXY, port))
        return one

    def work(self, number, total, held):
        os.close(go_in)
        first = beginnings()
        kept = []
        idle = []  # held from the beginning to the end
        poll = select.poll()
        beside = min(BESIDE, limit // 4)
        opened = 0
        while opened < total:
            batch = []
            settled = len(idle) >= held
            for _ in range(min(BATCH, total - opened)):
                one = self.connect(number, opened,
                                   random.choice(PORTS) if settled else 5060)
                poll.register(one, select.POLLOUT)
                batch.append(one)
                opened += 1
            waiting = {one.fileno(): one for one in batch}
            end = time.monotonic() + 5
            while waiting and time.monotonic() < end:
                for descriptor, _ in poll.poll(100):
                    one = waiting.pop(descriptor)
                    poll.unregister(one)
                    try:
                        one.send(random.choice(first) if settled else b"\r\n")
                    except OSError:
                        pass
            for one in waiting.values():
                poll.unregister(one)
            if not settled:
                idle += batch
                continue
            kept += batch
            # Those that are slow say a little more.
            for one in random.sample(kept, min(100, len(kept))):
                try:
                    one.send(b"x")
                except OSError:
                    pass
            while len(kept) > beside:
                kept.pop(random.randrange(len(kept))).close()
        return opened, len(idle) + len(kept)


class Caller(threading.Thread):
    """Calls one after another, each over a new connection, or over UDP."""

    def __init__(self, over):
        super().__init__(daemon=True)
        self.over = over
        self.good = self.bad = 0
        self.slowest = 0.0
        self.why = ""

    def connect(self):
        if self.over == "UDP":
            return sip.Udp(attack.CALLER)
        return sip.Stream((attack.PROXY, 5061), attack.CALLER, sip.trusting())

    def run(self):
        while not over.is_set():
            begin = time.monotonic()
            try:
                end = self.connect()
                call = sip.Call(end, "sip:bob@example.org")
                done = call.whole(attack.PATIENCE_S)
                why = call.why
                end.close()
            except OSError as err:
                done, why = False, err
            self.slowest = max(self.slowest, time.monotonic() - begin)
            self.good += done
            self.bad += not done
            self.why = self.why if done else why
            time.sleep(0.05)


attack.isolate()
tls = attack.make_certificates()
server = sip.Server()
limit = min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
share = share_of(limit)
held = min(3 * share // 2, TOTAL - TOTAL // 5)
program = attack.Program(
    "srf-proxy", *sip.listen("udp", "tcp", "tls"), "--no-results",
    "--record-route", "--tls-cert", tls / "host.pem", "--max-connections",
    share, f"{attack.SERVER}:5080", nofile=(limit, limit))
go_out, go_in = os.pipe()
over = threading.Event()
sip.works(sip.Udp(attack.CALLER), server.uri, "before it")
hordes = [Horde(i, TOTAL // PROCESSES, held // PROCESSES)
          for i in range(PROCESSES)]
callers = [Caller(kind) for kind in ("UDP", "TLS") * (CALLERS // 2)]
for caller in callers:
    caller.start()
most = rss = 0
opened = theirs = 0


def look():
    """The most that the program has had of everything."""
    global most, rss
    most = max(most, program.descriptors())
    rss = max(rss, program.rss_kb())


for horde in hordes:
    while not select.select([horde.out], [], [], 0.1)[0]:
        look()
    counts = [int(word) for word in os.read(horde.out, 100).split()]
    opened += counts[0]
    theirs += counts[1]
# All there is, and calls; the last of them may wait to be accepted.
end = time.monotonic() + 2
while time.monotonic() < end or (most <= min(share, held) * 9 // 10 and
                                 time.monotonic() < end + 10):
    look()
    time.sleep(0.1)
attack.note(f"{opened} connections; {theirs} held at once by those who opened "
            f"them, {most} by the program, which has {limit} descriptors and "
            f"accepts {share}")
over.set()
for caller in callers:
    caller.join()
    attack.note(f"over {caller.over}: {caller.good} calls, {caller.bad} failed,"
                f" the slowest {caller.slowest:.2f} s, {rss >> 10} MB at most")
    attack.check(caller.bad == 0, f"{caller.bad} calls over {caller.over} "
                                  f"failed: {caller.why}")
    attack.check(caller.good > 0, f"no call over {caller.over}")
attack.check(opened == TOTAL, f"only {opened} of {TOTAL}")
attack.check(theirs > share, f"{theirs} held are no more than {share}")
attack.check(most > min(share, held) * 9 // 10,
             f"{most} at once is too few to say anything")
attack.check(most <= limit, f"{most} at once are more than {limit}")
os.close(go_in)
for horde in hordes:
    os.waitpid(horde.pid, 0)
attack.check(attack.until(lambda: program.descriptors() < 40),
             f"{program.descriptors()} descriptors are left of it")
for end in (sip.Udp(attack.CALLER),
            sip.Stream((attack.PROXY, 5061), attack.CALLER, sip.trusting())):
    sip.works(end, server.uri, f"over {end.transport} after it")
attack.finish()
