#!/usr/bin/env python3
"""A connection that is never at the boundary of a message, since its segments
are cut anywhere, is as good as any other while messages are completed; one that
begins a message and takes for ever with it is closed.

SPDX-License-Identifier: MIT
"""
import threading
import time

import attack
import sip

TRUNK_S = 13  # beyond the time for a message, 10 s
EVERY_S = 0.05
PORTS = {"tcp": 5060, "tls": 5061, "ws": 5062, "wss": 5063}


def connect(transport):
    tls = sip.trusting() if transport in ("tls", "wss") else None
    kind = sip.WebSocket if transport in ("ws", "wss") else sip.Stream
    return kind((attack.PROXY, PORTS[transport]), attack.CALLER, tls=tls)


class Cutting:
    """A socket that holds the last bytes back until there are more."""

    def __init__(self, inner, keep):
        self.inner, self.keep, self.held = inner, keep, b""

    def sendall(self, data):
        data = self.held + data
        self.held = data[-self.keep:]
        self.inner.sendall(data[:-self.keep])

    def __getattr__(self, name):
        return getattr(self.inner, name)


def trunk(program, transport):
    end = connect(transport)
    raw = end.socket
    end.socket = Cutting(raw, 40)
    asked = answered = 0
    stop = time.monotonic() + TRUNK_S
    try:
        while time.monotonic() < stop and not end.ended:
            end.send(sip.request("OPTIONS", server.uri, end.via))
            asked += 1
            while end.received(lambda message: message.status == 200,
                               EVERY_S / 10):
                answered += 1
            time.sleep(EVERY_S)
        raw.sendall(end.socket.held)
        end.socket = raw
        answered += len(end.everything())
    except OSError as err:
        attack.note(err)
    attack.check(not end.ended and answered == asked,
                 f"{program.name}: a busy trunk over {transport} was closed "
                 f"after {answered} of {asked}")


def loris(program, transport, begin):
    """Bytes of a message that never ends."""
    end = connect(transport)
    started = time.monotonic()
    try:
        end.send(begin(end))
        raw = end.socket
        if transport in ("ws", "wss"):
            raw.sendall(b"\x81\xfe\x10\x00mask")  # a frame of 4096 bytes
        else:
            raw.sendall(b"OPTIONS sip:x@example.org SIP/2.0\r\nX: ")
        while time.monotonic() - started < 2 * TRUNK_S and not end.ended:
            raw.sendall(b"x")
            end.received(patience_s=0.25)
    except OSError:
        pass
    lasted = time.monotonic() - started
    attack.check(lasted < TRUNK_S + 2, f"{program.name}: who takes {lasted:.0f}"
                 f" s for a message over {transport} is not closed")


def nothing(_):
    return b"\r\n\r\n"


def one(end):
    return sip.request("OPTIONS", server.uri, end.via)


attack.isolate()
tls = attack.make_certificates()
server = sip.Server()
programs = [attack.Program(
    "srf-proxy", *sip.listen("udp", *PORTS), "--tls-cert", tls / "host.pem",
    f"{attack.SERVER}:5080")]
work = []
for program in programs:
    for transport in PORTS:
        work.append(threading.Thread(target=trunk, args=[program, transport]))
        for begin in (nothing, one):
            work.append(threading.Thread(target=loris,
                                         args=[program, transport, begin]))
for thread in work:
    thread.start()
for thread in work:
    thread.join()
for program in programs:
    program.alive("that")
    sip.works(sip.Stream(source=attack.CALLER), server.uri, "over TCP then")
attack.finish()
