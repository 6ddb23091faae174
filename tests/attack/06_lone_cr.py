#!/usr/bin/env python3
"""A CR that no LF follows begins no header field of its own behind anybody's
back: no message with one in its head goes on. In a body it is content.

SPDX-License-Identifier: MIT
"""
import attack
import sip

SMUGGLED = "P-Asserted-Identity: <sip:boss@example.org>"
HEADERS = {
    "CR": f"Subject: hi\r{SMUGGLED}",
    "CR CR LF": f"Subject: hi\r\r\n{SMUGGLED}",
    "CR CR LF at the end": f"{SMUGGLED}\r",
    "CR behind a name": f"Subject\r: hi\r\n{SMUGGLED}",
    "CR before a name": f"\rSubject: hi",
    "CR in a folded line": f"Subject: hi\r\n there\r{SMUGGLED}",
    "CR CR": f"Subject: hi\r\r{SMUGGLED}",
    "CR in quotes": f"Subject: \"hi\r{SMUGGLED}\"",
    "CR LF CR": f"Subject: hi\r\n\r{SMUGGLED}",
    "CR NUL LF": f"Subject: hi\r\0\n{SMUGGLED}",
    "CR in Contact": f"Contact: <sip:a@b>\r{SMUGGLED}",
    "CR in Route": f"Route: <sip:{attack.PROXY};lr>\r{SMUGGLED}",
    "CR in Via": f"Via: SIP/2.0/UDP a.example.org;branch=z9hG4bK1\r{SMUGGLED}",
}


def requests(end):
    for what, header in HEADERS.items():
        for method in ("OPTIONS", "ACK") if "Via" in what else ("INVITE",):
            yield f"{what}, {method}", sip.request(
                method, server.uri, end.via, headers=[header],
                contact=f"<sip:me@{end.where}>")
    good = sip.request("OPTIONS", server.uri, end.via)
    for what, old, new in (
            ("CR in the request line", b" SIP/2.0\r\n", b" SIP/2.0\rX: y\r\n"),
            ("CR CR LF behind it", b" SIP/2.0\r\n", b" SIP/2.0\r\r\n"),
            ("CR in the URI", b"OPTIONS sip:", b"OPTIONS sip:\r"),
            ("CR CR LF at the end", b"\r\n\r\n", b"\r\n\r\r\n\r\n"),
            ("CR CR", b"\r\n\r\n", b"\r\r\r\n\r\n")):
        yield what, good.replace(old, new, 1)


def attack_with(program, make_end):
    end = make_end()
    for what, data in requests(end):
        server.seen.clear()
        try:
            end.send(data)
            answers = end.everything(0.03)
        except (OSError, sip.BadFraming):
            answers = []
        if end.transport != "UDP":
            end.close()
            end = make_end()
        attack.check(not server.seen, f"{program.name} over {end.transport}: "
                                      f"{what} was forwarded")
        statuses = {answer.status for answer in answers}
        attack.check(not [status for status in statuses
                          if not 400 <= status < 500],
                     f"{program.name} over {end.transport}: {what} was "
                     f"answered with {statuses}")
        program.alive(what)
    if end.transport == "UDP":
        answer = end.ask(sip.request("OPTIONS", server.uri, end.via,
                                     headers=[HEADERS["CR"]]), 3)
        attack.check(answer is not None and answer.status == 400,
                     f"{program.name}: a lone CR gets {answer}")


def answer_with(program, header):
    """A server's answer with a CR in it does not come to the caller."""
    server.headers = [header]
    caller = sip.Udp(attack.CALLER)
    caller.send(sip.request("OPTIONS", server.uri, caller.via))
    for message in caller.everything(0.1):
        attack.check(b"P-Asserted" not in message.data,
                     f"{program.name}: an answer with a CR came: "
                     f"{message.data}")
    server.headers = ()
    caller.close()


attack.isolate()
server = sip.Server()
target = f"{attack.SERVER}:5080"
three = sip.listen("udp", "tcp", "ws")
udp, tcp = sip.uri_of("udp"), sip.uri_of("tcp")
for name, arguments in (
        ("srf-proxy", [*three, target]), ("srf-lb", [*three, target]),
        ("edge_proxy", [udp, sip.uri_of("ws", port=5062), target]),
        ("access_control", [udp, attack.ATTACKER, target])):
    attack.note(name)
    program = attack.Program(name, *arguments)
    attack_with(program, lambda: sip.Udp(attack.ATTACKER))
    if tcp in arguments:
        attack_with(program, lambda: sip.Stream(source=attack.ATTACKER))
    if name != "access_control":
        attack_with(program, lambda: sip.WebSocket(
            (attack.PROXY, 5062), attack.ATTACKER))
    if name == "srf-proxy":
        for what in ("CR", "CR CR LF", "CR CR"):
            answer_with(program, HEADERS[what])
    # In a body it is content.
    end = sip.Udp(attack.ATTACKER)
    if name in ("srf-proxy", "access_control"):
        answer = end.ask(sip.request(
            "MESSAGE", server.uri, end.via, body="a\rb\r\r\nc",
            headers=["Content-Type: text/plain"]), 3)
        attack.check(answer is not None and answer.status == 200 and
                     server.seen[-1].body == b"a\rb\r\r\nc",
                     f"{name}: a body with CR: {answer}")
    sip.works(end, server.uri, f"through {name} after that")
    program.end()
attack.finish()
