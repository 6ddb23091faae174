#!/usr/bin/env python3
"""Whoever takes all the descriptors takes them from himself: others are served,
and targets over TCP are reached, with a small limit of descriptors.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import socket

import attack
import sip

TCP_TARGET = f"sip:{attack.SERVER}:5080;transport=tcp"
HERE = attack.PROXY, 5060
NETWORK6 = "2001:db8:5::"


def take(source, count, to=HERE):
    """Opens connections and keeps them; they may be refused."""
    taken = []
    for _ in range(count):
        taking = socket.socket(socket.AF_INET6 if ":" in source
                               else socket.AF_INET)
        taking.settimeout(1)
        taking.bind((source, 0))
        try:
            taking.connect(to)
            taken.append(taking)
        except OSError:
            taking.close()
    return taken


def still_open(taken):
    count = 0
    for one in taken:
        one.settimeout(0)
        try:
            count += one.recv(1) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def drop(taken):
    for one in taken:
        one.close()


def served(program, what, *ends):
    """A call over each of them."""
    for end, uri in ends:
        try:
            sip.works(end(), uri, f"over {uri} through {program.name} with "
                      f"{what}", server)
        except OSError as err:
            attack.problem(f"{program.name} with {what}: {err}")
    program.alive(what)


def over_tcp():
    return sip.Stream(source=attack.CALLER)


def over_udp():
    return sip.Udp(attack.CALLER)


def start(name, *arguments, **limits):
    if name == "srf-proxy":
        arguments = ["--record-route", *arguments]
    return attack.Program(name, *arguments, **limits)


def one_address():
    """1,100 connections where 1,024 descriptors are the limit, and as many as
    that for the smaller."""
    for name, limit, count in (("srf-proxy", 1024, 1100), ("srf-lb", 256, 400),
                               ("srf-proxy", 64, 120)):
        program = start(name, *sip.listen("udp", "tcp"),
                        *([TCP_TARGET] if name == "srf-lb" else []),
                        nofile=(limit, limit))
        taken = take(attack.ATTACKER, count)
        served(program, f"{count} connections of one address at {limit}",
               (over_tcp, TCP_TARGET), (over_udp, TCP_TARGET))
        attack.check(program.descriptors() < limit,
                     f"{name} uses all of its descriptors")
        attack.check(program.err().strip() != "",
                     f"{name} says nothing of connections it refuses")
        drop(taken)
        attack.check(attack.until(lambda: program.descriptors() < 40),
                     f"{name} keeps descriptors: {program.descriptors()}")
        program.end()


def many_addresses():
    """They can take what is for those who come, never what is for targets."""
    program = start("srf-proxy", *sip.listen("udp", "tcp"), nofile=(256, 256))
    taken = [one for i in range(30)
             for one in take(f"198.51.100.{100 + i}", 20)]
    served(program, "600 connections of thirty addresses",
           (over_udp, TCP_TARGET))
    drop(taken)
    program.end()


def dead_listener(port):
    """All addresses of ours have a port that no SYN is answered from."""
    full = socket.socket()
    full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    full.bind(("0.0.0.0", port))
    full.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("203.0.113.1", port))
        fillers.append(filler)
    return [full, *fillers]


def connections_on_demand():
    """ACKs, and requests, for as many addresses as there are, which do not
    answer."""
    dead = dead_listener(7777)
    for name in ("srf-proxy", "srf-lb"):
        program = start(name, *sip.listen("udp", "tcp"),
                        *([TCP_TARGET] if name == "srf-lb" else []),
                        nofile=(128, 128))
        for method in ("ACK", "OPTIONS", "ACK"):
            stranger = sip.Udp(attack.ATTACKER)
            for i in range(2, 250):
                stranger.send(sip.request(
                    method, f"sip:x@203.0.113.{i}:7777;transport=tcp",
                    stranger.via))
            answers = stranger.everything(0.2)
            if method == "ACK" or name == "srf-lb":
                served(program, f"{method}s for dead addresses",
                       (over_tcp, TCP_TARGET), (over_udp, TCP_TARGET))
            else:
                # Who may send it anywhere may take what is for targets.
                served(program, f"{method}s for dead addresses",
                       (over_tcp, server.uri))
                attack.note(f"{len(answers)} answers")
                program.end()
                program = start(name, *sip.listen("udp", "tcp"),
                                nofile=(128, 128))
            stranger.close()
        attack.check(program.descriptors() < 128, f"{name} uses all of them")
        program.end()
    drop(dead)


def raised():
    """The soft limit is a default for others; the programs raise it."""
    for name in ("srf-proxy", "srf-lb"):
        program = start(name, *sip.listen("udp", "tcp"),
                        *([TCP_TARGET] if name == "srf-lb" else []),
                        nofile=(256, 4096))
        text = pathlib.Path(f"/proc/{program.process.pid}/limits").read_text()
        soft = int(re.search(r"^Max open files\s+(\d+)", text, re.M)[1])
        attack.check(soft == 4096, f"{name} leaves the soft limit at {soft}")
        program.end()


def one_network():
    """The addresses of a /64 belong to one (RFC 6177)."""
    if not pathlib.Path("/proc/net/if_inet6").exists():
        attack.note("no IPv6 here")
        return
    for network in (NETWORK6, "2001:db8:6::"):
        for i in range(1, 17):
            attack.add_address(f"{network}{i:x}", 128)
    program = start("srf-proxy", *sip.listen("udp", "tcp"),
                    *sip.listen("tcp", host=f"[{NETWORK6}1]"),
                    "--max-connections-per-source", "20")
    to = f"{NETWORK6}1", 5060
    taken = [one for i in range(1, 17)
             for one in take(f"{NETWORK6}{i:x}", 5, to)]
    other = sip.Stream(to, "2001:db8:6::7")
    answer = other.ask(sip.request("OPTIONS", server.uri, "TCP example.org"))
    attack.check(answer is not None and answer.status == 200,
                 "another network is not served")
    count = still_open(taken)
    attack.check(count <= 20, f"{count} connections of one network, 20 allowed")
    attack.check(count >= 20, f"only {count} connections of one network")
    drop(taken)
    program.end()


attack.isolate()
server = sip.Server()
one_address()
many_addresses()
connections_on_demand()
raised()
one_network()
attack.finish()
