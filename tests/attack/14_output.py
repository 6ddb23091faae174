#!/usr/bin/env python3
"""What the programs write: a reader that stalls stops no call, nothing that came
from the network forges a line or drives a terminal, and a disk that is full
breaks none.

SPDX-License-Identifier: MIT
"""
import fcntl
import json
import os
import re
import stat
import subprocess

import attack
import sip

TARGET = f"{attack.SERVER}:5080"
# More of output than the pipe takes.
CALLS = {"stdout": 200, "stderr": 60}
SMALL_PIPE = 4096
F_SETPIPE_SZ = 1031


def small_pipe():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, F_SETPIPE_SZ, SMALL_PIPE)
    return reading, writing


def stalled_reader(name, arguments, which):
    attack.note(f"{name}, nobody reads {which}")
    reading, writing = small_pipe()
    program = attack.Program(name, *arguments, **{which: writing})
    os.close(writing)
    caller = sip.Udp(attack.CALLER)
    for i in range(CALLS[which]):
        answer = caller.ask(sip.request(
            "INVITE", server.uri, caller.via,
            contact=f"<sip:c@{caller.where}>"), 3)
        if answer is None or answer.status != 486:
            attack.problem(f"{name}: after {i} calls whose {which} nobody read "
                           f"it answers {answer}")
            break
    os.set_blocking(reading, False)
    first = drain(reading)
    caller.ask(sip.request("INVITE", server.uri, caller.via), 1)
    full = len(first) > SMALL_PIPE / 2
    more = attack.until(lambda: drain(reading), 2) if full else ""
    text = first + more
    attack.check(more or not full,
                 f"{name} writes nothing to {which} when it is read again")
    # Nor does a reader that stalls keep the program from its end; that
    # something was lost it may tell by its status.
    program.end(good=(0, 1))
    text += drain(reading)
    os.close(reading)
    broken = [line for line in text.splitlines()[:-1] if not is_whole(line)]
    attack.check(which == "stderr" or not broken,
                 f"{name} broke a line: {broken[:1]}")


def drain(reading):
    text = b""
    try:
        while data := os.read(reading, 65536):
            text += data
    except BlockingIOError:
        pass
    return text.decode(errors="replace")


LINE = re.compile(r"listening on |caller=\S* target=.* ms=[\d.]+$|"
                  r"[A-Z]+ \S+: \d+$")


def is_whole(line):
    """Whether it is a line as the programs print them."""
    if LINE.match(line):
        return True
    try:
        json.loads(line)
        return True
    except ValueError:
        return False


EVIL = ("1%0acaller%3d666%20target%3dnone%20status%3d200%1b[2J",
        "1%0d%0aforged%00%7f%c2%9b2J%9b1m", "%e2%80%ae%e2%80%a8forged",
        "a%09b%0bc%0cd%85e")


def clean(text, what):
    """No control character but the ends of lines, and no line of theirs."""
    controls = sorted({f"{ord(letter):#x}" for letter in text
                       if ord(letter) < 32 and letter not in "\n\t" or
                       127 <= ord(letter) < 160 or letter in "\u202e\u2028"})
    attack.check(not controls, f"{what} has {controls}")
    forged = [line for line in text.splitlines()
              if re.match(r"(caller=666|forged|srf-lb: forged)", line)]
    attack.check(not forged, f"{what} has a line that is forged: {forged}")


def forged_lines(name, arguments):
    attack.note(f"{name}, what it prints")
    program = attack.Program(name, *arguments)
    caller = sip.Udp(attack.CALLER)
    raw = ("\x7f", "\x9b", "\u202e", "\u2028", "\x85", "\x01")
    for evil in (*EVIL, *raw):
        for method in ("INVITE", "OPTIONS", "MESSAGE"):
            server.headers = [f"Subject: {evil}", f"Warning: 399 x \"{evil}\"",
                              "Retry-After: 1 (\x1b[2J)"]
            for data in (
                    sip.request(method, server.uri, caller.via,
                                sender=f"sip:{evil}@example.org"),
                    sip.request(method, server.uri, caller.via,
                                to=f"sip:{evil}@example.org",
                                call_id=f"{sip.fresh()}{evil}\x1b[2J"),
                    sip.request(method, server.uri, caller.via,
                                headers=[f"Subject: \x1b[2J{evil}",
                                         f"User-Agent: {evil}\x1b]0;x\x07"]),
                    sip.request(method, f"sip:{evil}@{TARGET}", caller.via,
                                max_forwards=f"1{evil}"),
                    sip.request(f"X{evil}", server.uri, caller.via),
                    sip.request(method, f"sip:{evil}@nobody.invalid",
                                caller.via)):
                caller.send(data)
    caller.everything(0.5)
    server.headers = ()
    sip.works(caller, server.uri, f"through {name} after what it may print")
    program.alive("what it may print")
    program.end()
    clean(program.out_path.read_text(encoding="utf-8", errors="surrogateescape"
                                     ), f"{name}'s stdout")
    clean(program.err_path.read_text(encoding="utf-8", errors="surrogateescape"
                                     ), f"{name}'s stderr")
    if name == "srf-proxy":
        broken = [line for line in program.out().splitlines()
                  if not is_whole(line)]
        attack.check(not broken, f"no JSON: {broken[:1]}")


def answered(count):
    caller = sip.Udp(attack.CALLER)
    for _ in range(count):
        answer = caller.ask(sip.request(
            "OPTIONS", server.uri, caller.via, headers=["X-Pad: " + "x" * 400]))
        attack.check(answer is not None and answer.status == 200,
                     f"no answer: {answer}")
    caller.close()


def mode():
    """SDP has keys: what is written is for its owner alone."""
    results = attack.work / "results"
    program = attack.Program("srf-proxy", *sip.listen("udp"), "--results",
                             results, TARGET)
    answered(1)
    program.end()
    attack.check(stat.S_IMODE(results.stat().st_mode) == 0o600,
                 f"results have mode {results.stat().st_mode:o}")


def full_disk():
    """Of 64 kB; then there is room again."""
    disk = attack.work / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk],
                   check=True)
    results, filling = disk / "results", disk / "filling"
    filling.write_bytes(bytes(30000))
    program = attack.Program("srf-proxy", *sip.listen("udp"), "--results",
                             results, TARGET)
    answered(100)
    attack.check(os.statvfs(disk).f_bavail == 0, "the disk is not full")
    filling.unlink()
    answered(20)
    program.end(good=(0, 1))
    lines = results.read_text().splitlines()
    subprocess.run(["umount", disk], check=True)
    broken = [line[:80] for line in lines if not is_whole(line)]
    attack.check(not broken, f"a disk that is full broke {len(broken)} of "
                             f"{len(lines)} lines: {broken[:1]}")
    attack.check("result" in program.err(), "nothing is said of what was lost")


attack.isolate()
server = sip.Server(statuses={"INVITE": 486})
udp = sip.uri_of("udp")
programs = (
    ("srf-proxy", [*sip.listen("udp"), TARGET]),
    ("srf-lb", [*sip.listen("udp"), TARGET]),
    ("edge_proxy", [sip.uri_of("udp", "127.0.0.1", 5070), udp, TARGET]),
    ("access_control", [udp, attack.CALLER, TARGET]))
for name, arguments in (*programs,
                        ("srf-lb", ["--json", *sip.listen("udp"), TARGET])):
    for which in ("stdout", "stderr"):
        stalled_reader(name, arguments, which)
server.statuses = {}
for name, arguments in programs:
    forged_lines(name, arguments)
mode()
full_disk()
attack.finish()
