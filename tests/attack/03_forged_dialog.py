#!/usr/bin/env python3
"""A To tag and a Route of ours are no dialog: whoever writes them gets past no
middleware and no handler, not with the Record-Route of another call and not
with the flow token of another client.

SPDX-License-Identifier: MIT
"""
import re

import attack
import sip

METHODS = ("INVITE", "MESSAGE", "REGISTER", "REFER", "SUBSCRIBE", "NOTIFY",
           "INFO", "UPDATE", "BYE", "OPTIONS", "PUBLISH", "PRACK", "ACK")
HERE = f"{attack.PROXY}:5060"
INSIDE = f"sip:gateway@{attack.VICTIM}:5060"


def forms(routes, method, end, **same):
    """The attack as it is written today, and as a strict router (RFC 2543)
    would have it, with each Route."""
    def make(uri, route):
        return sip.request(method, uri, end.via, to_tag="forged",
                           contact=f"<sip:me@{end.where}>",
                           headers=[f"Route: {value}" for value in route],
                           **same)

    for route in routes:
        uri = re.search(r"<([^>]*)>", route)[1]
        yield make(INSIDE, [route])
        yield make(uri, [f"<{INSIDE}>"])
        yield make(uri, [f"<{INSIDE};lr>"])
        yield make(INSIDE, [route, route])
        yield make(INSIDE, [route, f"<{INSIDE};lr>"])


def stranger(program, end, routes, what, **same):
    """Sends all of them; nothing may come to the gateway inside."""
    for method in METHODS:
        for data in forms(routes, method, end, **same):
            end.send(data)
    answers = end.everything(0.15)
    heard = sorted({message.start for message in gateway.heard()})
    attack.check(not heard, f"{program.name}, {what}: the gateway was reached "
                            f"by {heard}")
    program.alive(what)
    return answers


def plain(*more):
    return [f"<sip:{HERE};lr>", f"<sip:{HERE};transport=udp;lr>",
            f"<sip:{attack.PROXY};lr>", *more]


def try_access_control():
    program = attack.Program("access_control", sip.uri_of("udp"),
                             attack.CALLER, f"{attack.SERVER}:5080")
    before = len(server.seen)
    end = sip.Udp(attack.ATTACKER)
    answers = stranger(program, end, plain(), "To tag and Route")
    attack.check(len(server.seen) == before,
                 "access_control: a stranger reached the target: "
                 f"{server.seen[before:][:3]}")
    attack.check(not [answer for answer in answers if answer.status < 300 and
                      answer.status != 100],
                 "access_control: a stranger was served")
    sip.works(sip.Udp(attack.CALLER), server.uri, "through access_control",
              server)
    program.end()


def record_route_of_a_call(end):
    """A call of the attacker's own, to learn what a mark looks like. Gives the
    call, and the Record-Route as Route."""
    call = sip.Call(end, f"sip:bob@{HERE}")
    attack.check(call.invite(), f"no call: {call.why}")
    return call, call.routes


def try_with_record_route(program, make_end, back):
    """The mark of one call serves no other call."""
    end = make_end()
    call, routes = record_route_of_a_call(end)
    attack.check(routes, f"{program.name}: no Record-Route")
    stranger(program, end, routes, "with the Record-Route of another call")
    stranger(program, end, routes, "with another caller's tag",
             call_id=call.call_id)
    stranger(program, end, routes, "with another Call-ID",
             from_tag=call.from_tag)
    # The mark in what else a Route can be.
    for pattern, put in ((r";lr", ";lr;lr"), (r"sip:", "sip:x@")):
        stranger(program, end,
                 [re.sub(pattern, put, route, 1) for route in routes],
                 f"with {put} in the Record-Route of another call")
    # The call itself goes on, in both directions.
    attack.check(call.invite(), f"{program.name}: no re-INVITE: {call.why}")
    attack.check(server.got("ACK", call.call_id) is not None,
                 f"{program.name}: the ACK of a call was lost")
    callee_asks(program, call, end, back)
    attack.check(call.bye(), f"{program.name}: no BYE: {call.why}")


def callee_asks(program, call, end, back):
    """A request of the callee's in the dialog."""
    invite = server.got("INVITE", call.call_id)
    asking = sip.Udp(attack.SERVER, to=back)
    contact = re.search(r"<([^>]*)>", invite.get("contact"))[1]
    asking.send(sip.request(
        "INFO", contact, asking.via, from_tag="uas", to_tag=call.from_tag,
        sender=f"sip:bob@{HERE}", call_id=call.call_id, cseq=77,
        headers=[f"Route: {value}"
                 for value in invite.listed("record-route")]))
    attack.check(end.received(lambda message: message.method == "INFO", 3),
                 f"{program.name}: the callee's request was lost")


def try_srf_lb():
    program = attack.Program("srf-lb", *sip.listen("udp", "tcp"),
                             f"{attack.SERVER}:5080")
    for make_end in (lambda: sip.Udp(attack.ATTACKER),
                     lambda: sip.Stream(source=attack.ATTACKER)):
        stranger(program, make_end(), plain(), "To tag and Route")
        try_with_record_route(program, make_end, (attack.PROXY, 5060))
    program.end()


def try_srf_proxy():
    """With targets nothing goes elsewhere either."""
    program = attack.Program("srf-proxy", *sip.listen("udp"), "--record-route",
                             f"{attack.SERVER}:5080")
    stranger(program, sip.Udp(attack.ATTACKER), plain(), "To tag and Route")
    try_with_record_route(program, lambda: sip.Udp(attack.ATTACKER),
                          (attack.PROXY, 5060))
    program.end()


def register(end, user):
    """Over the edge; gives the Path that the registrar got."""
    answer = end.ask(sip.request(
        "REGISTER", f"sip:{HERE}", end.via, sender=f"sip:{user}@example.org",
        to=f"sip:{user}@example.org", headers=["Supported: path"],
        contact=f"<sip:{user}@{end.where};transport=ws>"))
    attack.check(answer is not None and answer.status == 200,
                 f"edge_proxy: no registration: {answer}")
    call_id = answer.get("call-id") if answer else None
    seen = server.got("REGISTER", call_id, 3)
    return seen.listed("path") if seen else []


def try_edge_proxy():
    inside = "127.0.0.1"
    program = attack.Program(
        "edge_proxy", sip.uri_of("udp", inside, 5070), sip.uri_of("ws"),
        f"{attack.SERVER}:5080")
    alice = sip.WebSocket(source=attack.CALLER)
    mallory = sip.WebSocket(source=attack.ATTACKER)
    path = register(alice, "alice")
    attack.check(path and "@" in path[0], f"edge_proxy: Path is {path}")
    own = register(mallory, "mallory")
    routes = plain(f"<sip:{inside}:5070;lr>", *own, *path)
    stranger(program, mallory, routes, "To tag and Route")
    # A token of alice's, which whoever calls her sees, from outside.
    alice.everything()
    for method in METHODS:
        for route in path:
            for to_tag in (None, "forged"):
                mallory.send(sip.request(
                    method, "sip:alice@invalid.invalid", mallory.via,
                    to_tag=to_tag, headers=[f"Route: {route}"]))
                mallory.send(sip.request(
                    method, re.search(r"<([^>]*)>", route)[1], mallory.via,
                    to_tag=to_tag))
    heard = sorted({message.start for message in alice.everything()})
    attack.check(not heard, "edge_proxy: the token of another client leads to "
                            f"it: {heard}")
    call, back = record_route_of_a_call(mallory)
    stranger(program, mallory, back, "with the Record-Route of another call")
    attack.check(call.invite(), f"edge_proxy: no re-INVITE: {call.why}")
    attack.check(call.bye(), f"edge_proxy: no BYE: {call.why}")
    # What the token is good for: the registrar's requests.
    registrar = sip.Udp(attack.SERVER, to=(inside, 5070))
    registrar.send(sip.request(
        "INVITE", f"sip:alice@{alice.where};transport=ws", registrar.via,
        headers=[f"Route: {value}" for value in path],
        contact=f"<sip:bob@{registrar.where}>"))
    invite = alice.received(lambda message: message.method == "INVITE", 3)
    if attack.check(invite, "edge_proxy: the Path leads to nobody"):
        alice.send(sip.response(invite, 200, to_tag="alice",
                                contact="<sip:alice@invalid.invalid>"))
        attack.check(registrar.received(
            lambda message: message.status == 200, 3),
            "edge_proxy: alice's answer was lost")
    program.end()


attack.isolate()
server = sip.Server()
gateway = sip.Ear()
try_access_control()
try_srf_lb()
try_srf_proxy()
try_edge_proxy()
attack.finish()
