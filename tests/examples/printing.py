#!/usr/bin/env python3
"""The programs go on when nobody reads what they print, and nothing that a
message holds is more than text there: printing.py BUILD-DIRECTORY

SPDX-License-Identifier: MIT
"""
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 10  # seconds, of anything
BUILD = os.path.realpath(sys.argv[1])


def udp():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(LIMIT)
    return sock


def header(message, name):
    return re.search(rb"(?im)^%s: *(.*?)\r$" % name, message).group(1)


class Server(threading.Thread):
    """Answers every request but ACK with that status and body."""

    def __init__(self, status, body):
        super().__init__(daemon=True)
        self.sock, self.status, self.body = udp(), status, body
        self.uri = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.start()

    def run(self):
        self.sock.settimeout(None)
        while True:
            request, source = self.sock.recvfrom(1 << 16)
            if request.startswith(b"ACK"):
                continue
            vias = b"".join(re.findall(rb"(?im)^via:.*\n", request))
            self.sock.sendto(
                b"SIP/2.0 %d Said\r\n%sFrom: %s\r\nTo: %s;tag=s\r\nCall-ID: %s"
                b"\r\nCSeq: %s\r\nContent-Type: text/plain\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (
                    self.status, vias, header(request, b"from"),
                    header(request, b"to"), header(request, b"call-id"),
                    header(request, b"cseq"), len(self.body), self.body),
                source)


class Program:
    def __init__(self, name, *args, stdout=None, stderr=None):
        self.sock = udp()
        self.port = self.sock.getsockname()[1]
        self.calls = 0
        self.call_id = ""
        self.process = subprocess.Popen(
            [f"{BUILD}/examples/{name}", *args],
            stdout=stdout or subprocess.PIPE, stderr=stderr or subprocess.PIPE)
        self.data = {"out": b"", "err": b""}

    def read(self, which, pattern):
        """Reads no more than is needed."""
        pipe = {"out": self.process.stdout, "err": self.process.stderr}[which]
        deadline = time.monotonic() + LIMIT
        while True:
            found = re.search(pattern, self.data[which], re.M)
            if found:
                return found.group(1)
            if not select.select([pipe], [], [],
                                 deadline - time.monotonic())[0]:
                raise AssertionError(f"no {pattern}: {self.data[which][-300:]}")
            piece = os.read(pipe.fileno(), 1 << 16)
            assert piece, f"no {pattern} in {self.data[which][-300:]}"
            self.data[which] += piece

    def listening(self):
        port = self.read("out", rb"^listening on sip:127.0.0.1:(\d+);.*\n")
        self.address = ("127.0.0.1", int(port))
        return self

    def request(self, method, start, user, status):
        self.calls += 1
        text = ("{0} {1} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{2};branch="
                "z9hG4bK{3}\r\nMax-Forwards: 70\r\nFrom: <sip:{4}@a.invalid>;"
                "tag=c\r\nTo: <sip:bob@b.invalid>\r\nCall-ID: {3}{5}\r\n"
                "CSeq: 1 {0}\r\nContact: <sip:127.0.0.1:{2}>\r\n"
                "Content-Length: 0\r\n\r\n")
        parts = [method, start, self.port, self.calls, user, self.call_id]
        self.sock.sendto(text.format(*parts).encode(), self.address)
        answer = b"SIP/2.0 100"
        while answer.startswith(b"SIP/2.0 100"):
            answer = self.sock.recv(1 << 16)
        assert answer.startswith(b"SIP/2.0 %d " % status), answer[:80]
        assert int(header(answer, b"call-id")
                   .removesuffix(self.call_id.encode())) == self.calls
        if method == "INVITE" and status >= 300:
            parts[0] = "ACK"
            ack = text.format(*parts).replace(
                "b.invalid>", "b.invalid>" + header(answer, b"to").decode()
                .rpartition(">")[2])
            self.sock.sendto(ack.encode(), self.address)

    def end(self, status=0):
        """What it has printed, after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        for pipe, rest in zip(("out", "err"), self.process.communicate(
                timeout=LIMIT)):
            self.data[pipe] += rest or b""
        assert self.process.returncode == status, self.process.returncode
        return self.data["out"], self.data["err"]


# More comes at once than one source may send without this.
LISTEN = ("--listen", "sip:127.0.0.1:0;transport=udp", "--source-rate", "0")


def results_of(data):
    """Every line is whole and, but for the plain ones, JSON."""
    assert data.endswith(b"\n")
    lines = [line for line in data.decode().splitlines()
             if not line.startswith(("listening on ", "caller="))]
    return [json.loads(line) for line in lines]


def srf_proxy_goes_on_when_results_are_not_read():
    server = Server(200, b"x" * 12000)
    program = Program("srf-proxy", *LISTEN, server.uri).listening()
    for _ in range(200):
        program.request("MESSAGE", "sip:bob@b.invalid", "alice", 200)
    program.read("err", rb"(results are being lost)")
    lost = int(program.read(
        "err", rb"^srf-proxy: (\d+) results lost$") if drain(program) else 0)
    out, _ = program.end()
    assert len(results_of(out)) + lost == 200, (len(results_of(out)), lost)


def drain(program):
    """Reads results until there are no more for a moment."""
    pipe = program.process.stdout
    while select.select([pipe], [], [], 0.5)[0]:
        program.data["out"] += os.read(pipe.fileno(), 1 << 16)
    return True


def srf_lb_goes_on_when_results_are_not_read():
    server = Server(486, b"x" * 12000)
    program = Program("srf-lb", "--json", *LISTEN, server.uri).listening()
    for _ in range(200):
        program.request("INVITE", "sip:bob@b.invalid", "alice", 486)
    program.read("err", rb"(results are being lost)")
    drain(program)
    lost = int(program.read("err", rb"^srf-lb: (\d+) results lost$"))
    out, _ = program.end()
    lines = out.count(b"\n") - 1  # two for each
    results_of(out)
    assert lines + lost == 400, (lines, lost)


def srf_proxy_goes_on_when_log_lines_are_not_read():
    program = Program("srf-proxy", "--results", "/dev/null", "--source-rate",
                      "0", *LISTEN).listening()
    program.call_id = "x" * 400
    for _ in range(1000):
        program.request("MESSAGE", "sip:bob@[::1]:9", "alice", 500)
    _, err = program.end()
    lines = len(re.findall(rb"(?m)^srf-proxy: \d+x+: no target could be", err))
    held_back = re.findall(rb"(?m)(\d+) log lines held back$", err)
    assert held_back and lines + sum(map(int, held_back)) == 1000, err[-800:]


def edge_proxy_goes_on_when_results_are_not_read():
    server = Server(200, b"")
    program = Program("edge_proxy", "sip:127.0.0.1:0;transport=udp",
                      "sip:127.0.0.1:0;transport=tcp", server.uri)
    program.listening()
    program.call_id = "x" * 400
    for _ in range(500):
        program.request("MESSAGE", f"sip:{server.uri}", "alice", 200)
    out, _ = program.end()
    assert len(re.findall(rb"(?m)^MESSAGE \d+x+: 200$", out)) == 500


def a_full_device_stops_no_call():
    server = Server(200, b"x" * 1000)
    with open("/dev/full", "wb") as full, open("/dev/null", "wb") as null:
        for name in "srf-proxy", "srf-lb":
            program = Program(name, "--listen", free_uri(), server.uri,
                              stdout=full, stderr=null)
            wait_for(program)
            program.request("OPTIONS", "sip:127.0.0.1", "alice", 200)
            for _ in range(50):
                program.request("INVITE", "sip:bob@b.invalid", "alice", 200)
            program.end(1)


def free_uri():
    with udp() as sock:
        free_uri.last = sock.getsockname()
    return "sip:127.0.0.1:%d;transport=udp" % free_uri.last[1]


def wait_for(program):
    """Until it listens, when it cannot say so."""
    program.address = free_uri.last
    deadline = time.monotonic() + LIMIT
    port = ":%04X " % program.address[1]
    while True:
        with open("/proc/net/udp", encoding="ascii") as table:
            if port in table.read():
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def a_caller_forges_no_line():
    server = Server(486, b"")
    program = Program("srf-lb", *LISTEN, server.uri).listening()
    program.request("INVITE", "sip:bob@b.invalid",
                    "1%0acaller%3d2%20target%3dx%1b[2J%9b%e2%80%ae", 486)
    out, _ = program.end()
    lines = out.split(b"\n")
    assert len(lines) == 3 and lines[1].startswith(
        b"caller=1\\x0acaller=2\\x20target=x\\x1b[2J\\x9b\\u{202e} target=sip:"
        b"127.0.0.1:"), lines


def a_request_forges_no_log_line():
    program = Program("srf-proxy", *LISTEN).listening()
    program.call_id = "\x9b2J\x85\u202e\u00e4"
    program.request("MESSAGE", "sip:bob@[::1]:9", "alice", 500)
    _, err = program.end()
    err = err.splitlines(keepends=True)[-1]
    assert err == ("srf-proxy: 1\\u{9b}2J\\u{85}\\u{202e}\u00e4: no target could "
                   "be tried\n").encode(), err


def any_bytes_give_a_line_of_json():
    body = bytes(range(256)) + "\u0080\u009f\u2028\u202eä€😀".encode()
    server = Server(200, body)
    program = Program("srf-proxy", *LISTEN, server.uri).listening()
    program.request("MESSAGE", "sip:bob@b.invalid", "alice", 200)
    out, _ = program.end()
    result, = results_of(out)
    assert (result["finalResponse"]["msg"]["body"] ==
            body.decode(errors="replace"))
    raw = set(out.decode()) - {"\n"}
    assert all(c.isprintable() for c in raw - {"\ufffd"}), raw


def results_are_their_owners_alone():
    server = Server(200, b"")
    with tempfile.TemporaryDirectory() as top:
        path = os.path.join(top, "results")
        umask = os.umask(0)
        program = Program("srf-proxy", *LISTEN, "--results", path,
                          server.uri).listening()
        os.umask(umask)
        program.request("MESSAGE", "sip:bob@b.invalid", "alice", 200)
        program.end()
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, "rb") as file:
            assert len(results_of(file.read())) == 1


CASES = [
    srf_proxy_goes_on_when_results_are_not_read,
    srf_lb_goes_on_when_results_are_not_read,
    srf_proxy_goes_on_when_log_lines_are_not_read,
    edge_proxy_goes_on_when_results_are_not_read,
    a_full_device_stops_no_call,
    a_caller_forges_no_line,
    a_request_forges_no_log_line,
    any_bytes_give_a_line_of_json,
    results_are_their_owners_alone,
]


def main():
    signal.alarm(110)
    bad = 0
    for case in CASES:
        try:
            begin = time.monotonic()
            case()
            print(f"ok {case.__name__} {time.monotonic() - begin:.1f} s")
        except Exception as problem:  # each case for itself
            print("FAILED", case.__name__, type(problem).__name__, problem)
            bad += 1
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
