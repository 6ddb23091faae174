#!/usr/bin/env python3
"""Fifty thousand hostile connections, more of them at once than the program has
descriptors: idle, half open, slow, with a TLS handshake that is never finished, and
gone again. No legitimate call over UDP or TLS fails meanwhile.

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
DESCRIPTORS = 8192  # of the program
BESIDE = 1000  # of those that come and go, for each process
PROCESSES = 2
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


class Horde:
    """A process that holds its share of the connections and opens the others
    beside them, until it has had all of them."""

    def __init__(self, number, share, held):
        self.out, into = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.write(into, str(self.work(number, share, held)).encode())
            signal = os.read(go_out, 1)  # held until all have been there
            os._exit(0 if signal == b"" else 1)
        os.close(into)

    @staticmethod
    def connect(number, i, port):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       b"\1\0\0\0\0\0\0\0")
        one.setblocking(False)
        one.bind((f"198.51.100.{100 + 40 * number + i % 40}", 0))
        one.connect_ex((attack.PROXY, port))
        return one

    def work(self, number, share, held):
        os.close(go_in)
        first = beginnings()
        kept = []
        idle = []  # held from the beginning to the end
        poll = select.poll()
        opened = 0
        while opened < share:
            batch = []
            settled = len(idle) >= held
            for _ in range(min(BATCH, share - opened)):
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
            while len(kept) > BESIDE:
                kept.pop(random.randrange(len(kept))).close()
        return opened


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
held = 3 * limit // 2
program = attack.Program(
    "srf-proxy", *sip.listen("udp", "tcp", "tls"), "--no-results",
    "--record-route", "--tls-cert", tls / "host.pem", f"{attack.SERVER}:5080",
    nofile=(limit, limit))
go_out, go_in = os.pipe()
over = threading.Event()
sip.works(sip.Udp(attack.CALLER), server.uri, "before it")
hordes = [Horde(i, TOTAL // PROCESSES, held // PROCESSES)
          for i in range(PROCESSES)]
callers = [Caller(kind) for kind in ("UDP", "TLS") * (CALLERS // 2)]
for caller in callers:
    caller.start()
most = 0
opened = 0
for horde in hordes:
    while not select.select([horde.out], [], [], 0.1)[0]:
        most = max(most, program.descriptors())
    opened += int(os.read(horde.out, 100))
attack.note(f"{opened} connections, {most} at once")
time.sleep(2)  # all there is, and calls
rss = program.rss_kb()
over.set()
for caller in callers:
    caller.join()
    attack.note(f"over {caller.over}: {caller.good} calls, {caller.bad} failed,"
                f" the slowest {caller.slowest:.2f} s, {rss >> 10} MB")
    attack.check(caller.bad == 0, f"{caller.bad} calls over {caller.over} "
                                  f"failed: {caller.why}")
    attack.check(caller.good > 0, f"no call over {caller.over}")
attack.check(opened == TOTAL, f"only {opened} of {TOTAL}")
attack.check(most > limit / 2, f"{most} at once is too few to say anything")
os.close(go_in)
for horde in hordes:
    os.waitpid(horde.pid, 0)
attack.check(attack.until(lambda: program.descriptors() < 40),
             f"{program.descriptors()} descriptors are left of it")
for end in (sip.Udp(attack.CALLER),
            sip.Stream((attack.PROXY, 5061), attack.CALLER, sip.trusting())):
    sip.works(end, server.uri, f"over {end.transport} after it")
attack.finish()
