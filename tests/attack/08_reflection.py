#!/usr/bin/env python3
"""Nobody makes the proxy shoot at a third party: what a Via says of where to
answer is not believed beyond the source (maddr, received, rport), and what is
refused is refused with one datagram, whoever was named as its source.

SPDX-License-Identifier: MIT
"""
import attack
import sip

T1 = "100ms"
# Enough for three retransmissions with this T1, and one with 500 ms.
WATCH_S = 1.2
CLOSED = f"sip:x@{attack.SERVER}:9"
LYING = {
    "maddr": f"UDP {attack.ATTACKER}:5060;maddr={attack.VICTIM}",
    "maddr with an escape": f"UDP {attack.ATTACKER}:5060;m%61ddr="
                            f"{attack.VICTIM}",
    "received": f"UDP {attack.ATTACKER}:5060;received={attack.VICTIM}",
    "received, rport": f"UDP {attack.ATTACKER}:5060;received={attack.VICTIM};"
                       "rport=5060",
    "sent-by": f"UDP {attack.VICTIM}:5060",
    "sent-by, maddr": f"UDP {attack.VICTIM}:5060;maddr={attack.VICTIM}",
    "TCP": f"TCP {attack.VICTIM}:5060",
    "maddr twice": f"UDP {attack.ATTACKER}:5060;maddr={attack.ATTACKER};"
                   f"maddr={attack.VICTIM}",
}


def refused(via):
    """Requests that are refused whatever the program does."""
    uri = f"sip:{attack.SERVER}:5080"
    invite = "INVITE"
    yield "483", sip.request(invite, uri, via, max_forwards=0)
    yield "400, Max-Forwards", sip.request(invite, uri, via, max_forwards="x")
    yield "416", sip.request(invite, "http://example.org/", via,
                             to="sip:a@example.org")
    yield "420", sip.request(invite, uri, via, headers=["Proxy-Require: x"])
    yield "400, CSeq", sip.request(invite, uri, via).replace(
        b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS")
    yield "400, To", sip.request(invite, uri, via).replace(b"\r\nTo: ",
                                                           b"\r\nXo: ")
    yield "505", sip.request(invite, uri, via).replace(b" SIP/2.0\r\nVia",
                                                       b" SIP/7.0\r\nVia")
    yield "400, URI", sip.request(invite, "sip:@", via,
                                  to="sip:a@example.org")
    yield "400, length", sip.request(invite, uri, via,
                                     length="Content-Length: 5")


def one_answer_each(program, to):
    """The source is the victim's own, as a datagram may have it; it ACKs
    nothing."""
    branches = {}
    for what, data in refused(f"UDP {attack.VICTIM}:5060"):
        branches[sip.Sip(data).branch] = what, len(data)
        victim.udp.send(data, to)
    seen = {}
    for message in victim.heard(WATCH_S):
        if message.branch in branches:
            seen.setdefault(message.branch, []).append(message)
    for branch, messages in seen.items():
        what, asked = branches[branch]
        attack.check(len(messages) == 1,
                     f"{program.name}: {what}: {len(messages)} answers")
        attack.check(len(messages[0].data) < 2 * asked,
                     f"{program.name}: {what}: {len(messages[0].data)} bytes "
                     f"for {asked}")
    attack.check(len(seen) >= 4, f"{program.name}: only {len(seen)} of what is "
                                 "refused was answered")
    program.alive("what is refused")


def lying_vias(program, uri):
    end = sip.Udp(attack.ATTACKER, 5066)
    sent = 0
    for via in LYING.values():
        for data in [sip.request(method, uri, via)
                     for method in ("INVITE", "OPTIONS", "REGISTER")] + [
                         data for _, data in refused(via)]:
            end.send(data)
            sent += len(data)
    heard = victim.heard(WATCH_S)
    attack.check(not heard, f"{program.name}: {len(heard)} messages, "
                 f"{sum(len(message.data) for message in heard)} bytes, for "
                 f"{sent}: {sorted({message.start for message in heard})}")
    end.close()
    program.alive("Vias that lie")


attack.isolate()
server = sip.Server()
victim = sip.Ear()
udp = sip.uri_of("udp")
target = f"{attack.SERVER}:5080"
for name, arguments, uri in (
        ("srf-proxy", [*sip.listen("udp"), "--t1", T1], CLOSED),
        ("srf-proxy", [*sip.listen("udp"), "--t1", T1, "--force-rport",
                       target], server.uri),
        ("srf-lb", [*sip.listen("udp"), f"{attack.SERVER}:9"], CLOSED),
        ("edge_proxy", [udp, sip.uri_of("ws"), f"{attack.SERVER}:9"],
         CLOSED)):
    attack.note(f"{name} {' '.join(arguments)}")
    program = attack.Program(name, *arguments)
    one_answer_each(program, (attack.PROXY, 5060))
    lying_vias(program, uri)
    if name == "srf-proxy":
        sip.works(sip.Udp(attack.CALLER), server.uri, f"through {name}")
    # Behind address translation: the answer goes to the source, as RFC 3581
    # has it, and a maddr that is the source is nothing to object to.
    client = sip.Udp(attack.CALLER)
    for via in (f"UDP 10.0.0.7:5060;rport", f"{client.via};maddr="
                f"{attack.CALLER}"):
        asked = sip.request("OPTIONS", uri, via, max_forwards=0)
        answer = client.ask(asked, 3)
        attack.check(answer is not None and answer.status == 483,
                     f"{name}: no answer for {via}")
    program.end()
attack.finish()
