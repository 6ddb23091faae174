#!/usr/bin/env python3
"""A datagram or a WebSocket message needs no Content-Length, what goes on over
a stream does (RFC 3261 section 18.3): the bytes behind one message never become
the next message of somebody else, whatever way the length is written.

SPDX-License-Identifier: MIT
"""
import attack
import sip

HERE = attack.PROXY
SECOND = "198.51.100.2"
SMUGGLED = ("OPTIONS sip:smuggled@example.org SIP/2.0\r\n"
            "Via: SIP/2.0/TCP 203.0.113.9:5060;branch=z9hG4bKsmuggled\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:s@example.org>;tag=s\r\n"
            "To: <sip:s@example.org>\r\nCall-ID: smuggled\r\n"
            "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
METHODS = ("OPTIONS", "MESSAGE", "INVITE", "REGISTER", "INFO", "ACK", "BYE")


def spellings(size):
    """Content-Length as it may be written, or not, and as it may not."""
    yield False
    for line in (f"l: {size}", f"L:{size}", f"Content-Length : {size}",
                 f"CONTENT-LENGTH:\t{size}", f"Content-Length:\r\n {size}",
                 f"Content-Length:\r\n\t{size}", f"Content-Length: 000{size}",
                 f"Content-Length: {size} ", f"l\t:\r\n  {size}",
                 f"Content-Length: +{size}", f"Content-Length: 0x{size:x}",
                 f"Content-Length: {size}, {size}", "Content-Length: 0",
                 f"Content-Length: {size}\r\nContent-Length: {size}",
                 f"Content-Length: {size}\r\nl: 0", "Content-Length: -1",
                 f"l: 0\r\nContent-Length: {size}", "Content-Length:",
                 "Content-Length: 18446744073709551616",
                 "Content-Length: 4294967296", f"Content-Length: {size};x=1",
                 f"Content-Length: {size}\r\n\t0"):
        yield line


def streams_are_clean(what):
    for err in server.bad:
        attack.problem(f"{what}: {str(err)[:300]}")
    server.bad.clear()
    attack.check(not any("smuggled" in message.uri or
                         message.get("call-id") == "smuggled"
                         for message in server.seen),
                 f"{what}: a smuggled message came out")
    server.seen.clear()


def smuggle(make_end, program, what):
    """Requests with a message as their body, or behind it."""
    end = make_end()
    for method in METHODS:
        for length in spellings(len(SMUGGLED)):
            end.send(sip.request(method, "sip:bob@example.org", end.via,
                                 contact=f"<sip:me@{end.where}>", body=SMUGGLED,
                                 length=length))
    end.everything()
    end.close()
    streams_are_clean(f"{program.name}, {what}")
    program.alive(what)


def answers_without(program):
    """A callee's answers over UDP to a caller over TCP."""
    udp_server.length = False
    caller = sip.Stream(to=(HERE, 5064), source=attack.CALLER)
    udp_server.rewrite = lambda data, message: data + SMUGGLED.encode()
    for method in ("OPTIONS", "MESSAGE", "INVITE"):
        try:
            caller.ask(sip.request(method, "sip:bob@example.org", caller.via,
                                   contact=f"<sip:me@{caller.where}>"), 3)
            got = caller.everything(0.1)
            attack.check(not [message for message in got
                              if message.get("call-id") == "smuggled"],
                         f"{program.name}: an answer smuggled a message")
        except sip.BadFraming as err:
            attack.problem(f"{program.name}, the answer to {method}: "
                           f"{str(err)[:300]}")
            caller = sip.Stream(to=(HERE, 5064), source=attack.CALLER)
    udp_server.rewrite = lambda data, message: data
    sip.works(sip.Stream(to=(HERE, 5064), source=attack.CALLER),
              "sip:bob@example.org", "with answers without Content-Length",
              udp_server)
    udp_server.length = True


def calls_side_by_side(make_end, what):
    """One whose ACK and BYE have no length, as some telephones send them, and
    another on the same connection."""
    other = sip.Call(sip.Udp(attack.CALLER), "sip:bob@example.org")
    attack.check(other.invite(), f"{what}: no call: {other.why}")
    connections = len(server.connections)
    for _ in range(3):
        sip.works(make_end(), "sip:bob@example.org",
                  f"without Content-Length {what}", server, length=False)
    attack.check(len(server.connections) == connections,
                 f"{what}: the connection of all calls was closed")
    attack.check(other.bye(), f"{what}: the other call is gone: {other.why}")
    streams_are_clean(what)


attack.isolate()
server = sip.Server(port=5080)
udp_server = sip.Server(port=5081)
over_tcp = f"sip:{attack.SERVER}:5080;transport=tcp"

for name in ("srf-proxy", "srf-lb"):
    one = attack.Program(
        name, *sip.listen("udp", "tcp", "ws"),
        *(["--record-route"] if name == "srf-proxy" else []), over_tcp)

    def over_udp():
        return sip.Udp(attack.ATTACKER)

    def over_ws():
        return sip.WebSocket(to=(HERE, 5062), source=attack.ATTACKER)

    calls_side_by_side(over_udp, f"through {name} over UDP")
    calls_side_by_side(over_ws, f"through {name} over WebSocket")
    smuggle(over_udp, one, "datagrams")
    smuggle(over_ws, one, "messages over WebSocket")
    calls_side_by_side(over_udp, f"through {name} after that")
    # Back from UDP.
    back = attack.Program(
        name, *sip.listen("udp", "tcp", port=5064),
        *(["--record-route"] if name == "srf-proxy" else []),
        f"{attack.SERVER}:5081")
    answers_without(back)
    for program in (one, back):
        program.end()

# Two in a row, UDP at both ends and TCP between them.
second = attack.Program("srf-proxy", *sip.listen("tcp", "udp", host=SECOND),
                        "--record-route", f"{attack.SERVER}:5081")
first = attack.Program("srf-proxy", *sip.listen("udp", "tcp"), "--record-route",
                       f"sip:{SECOND}:5060;transport=tcp")
for length in (True, False):
    udp_server.length = length
    sip.works(sip.Udp(attack.CALLER), "sip:bob@example.org",
              f"through two in a row, server's length {length}", udp_server,
              length=False)
attack.finish()
