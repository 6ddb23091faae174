#!/usr/bin/env python3
"""Nothing goes where only a stranger's datagram says: no ACK without a call,
no response that nobody waits for; and no datagram opens a connection.

SPDX-License-Identifier: MIT
"""
import attack
import sip

HERE = f"{attack.PROXY}:5060"
SERVICE = "127.0.0.55"  # of the machine itself, as a database listens
BODY = "\r\nFLUSHALL\r\n"


def destinations():
    for host, port in ((attack.VICTIM, 5060), (SERVICE, 6379)):
        for transport in ("", ";transport=tcp"):
            yield f"sip:x@{host}:{port}{transport}"


def acks(via):
    for uri in destinations():
        for to_tag in (None, "forged"):
            yield sip.request("ACK", uri, via, to_tag=to_tag, body=BODY)
            yield sip.request("ACK", f"sip:x@{HERE}", via, to_tag=to_tag,
                              headers=[f"Route: <{uri};lr>"], body=BODY)
            yield sip.request("ACK", uri, via, to_tag=to_tag, body=BODY,
                              headers=[f"Route: <sip:{HERE};lr>"])
            yield sip.request("ACK", f"sip:{HERE};lr", via, to_tag=to_tag,
                              headers=[f"Route: <{uri}>"], body=BODY)


def responses(branches):
    """For each of the branches, which nobody waits on, and the next Via to
    each of the destinations."""
    for branch in branches:
        for host, port in ((attack.VICTIM, 5060), (SERVICE, 6379)):
            for transport in ("UDP", "TCP", "TLS"):
                for status in (100, 180, 200, 299, 302, 486, 603):
                    for method in ("INVITE", "MESSAGE"):
                        yield response(branch, transport, host, port, status,
                                       method)


def response(branch, transport, host, port, status, method):
    return "\r\n".join((
        f"SIP/2.0 {status} Forged", f"Via: SIP/2.0/UDP {HERE};branch={branch}",
        f"Via: SIP/2.0/{transport} {host}:{port};branch=z9hG4bKnext;"
        f"received={host};rport={port}",
        "From: <sip:a@example.org>;tag=a", "To: <sip:b@example.org>;tag=b",
        f"Call-ID: {sip.fresh()}", f"CSeq: 1 {method}",
        "Contact: <sip:b@example.org>", f"Content-Length: {len(BODY)}", "",
        BODY)).encode()


def nothing_heard(program, what):
    for ear, patience_s in zip(ears, (0.2, 0.01)):
        heard = sorted({message.start for message in ear.heard(patience_s)})
        attack.check(not heard, f"{program.name}, {what}: "
                                f"{ear.host}:{ear.port} was sent {heard}")
    program.alive(what)


def altered_answers(program, target):
    """A callee that answers with the Vias changed: the caller gets the answer
    or nobody."""
    callee = sip.Udp(attack.SERVER, 5090)
    caller = sip.Udp(attack.CALLER)
    for status in (180, 200, 486):
        caller.send(sip.request("INVITE", target, caller.via,
                                contact=f"<sip:c@{caller.where}>"))
        invite = callee.received(lambda message: message.method == "INVITE", 3)
        if not attack.check(invite, f"{program.name}: no INVITE at the callee"):
            return
        own = invite.all("via")[0]
        for transport in ("UDP", "TCP"):
            for host, port in ((attack.VICTIM, 5060), (SERVICE, 6379)):
                text = sip.response(invite, status, to_tag="x").decode()
                head = text.split("Via: ", 1)[0]
                tail = text[text.index("From: "):]
                callee.send((head + f"Via: {own}\r\nVia: SIP/2.0/{transport} "
                             f"{host}:{port};branch=z9hG4bKn\r\n" +
                             tail).encode())
        callee.send(sip.response(invite, 486, to_tag="x"))
    nothing_heard(program, "a callee that changed the Via")
    caller.close()
    callee.close()


def answers_for_others(program):
    """Requests of a client that is gone when the answer comes, and whose Via
    names somebody else."""
    server.statuses = {"INVITE": 0}
    for ear in ears:
        for reset in (True, False):
            client = sip.Stream(source=attack.ATTACKER)
            data = sip.request("INVITE", server.uri,
                               f"TCP {ear.host}:{ear.port}",
                               contact="<sip:x@example.org>")
            client.send(data)
            invite = server.got("INVITE", sip.Sip(data).get("call-id"), 3)
            if reset:
                client.reset()
            else:
                client.close()
            if invite is not None:
                server.udp.send(sip.response(invite, 486, to_tag="x"),
                                invite.source)
    server.statuses = {}
    nothing_heard(program, "an answer to a client that is gone")


def attack_with(program, end):
    for data in acks(end.via):
        end.send(data)
    nothing_heard(program, f"an ACK without a call over {end.transport}")
    branches = ["z9hG4bKinvented", "z9hG4bK", "z9hG4bK" + "0" * 32, "old"]
    asked = end.ask(sip.request("OPTIONS", server.uri, end.via), 3)
    if asked is not None and server.seen:
        # A branch of the program's own, of a transaction that is over.
        branches.append(server.seen[-1].branch)
    for data in responses(branches):
        end.send(data)
    nothing_heard(program, f"a forged response over {end.transport}")


attack.isolate()
server = sip.Server(ringing=False)
ears = [sip.Ear(), sip.Ear(SERVICE, 6379)]
target = f"{attack.SERVER}:5080"
both = sip.listen("udp", "tcp")
udp, tcp = sip.uri_of("udp"), sip.uri_of("tcp")
for name, arguments in (
        ("srf-proxy", both),
        ("srf-proxy", [*both, "--record-route"]),
        ("srf-proxy", [*both, target]),
        ("srf-lb", [*both, target]),
        ("edge_proxy", [udp, tcp, target]),
        ("access_control", [udp, attack.CALLER, target]),
        ("outbound_proxy", [udp]),
        ("minimal", [udp, target])):
    attack.note(f"{name} {' '.join(arguments)}")
    program = attack.Program(name, *arguments)
    attack_with(program, sip.Udp(attack.ATTACKER))
    if tcp in arguments:
        attack_with(program, sip.Stream(source=attack.ATTACKER))
    if name in ("srf-proxy", "srf-lb"):
        answers_for_others(program)
    if name == "srf-proxy" and target not in arguments:
        altered_answers(program, f"sip:b@{attack.SERVER}:5090")
    end = sip.Udp(attack.CALLER)
    sip.works(end, server.uri, f"through {name}", server)
    # The ends may go on through an outbound proxy that did not ask for it.
    if name == "srf-proxy":
        sip.works(end, server.uri, "through the outbound proxy", server,
                  outbound=True)
    program.end()
attack.finish()
