#!/usr/bin/env python3
"""A program that is told to end twice ends, with calls in progress and requests
that nobody answered; and passwords go to those alone they are for.

SPDX-License-Identifier: MIT
"""
import re
import signal
import subprocess
import time

import attack
import sip

TARGET = f"{attack.SERVER}:5080"
DEAF = f"{attack.SERVER}:5099"


def told_twice(name, arguments, number, pause_s):
    program = attack.Program(name, *arguments)
    caller = sip.Udp(attack.CALLER)
    for target in (server.uri, f"sip:{DEAF}"):
        for method in ("INVITE", "INVITE", "MESSAGE", "OPTIONS"):
            caller.send(sip.request(method, target, caller.via,
                                    contact=f"<sip:c@{caller.where}>"))
    caller.received(lambda message: message.status == 180, 3)
    # Of these some are being looked up when it ends.
    stranger = sip.Udp(attack.ATTACKER)
    for _ in range(100):
        stranger.send(sip.request("INVITE", server.uri, stranger.via))
        time.sleep(0.0001)
    for _ in range(4):
        program.signal(number)
        time.sleep(pause_s)
        if program.gone():
            break
    # Those that come at once may be one.
    if not attack.until(program.gone, 1):
        program.signal(number)
    attack.until(program.gone)
    if attack.check(program.gone(), f"{name} does not end when told twice"):
        # A second signal may have its usual effect.
        attack.check(program.process.returncode in (0, -number),
                     f"{name}, {number.name} {pause_s} s apart: "
                     f"{program.how_it_ended()}")
    else:
        program.process.kill()
    program.forget()
    caller.close()
    stranger.close()


def asking(realm, *more):
    """Whether ping answers a challenge of this realm, and how."""
    server.seen.clear()
    server.statuses = {"OPTIONS": [401, 200]}
    server.headers = [f'WWW-Authenticate: Digest realm="{realm}", nonce="n1", '
                      'algorithm=MD5, qop="auth"']
    ran = subprocess.run(
        [attack.path_of("ping"), f"sip:{TARGET}", f"sip:{attack.PROXY}:0",
         "alice", "secret", *more], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, timeout=2 * attack.PATIENCE_S)
    server.headers = ()
    sent = [message.get("authorization") for message in server.seen
            if message.get("authorization")]
    attack.note(f"realm {realm}: {ran.stdout.strip()}, {sent}")
    return bool(sent)


attack.isolate()
server = sip.Server(statuses={"INVITE": 180}, ringing=False)
udp = sip.uri_of("udp")
for name, arguments in (
        ("srf-proxy", [*sip.listen("udp"), TARGET]),
        ("srf-lb", [*sip.listen("udp"), TARGET, DEAF]),
        ("edge_proxy", [sip.uri_of("udp", "127.0.0.1", 5070), udp, TARGET]),
        ("access_control", [udp, attack.CALLER, TARGET])):
    for number in (signal.SIGTERM, signal.SIGINT):
        for pause_s in (0, 0.001, 0.002, 0.004, 0.2):
            told_twice(name, arguments, number, pause_s)
attack.check(asking("example.org") or asking("example.org", "example.org"),
             "ping answers no challenge")
# With a realm named it answers that one only.
if asking("example.org", "example.org"):
    attack.check(not asking("evil.example", "example.org"),
                 "a password is given to another realm")
else:
    attack.problem("no realm can be named to ping")
attack.finish()
