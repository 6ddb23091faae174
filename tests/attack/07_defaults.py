#!/usr/bin/env python3
"""What a program does that was told nothing: it serves nobody from outside, a
browser from elsewhere gets no WebSocket, and weak TLS is refused.

SPDX-License-Identifier: MIT
"""
import socket
import ssl
import warnings

import attack
import sip

TARGET = f"{attack.SERVER}:5080"
ALLOWED = "198.51.100.16/28"  # the caller is in it, the attacker is not


def start(name, *arguments, **more):
    """The program, or None when it does not want to."""
    try:
        return attack.Program(name, *arguments, **more)
    except RuntimeError as err:
        attack.note(str(err)[:300])
        return None


def served(source, to, uri):
    """Whether a request for elsewhere, from outside, gets there."""
    server.seen.clear()
    asking = sip.Udp(source, to=to)
    for method in ("OPTIONS", "MESSAGE", "INVITE", "REGISTER"):
        asking.send(sip.request(method, uri, asking.via,
                                contact=f"<sip:a@{asking.where}>"))
    answers = asking.everything()
    asking.close()
    return bool(server.seen) or bool(
        [answer for answer in answers if 200 <= answer.status < 300])


def try_open():
    """Without a target it is an outbound proxy: for whom?"""
    for arguments in ([], sip.listen("udp", host="*"), sip.listen("udp"),
                      sip.listen("udp", host="[::]") + sip.listen("udp")):
        # It may refuse to start.
        program = start("srf-proxy", *arguments, who_may=False)
        if program is None:
            continue
        attack.until(lambda: attack.bound("udp", "", 5060))
        attack.check(
            not served(attack.ATTACKER, (attack.PROXY, 5060), server.uri),
            f"srf-proxy {arguments} is an outbound proxy for anybody")
        program.end()
    program = start("srf-proxy", "--open", *sip.listen("udp"),
                    who_may=False)
    if attack.check(program, "srf-proxy does not start with --open"):
        attack.check(served(attack.ATTACKER, (attack.PROXY, 5060), server.uri),
                     "--open is not open")
        sip.works(sip.Udp(attack.CALLER), server.uri, "with --open", server)
        program.end()


def try_allow():
    for name, arguments in (
            ("srf-proxy", [*sip.listen("udp", "tcp"), TARGET]),
            ("srf-proxy", sip.listen("udp", "tcp")),
            ("srf-lb", [*sip.listen("udp", "tcp"), TARGET]),
            ("edge_proxy", [sip.uri_of("udp", "127.0.0.1", 5070),
                            sip.uri_of("udp"),
                            TARGET])):
        program = start(name, "--allow", ALLOWED, *arguments)
        if not attack.check(program, f"{name} knows no --allow"):
            continue
        attack.check(not served(attack.ATTACKER, (attack.PROXY, 5060),
                                server.uri),
                     f"{name} serves who is not allowed")
        if name in ("srf-proxy", "srf-lb"):
            stranger = None
            try:
                stranger = sip.Stream(source=attack.ATTACKER)
                answer = stranger.ask(sip.request("OPTIONS", server.uri,
                                                  stranger.via), 2)
            except OSError:
                answer = None
            attack.check(answer is None or answer.status >= 400,
                         f"{name} serves over TCP who is not allowed")
        sip.works(sip.Udp(attack.CALLER), server.uri, f"of one allowed, {name}",
                  server)
        program.end()
    for wrong in ("198.51.100.0/33", "300.1.1.1/8", "nonsense", "", "/8",
                  "::/129", "198.51.100.0/-1", "198.51.100.0/24x"):
        program = start("srf-proxy", "--allow", wrong, *sip.listen("udp"))
        if not attack.check(program is None, f"--allow {wrong!r} is accepted"):
            program.end()


def handshake(origin, port=5062, host=None, tls=None):
    client = sip.WebSocket((attack.PROXY, port), attack.CALLER, origin=origin,
                           host=host, tls=tls)
    client.close()
    return client.status


def try_origin():
    with_key = ["--tls-cert", tls / "host.pem"]
    same = f"http://{attack.PROXY}:5062"
    evil = ("https://evil.example", "null", "http://198.51.100.11:5062",
            f"http://{attack.PROXY}.evil.example", f"http://{attack.PROXY}1",
            f"http://evil.example/{attack.PROXY}", "file://",
            f"http://{attack.PROXY}@evil.example")
    programs = [
        ("srf-proxy", [*sip.listen("udp", "ws", "wss"), *with_key, TARGET]),
        ("srf-lb", [*sip.listen("udp", "ws", "wss"), *with_key, TARGET]),
        ("edge_proxy", [sip.uri_of("udp"), sip.uri_of("ws", port=5062),
                        TARGET])]
    for name, arguments in programs:
        program = start(name, *arguments)
        for origin in evil:
            status = handshake(origin)
            attack.check(400 <= status < 500, f"{name}: a browser from "
                         f"{origin!r} gets {status}")
        attack.check(handshake(None) == 101,
                     f"{name}: without Origin there is no WebSocket")
        attack.check(handshake(same) == 101,
                     f"{name}: from the same host there is no WebSocket")
        if name != "edge_proxy":
            attack.check(handshake(f"https://{attack.PROXY}:5063", 5063,
                                   tls=sip.trusting()) == 101,
                         f"{name}: from the same host there is no wss")
            status = handshake("https://evil.example", 5063,
                               tls=sip.trusting())
            attack.check(400 <= status < 500, f"{name}: over wss a browser "
                         f"from elsewhere gets {status}")
        sip.works(sip.WebSocket((attack.PROXY, 5062), attack.CALLER,
                                origin=same), "sip:bob@example.org",
                  f"of a browser through {name}")
        program.end()
    program = start("srf-proxy", *sip.listen("ws"), "--ws-origin", "*", TARGET)
    attack.check(handshake("https://evil.example") == 101,
                 "--ws-origin '*' is not any")
    program.end()
    program = start("srf-proxy", *sip.listen("ws"), "--ws-origin",
                    "https://good.example", TARGET)
    attack.check(handshake("https://good.example") == 101,
                 "--ws-origin is not let in")
    attack.check(handshake("https://good.example.evil.example") != 101,
                 "--ws-origin is compared by its beginning")
    program.end()


def tls_handshake(context):
    """The cipher, or None when the other end does not want it."""
    try:
        with socket.create_connection((attack.PROXY, 5061)) as plain:
            with context.wrap_socket(plain) as wrapped:
                return wrapped.cipher()[0]
    except OSError as err:
        attack.note(f"no handshake: {err}")
        return None


def tls12(ciphers, security=2):
    context = sip.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL={security}")
    return context


def try_tls():
    tls_listener = sip.listen("udp", "tls")
    with_key = ["--tls-cert", tls / "host.crt", "--tls-key", tls / "host.key"]
    for name in ("srf-proxy", "srf-lb"):
        program = start(name, *tls_listener, *with_key, "--tls-verify",
                        "client", TARGET)
        if not attack.check(program is None, f"{name} verifies clients "
                            "against nobody in particular"):
            program.end()
        program = start(name, *tls_listener, *with_key, "--tls-verify",
                        "client", "--tls-ca", tls / "ca.pem", TARGET)
        attack.check(tls_handshake(sip.trusting()) is None or
                     not served_over_tls(sip.trusting()),
                     f"{name} serves a client without certificate")
        good = sip.trusting()
        good.load_cert_chain(tls / "host.pem")
        attack.check(served_over_tls(good),
                     f"{name} serves no client with a certificate")
        program.end()
    program = start("srf-proxy", *tls_listener, *with_key, TARGET)
    attack.check("key" not in program.err(), "a warning of a key that nobody "
                 f"else reads: {program.err()}")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA",
                   "AES256-SHA256", "kRSA"):
        got = tls_handshake(tls12(cipher, 0))
        attack.check(got is None, f"RSA key exchange: {got}")
    attack.check(tls_handshake(tls12("ECDHE-RSA-AES128-GCM-SHA256")),
                 "TLS 1.2 with forward secrecy is refused")
    attack.check(tls_handshake(sip.trusting()), "TLS 1.3 is refused")
    warnings.simplefilter("ignore", DeprecationWarning)
    old = tls12("ALL", 0)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    attack.check(tls_handshake(old) is None, "TLS 1.1 is spoken")
    attack.check(served_over_tls(sip.trusting()), "nobody is served over TLS")
    program.end()
    (tls / "host.key").chmod(0o644)
    for name in ("srf-proxy", "srf-lb"):
        program = start(name, *tls_listener, *with_key, TARGET)
        # A word on stderr; whether it refuses is its own matter.
        attack.check(program is None or "host.key" in program.err(),
                     f"{name} says nothing of a key that others may read")
        if program is not None:
            program.end()
    (tls / "host.key").chmod(0o600)


def served_over_tls(context):
    try:
        client = sip.Stream((attack.PROXY, 5061), attack.CALLER, context)
        answer = client.ask(sip.request("OPTIONS", server.uri, client.via), 3)
        client.close()
    except OSError:
        return False
    return answer is not None and answer.status == 200


attack.isolate()
tls = attack.make_certificates(("rsa:2048",))
server = sip.Server()
try_open()
try_allow()
try_origin()
try_tls()
attack.finish()
