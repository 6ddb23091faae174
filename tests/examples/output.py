#!/usr/bin/env python3
"""What the programs print (examples/output.h): nobody who reads stops them,
every line is whole, loss is told: output.py PROGRAM [mounts]

PROGRAM is output_lines. With "mounts" the cases that need a file system of
their own; exits 77 where there may be none.

SPDX-License-Identifier: MIT
"""
import fcntl
import os
import pty
import re
import resource
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

LIMIT = 20  # seconds, of anything
PROGRAM = os.path.realpath(sys.argv[1])
MOUNTS = sys.argv[2:] == ["mounts"]


class Reader:
    """The lines that arrive at a descriptor."""

    def __init__(self, fd):
        self.fd, self.data, self.end = fd, b"", False

    def read(self, seconds):
        if not self.end and select.select([self.fd], [], [], seconds)[0]:
            try:
                piece = os.read(self.fd, 1 << 16)
            except OSError:  # a terminal whose other end is gone
                piece = b""
            self.end = piece == b""
            self.data += piece
            return True
        return False

    def until(self, pattern):
        """Reads until a line is like this, and returns what it captures."""
        deadline = time.monotonic() + LIMIT
        seen = 0
        while True:
            found = re.search(pattern, self.data[seen:], re.M)
            if found:
                return found.groups()
            seen = max(0, len(self.data) - 4096)
            if self.end or time.monotonic() > deadline:
                raise AssertionError(f"no {pattern} in {self.data[-500:]}")
            self.read(1)

    def rest(self):
        deadline = time.monotonic() + LIMIT
        while not self.end and time.monotonic() < deadline:
            self.read(1)
        assert self.end, "it does not end"
        return self.data


class Program:
    def __init__(self, stdout=None, stderr=None, args=(), prefix=(), **how):
        self.out = self.err = None
        if stdout is None:
            fd, stdout = os.pipe()
            self.out = Reader(fd)
        if stderr is None:
            fd, stderr = os.pipe()
            self.err = Reader(fd)
        self.process = subprocess.Popen(
            [*prefix, PROGRAM, *args], stdin=subprocess.PIPE, stdout=stdout,
            stderr=stderr, **how)
        if self.out:
            os.close(stdout)
        if self.err:
            os.close(stderr)

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def finish(self, status=0):
        begin = time.monotonic()
        self.process.stdin.close()
        got = self.process.wait(LIMIT)
        assert got == status, f"status {got} instead of {status}"
        assert time.monotonic() - begin < 5, "it does not end at once"


def numbers(data, kind, whole=True):
    """The numbers of the lines of that kind; all lines are whole."""
    found = []
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    if not whole:
        lines.pop()
    for line in lines:
        match = re.fullmatch(rb"(result|log|peer) (\d+) x*\.", line)
        assert match or line == b"" or line.startswith(b"lines: "), line[:200]
        if match and match[1] == kind:
            found.append(int(match[2]))
    assert found == sorted(set(found)), "out of order"
    return found


def stall_results(program, reader):
    """20 MB that are not read; then they are, and more."""
    program.tell("result 10000 1900")
    program.err.until(rb"lines: \w+ are being lost")
    program.tell("log 1 5")
    program.err.until(rb"log 1 xxxxx\.$")
    reader.until(rb"result 2000 x*\.")
    lost, = program.err.until(rb"(\d+) \w+ lost$")
    program.tell("result 5 5")
    reader.until(rb"result 10005 xxxxx\.\r?\n")
    got = numbers(reader.data, b"result")
    assert len(got) + int(lost) == 10005, (len(got), lost)


def a_pipe_that_is_not_read_stops_nothing():
    program = Program()
    stall_results(program, program.out)
    program.finish()


def log_lines_that_are_not_read_stop_nothing():
    program = Program()
    program.tell("log 10000 1900")
    program.tell("result 1 5")
    program.out.until(rb"^result 1 xxxxx\.\n")
    lost, = program.err.until(rb"^lines: (\d+) log lines lost\n")
    program.finish()
    assert len(numbers(program.err.rest(), b"log")) + int(lost) == 10000


def a_terminal_that_is_stopped_stops_nothing():
    master, slave = pty.openpty()
    program = Program(stdout=slave)
    os.close(slave)
    stall_results(program, Reader(master))
    program.finish()


def a_socket_that_is_not_read_stops_nothing():
    ours, theirs = socket.socketpair()
    program = Program(stdout=theirs.fileno())
    stall_results(program, Reader(ours.fileno()))
    assert not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK
    program.finish()


def what_is_inherited_stays_as_it_was():
    fd, inherited = os.pipe()
    program = Program(stdout=inherited)
    program.tell("result 1 1")
    Reader(fd).until(rb"^result 1 x\.\n")
    assert not fcntl.fcntl(inherited, fcntl.F_GETFL) & os.O_NONBLOCK
    program.finish()


def lines_in_one_pipe_do_not_mix():
    fd, both = os.pipe()
    program = Program(stdout=both, stderr=both)
    os.close(both)
    reader = Reader(fd)
    for _ in range(20):
        program.tell("result 50 1999")
        program.tell("log 50 1001")
    program.process.stdin.close()
    data = reader.rest()
    assert program.process.wait(LIMIT) == 0
    assert len(numbers(data, b"result")) == 1000
    assert len(numbers(data, b"log")) == 1000


def a_reader_that_goes_ends_nothing():
    program = Program()
    os.close(program.out.fd)
    program.tell("result 1 1")
    program.err.until(rb"^lines: results cannot be written: Broken pipe\n")
    program.tell("log 1 1")
    program.err.until(rb"^log 1 x\.\n")
    program.finish(1)
    assert b"lines: 1 results lost\n" in program.err.rest()


def a_full_device_is_told_once():
    with open("/dev/full", "wb") as full:
        program = Program(stdout=full)
    program.tell("result 1 1")
    program.err.until(rb"results cannot be written: No space left on device\n")
    program.tell("result 9 1")
    program.finish(1)
    data = program.err.rest()
    assert data.count(b"cannot") == 1 and b"lines: 10 results lost\n" in data


def at_the_end_a_slow_reader_has_a_second():
    program = Program()
    program.tell("result 1000 1900")
    program.tell("log 1 1")
    program.err.until(rb"^log 1 x\.\n")
    program.process.stdin.close()
    data = program.out.rest()
    assert program.process.wait(LIMIT) == 0
    assert len(numbers(data, b"result")) == 1000


def what_nobody_takes_at_the_end_is_told():
    program = Program()
    program.tell("result 1000 1900")
    program.finish(1)
    lost, = program.err.until(rb"^lines: (\d+) results lost\n")
    got = numbers(program.out.rest(), b"result", whole=False)
    assert len(got) + int(lost) == 1000, (len(got), lost)


def results_are_their_owners_alone():
    with tempfile.TemporaryDirectory() as top:
        path = os.path.join(top, "results")
        umask = os.umask(0)
        program = Program(args=[path])
        os.umask(umask)
        program.tell("result 3 3")
        program.finish()
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, "rb") as file:
            assert numbers(file.read(), b"result") == [1, 2, 3]
        assert program.out.rest() == b""


def half_a_line_of_somebody_else_is_ended():
    with tempfile.TemporaryDirectory() as top:
        path = os.path.join(top, "results")
        for append in False, True:
            with open(path, "wb") as file:
                file.write(b"result 7 xxx.\nresult 8 xx")
            with open(path, "ab") as file:
                program = (Program(stdout=file) if append
                           else Program(args=[path]))
            program.tell("result 1 1")
            program.finish()
            with open(path, "rb") as file:
                assert file.read() == (b"result 7 xxx.\nresult 8 xx\n"
                                       b"result 1 x.\n")


def a_file_at_its_limit_has_whole_lines():
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))

    for as_stdout in False, True:
        with tempfile.TemporaryDirectory() as top:
            path = os.path.join(top, "results")
            with open(path, "wb") as file:
                program = (Program(stdout=file, preexec_fn=limit) if as_stdout
                           else Program(args=[path], preexec_fn=limit))
            program.tell("result 20 980")
            program.err.until(rb"results cannot be written: File too large\n")
            program.finish(1)
            with open(path, "rb") as file:
                data = file.read()
            got = numbers(data, b"result")
            assert data.endswith(b".\n") and got == [*range(1, len(got) + 1)]
            lost, = program.err.until(rb"^lines: (\d+) results lost\n")
            assert len(got) + int(lost) == 20


def nothing_is_printed_into_another_file():
    with tempfile.TemporaryDirectory() as top:
        path = os.path.join(top, "results")
        program = Program(args=[path],
                          prefix=["sh", "-c", 'exec "$0" "$@" >&- 2>&-'])
        program.tell("log 3 3")
        program.tell("result 3 3")
        program.finish()
        with open(path, "rb") as file:
            assert file.read() == b"".join(b"result %d xxx.\n" % i
                                           for i in (1, 2, 3))


def text_from_outside_is_text():
    program = Program()
    program.tell("text " + b"1\ncaller=2 \x1b[2J\xc2\x9b\xff\xc3\xa4".hex())
    program.finish()
    shown = b"1\\x0acaller=2%s\\x1b[2J\\u{9b}\\xff\xc3\xa4"
    assert program.out.rest() == b"word=" + shown % b"\\x20" + b" end\n"
    assert program.err.rest() == b"text " + shown % b" " + b"\n"


def a_long_text_is_cut():
    program = Program()
    program.tell("text " + "20" * 1900)
    program.finish()
    assert re.fullmatch(rb"word=(\\x20){200,256} end\n", program.out.rest())


def lines_that_peers_cause_are_limited():
    program = Program()
    program.tell("peer 5000 5")
    program.tell("log 1 5")
    program.finish()
    data = program.err.rest()
    got = numbers(data, b"peer")
    held_back, = re.search(rb"^lines: (\d+) log lines held back$", data,
                           re.M).groups()
    assert len(got) < 200 and len(got) + int(held_back) == 5000
    assert numbers(data, b"log") == [1]


# ---- with a file system of their own ----

def mounting(script):
    return ["unshare", "-m", "sh", "-ec", script + '; exec "$0" "$@"']


WITHOUT_PROC = mounting("mount -t tmpfs none /proc/$$/fd")


def without_proc_a_pipe_stops_nothing_either():
    program = Program(prefix=WITHOUT_PROC)
    stall_results(program, program.out)
    program.finish()


def without_proc_a_terminal_stops_nothing_either():
    master, slave = pty.openpty()
    program = Program(stdout=slave,
                      prefix=WITHOUT_PROC)
    os.close(slave)
    stall_results(program, Reader(master))
    program.finish()


def on_disk(top):
    return mounting(f"mount -t tmpfs -o size=64k none {top}; cd {top}; "
                    "head -c 40000 /dev/zero >filler")


def inside(program):
    """The program's directory, as it sees it."""
    return f"/proc/{program.process.pid}/cwd"


def results_of(program):
    with open(inside(program) + "/results", "rb") as file:
        return file.read()


def on_a_full_disk_a_line_is_finished_later():
    with tempfile.TemporaryDirectory() as top:
        program = Program(args=["results"], prefix=on_disk(top))
        program.tell("result 100 990")
        program.err.until(rb"cannot be written: No space left on device\n")
        assert not results_of(program).endswith(b"\n")
        os.unlink(inside(program) + "/filler")
        program.err.until(rb"^lines: results are written again\n")
        program.tell("log 1 1")
        program.err.until(rb"^log 1 x\.\n")
        data = results_of(program)
        got = numbers(data, b"result", whole=False)
        assert got == [*range(1, len(got) + 1)] and len(got) > 50, got
        program.finish(1)
        lost, = program.err.until(rb"^lines: (\d+) results lost\n")
        assert len(got) + int(lost) == 100


def on_a_disk_that_stays_full_a_line_is_taken_back():
    with tempfile.TemporaryDirectory() as top:
        program = Program(args=["results"], prefix=on_disk(top))
        program.tell("result 100 990")
        program.err.until(rb"cannot be written: No space left on device\n")
        fd = os.open(inside(program) + "/results", os.O_RDONLY)
        program.finish(1)
        data = os.pread(fd, 1 << 20, 0)
        assert data.endswith(b".\n")
        got = numbers(data, b"result")
        lost, = program.err.until(rb"^lines: (\d+) results lost\n")
        assert len(got) > 10 and len(got) + int(lost) == 100


CASES = [
    a_pipe_that_is_not_read_stops_nothing,
    log_lines_that_are_not_read_stop_nothing,
    a_terminal_that_is_stopped_stops_nothing,
    a_socket_that_is_not_read_stops_nothing,
    what_is_inherited_stays_as_it_was,
    lines_in_one_pipe_do_not_mix,
    a_reader_that_goes_ends_nothing,
    a_full_device_is_told_once,
    at_the_end_a_slow_reader_has_a_second,
    what_nobody_takes_at_the_end_is_told,
    results_are_their_owners_alone,
    half_a_line_of_somebody_else_is_ended,
    a_file_at_its_limit_has_whole_lines,
    nothing_is_printed_into_another_file,
    text_from_outside_is_text,
    a_long_text_is_cut,
    lines_that_peers_cause_are_limited,
]
MOUNT_CASES = [
    without_proc_a_pipe_stops_nothing_either,
    without_proc_a_terminal_stops_nothing_either,
    on_a_full_disk_a_line_is_finished_later,
    on_a_disk_that_stays_full_a_line_is_taken_back,
]


def main():
    signal.alarm(110)
    if MOUNTS and subprocess.run([*WITHOUT_PROC, "true"], check=False,
                                 stderr=subprocess.DEVNULL).returncode:
        print("no mounts here")
        return 77
    bad = 0
    for case in MOUNT_CASES if MOUNTS else CASES:
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
