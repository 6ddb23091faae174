#!/usr/bin/env python3
"""30,000 INVITEs a second from ten sources beside fifty calls in progress:
these go on, and what is normal is normal again soon. Once with new INVITEs, and
once with INVITEs that look as if they belonged to a dialog.

SPDX-License-Identifier: MIT
"""
import os
import select
import socket
import threading
import time

import attack
import sip

RATE = 30000
FLOOD_S = 6
SOURCES = [f"198.51.100.{100 + i}" for i in range(10)]
CALLS = 50
IN_TIME_S = 2.0  # T1 * 4
MEMORY_KB = 1 << 20  # the account of the programs
NORMAL_S = 5


class Flood:
    """A process that sends, and nothing else: at a constant rate, from all the
    sources in turn. It counts what it sent."""

    def __init__(self, to_tag, name):
        self.out, into = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.write(into, str(self.send(to_tag, name)).encode())
            os._exit(0)
        os.close(into)

    @staticmethod
    def send(to_tag, name):
        # Where nobody answers: the proxy has to wait for them all.
        uri = f"sip:x@{attack.VICTIM}:5060"
        data = sip.request(
            "INVITE", uri, "UDP @SOURCE", branch="z9hG4bK@NUMBER",
            from_tag="f@NUMBER", to_tag=to_tag, call_id=f"@NUMBER@{name}",
            contact="<sip:x@@SOURCE>",
            headers=[f"Route: <sip:{attack.PROXY}:5060;lr>"] if to_tag else [])
        ends = []
        for source in SOURCES:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((source, 5060))
            one.connect((attack.PROXY, 5060))
            ends.append((one.send, data.replace(
                b"@SOURCE", f"{source}:5060".encode()).split(b"@NUMBER")))
        begin = time.monotonic()
        sent = 0
        while (passed := time.monotonic() - begin) < FLOOD_S:
            due = int(passed * RATE)
            while sent < due:
                send, parts = ends[sent % len(ends)]
                try:
                    send((b"%x" % sent).join(parts))
                except OSError:
                    pass  # of an answer that nobody took
                sent += 1
            time.sleep(0.0005)
        return sent

    def sent(self):
        """Waits for its end."""
        sent = int(os.read(self.out, 100))
        os.waitpid(self.pid, 0)
        return sent


class Talk(threading.Thread):
    """A call that is there before the flood, has re-INVITEs while it lasts, and
    a BYE before its end."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.call = sip.Call(sip.Udp(attack.CALLER), server.uri)
        self.number = number
        self.good = self.bad = 0
        self.slowest = 0.0

    def ask(self, work):
        begin = time.monotonic()
        done = work(IN_TIME_S)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        self.good += done
        self.bad += not done

    def run(self):
        end = begun + FLOOD_S - IN_TIME_S - 0.2
        time.sleep(0.3 + self.number / CALLS)
        while time.monotonic() < end - 1:
            self.ask(self.call.invite)
            time.sleep(1)
        self.ask(self.call.bye)


def first_good(patience_s):
    """How long until a new call works; None if none did."""
    begin = time.monotonic()
    while time.monotonic() - begin < patience_s:
        if sip.Call(sip.Udp(attack.CALLER), server.uri).whole(0.45):
            return time.monotonic() - begin
    return None


class Nobody:
    """A process that takes what of a flood is passed on and answers nothing.
    It counts the calls, not the datagrams."""

    def __init__(self, flood):
        self.out, into = os.pipe()
        go_in, self.stop = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.stop)
            os.write(into, str(self.count(flood.encode(), go_in)).encode())
            os._exit(0)
        os.close(into)
        os.close(go_in)

    @staticmethod
    def count(flood, go_in):
        calls = set()
        nobody.setblocking(False)
        while not select.select([go_in], [], [], 0.002)[0]:
            try:
                while True:
                    data = nobody.recv(2000)
                    at = data.index(b"Call-ID: ")
                    call_id = data[at:data.index(b"\r", at)]
                    if call_id.endswith(flood):
                        calls.add(call_id)
            except BlockingIOError:
                pass
        return len(calls)

    def counted(self):
        os.close(self.stop)
        count = int(os.read(self.out, 100))
        os.waitpid(self.pid, 0)
        return count


def flood(what, to_tag):
    global begun
    talks = [Talk(i) for i in range(CALLS)]
    for talk in talks:
        attack.check(talk.call.invite(), f"{what}: no call before")
        time.sleep(0.01)
    taking = Nobody(what[:3])
    flooding = Flood(to_tag, what[:3])
    begun = time.monotonic()
    for talk in talks:
        talk.start()
    most = 0
    tried = served = 0
    while time.monotonic() < begun + FLOOD_S - 0.1:
        most = max(most, program.rss_kb())
        tried += 1
        served += sip.Call(sip.Udp(attack.SERVER), server.uri).whole(0.2)
        time.sleep(0.1)
    for talk in talks:
        talk.join()
    sent = flooding.sent()
    passed = taking.counted()
    normal = first_good(2 * NORMAL_S)
    good = sum(talk.good for talk in talks)
    bad = sum(talk.bad for talk in talks)
    attack.note(f"{what}: {sent} INVITEs in {FLOOD_S} s; {good} of "
                f"{good + bad} requests in calls, the slowest "
                f"{max(talk.slowest for talk in talks):.2f} s; {served} of "
                f"{tried} new calls of others; {passed} of the flood taken on,"
                f" {most >> 10} MB; "
                f"normal after {normal or 0:.2f} s")
    attack.check(sent >= 0.8 * RATE * FLOOD_S, f"{what}: only {sent} sent")
    attack.check(good >= 0.99 * (good + bad),
                 f"{what}: {bad} of {good + bad} requests in calls failed: "
                 f"{[talk.call.why for talk in talks if talk.bad][:3]}")
    attack.check(passed < sent / 3, f"{what}: {passed} were taken on")
    attack.check(most < MEMORY_KB, f"{what}: {most} kB")
    attack.check(normal is not None and normal < NORMAL_S,
                 f"{what}: no new call {NORMAL_S} s after it")
    program.alive(what)


attack.isolate()
server = sip.Server()
nobody = sip.Udp(attack.VICTIM, 5060).socket
nobody.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
program = attack.Program(
    "srf-proxy", *sip.listen("udp"), "--record-route", "--no-results")
for what, to_tag in (("new INVITEs", None), ("forged To tags", "forged")):
    flood(what, to_tag)
# It has a million things to forget: that is not asked of it.
program.kill()
attack.finish()
