#!/usr/bin/env python3
"""Clients that ask, and are gone before the answer: over TCP, TLS and
WebSocket, with FIN and with RST, 200 times each. SIGPIPE has its default
disposition when the programs start.

SPDX-License-Identifier: MIT
"""
import attack
import sip

TIMES = 200
PORTS = {"TCP": 5060, "TLS": 5061, "WS": 5062}


def connect(transport):
    to = attack.PROXY, PORTS[transport]
    if transport == "WS":
        return sip.WebSocket(to, attack.ATTACKER)
    return sip.Stream(to, attack.ATTACKER,
                      sip.trusting() if transport == "TLS" else None)


def ask_and_go(transport, with_reset):
    """What is asked makes answers at once and later, which find nobody."""
    end = connect(transport)
    asked = [sip.request(method, server.uri, end.via)
             for method in ("OPTIONS", "INVITE", "OPTIONS", "MESSAGE")]
    if transport == "WS":
        for data in asked:
            end.send(data)
    else:
        end.send(b"".join(asked))
    if with_reset:
        end.reset()
    else:
        end.close()


def attack_with(program, transport):
    for i in range(TIMES):
        try:
            ask_and_go(transport, with_reset=i % 2)
        except OSError:
            attack.until(program.gone, 1)  # it went in between
        if program.gone():
            program.alive(f"{i + 1} clients that were gone over {transport}")
            return


def answers(program, transport):
    answer = None
    try:
        end = connect(transport)
        answer = end.ask(sip.request("INVITE", server.uri, end.via))
        end.close()
    except OSError as err:
        attack.note(err)
    attack.check(answer is not None,
                 f"{program.name} over {transport}: no answer after that")


attack.isolate()
tls = attack.make_certificates()
server = sip.Server(statuses={"INVITE": 486})
target = f"{attack.SERVER}:5080"
everything = sip.listen("udp", "tcp", "tls", "ws")
with_key = ["--tls-cert", tls / "host.crt", "--tls-key", tls / "host.key"]
udp, tcp = sip.uri_of("udp"), sip.uri_of("tcp")
for name, arguments, transports in (
        ("srf-lb", [*everything, *with_key, target], PORTS),
        ("srf-proxy", [*everything, *with_key, target], PORTS),
        ("edge_proxy", [udp, tcp, target], ["TCP"]),
        ("edge_proxy", [udp, sip.uri_of("tls", port=5061), target,
                        tls / "host.pem"], ["TLS"]),
        ("edge_proxy", [udp, sip.uri_of("ws", port=5062), target], ["WS"]),
        ("access_control", [tcp, attack.ATTACKER, target], ["TCP"]),
        ("outbound_proxy", [tcp], ["TCP"]),
        ("minimal", [tcp, target], ["TCP"])):
    program = attack.Program(name, *arguments)
    for transport in transports:
        attack.note(f"{name} over {transport}")
        attack_with(program, transport)
        answers(program, transport)
    program.end()
attack.finish()
