#!/usr/bin/env python3
"""A parameter's name with an escape in it is the same parameter (RFC 3261
section 19.1.4): no request with one takes a program down, and the URI with it
stays ours.

SPDX-License-Identifier: MIT
"""
import attack
import sip

ME = attack.PROXY
PORT = sip.PORT
METHODS = ("OPTIONS", "ACK", "INVITE", "REGISTER", "MESSAGE", "BYE", "CANCEL")
PARAMETERS = (f"m%61ddr={ME}", f"%4d%61ddr={ME}", f"MADD%52={ME};m%61ddr={ME}",
              "tr%61nsport=tcp", "tr%61nsport=udp", f"l%72;m%61ddr={ME}",
              f"maddr={ME};m%61ddr={ME}", "m%61ddr", "tt%6c=1")
HOSTS = (f"{ME}:{PORT}", "nobody.invalid", "127.0.0.1:5060")


def attacks(end):
    for method in METHODS:
        for host in HOSTS:
            for parameter in PARAMETERS:
                uri = f"sip:x@{host};{parameter}"
                yield uri, sip.request(method, uri, end.via)
        for parameter in PARAMETERS[:4]:
            yield f"Route with {parameter}", sip.request(
                method, f"sip:x@{ME}:{PORT}", end.via,
                headers=[f"Route: <sip:{ME}:{PORT};{parameter};lr>",
                         f"Route: <sip:{ME}:{PORT};lr;{parameter}>"])


def attack_with(program, make_end):
    """Sends them all, and looks now and then if the program is there."""
    end = make_end()
    sent = []
    for what, data in [*attacks(end), ("", b"")]:
        try:
            end.send(data)
        except OSError:
            pass  # the connection went with the program, or for what was sent
        sent.append(f"{data[:data.find(b' ')].decode()} {what}")
        if len(sent) < 8 and data != b"":
            continue
        end.everything(0.01 if data else 0.2)
        if not program.alive(f"one of these over {end.transport}:\n    " +
                             "\n    ".join(sent)):
            return
        if end.ended:
            end = make_end()
        sent = []


attack.isolate()
server = sip.Server()
target = f"{attack.SERVER}:5080"
both = sip.listen("udp", "tcp")
everywhere = sip.listen("udp", "tcp", host="*")
udp, tcp = sip.uri_of("udp"), sip.uri_of("tcp")
for name, arguments, stream in (
        ("srf-proxy", [*both, target], True),
        ("srf-proxy", [*everywhere, target], True),
        ("srf-lb", [*both, target], True),
        ("edge_proxy", [udp, tcp, target], True),
        ("access_control", [udp, attack.CALLER, target], False),
        ("minimal", [udp, target], False),
        ("outbound_proxy", [udp], False)):
    attack.note(f"{name} {' '.join(arguments)}")
    program = attack.Program(name, *arguments)
    # The attacks come from an address that is allowed.
    attack_with(program, lambda: sip.Udp(attack.CALLER))
    if stream:
        attack_with(program, lambda: sip.Stream(source=attack.CALLER))
    end = sip.Udp(attack.CALLER)
    sip.works(end, server.uri, f"over UDP through {name} after that")
    end.close()
    program.end()
attack.finish()
