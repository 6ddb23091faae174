"""The ground that the attacks stand on: a network of their own, programs in it,
and what is noted about them.

A script calls isolate() first: it begins again in namespaces of its own for
network, mounts and processes, so that any port is free, any address is its own,
and nothing of it survives. It notes what is wrong with check() and ends with
finish(). 77, skipped, where the system gives no namespaces.

SPDX-License-Identifier: MIT
"""
import fcntl
import itertools
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

# Of the networks for documentation (RFC 5737): all of these are on loopback.
PROXY = "198.51.100.1"
SERVER = "198.51.100.10"
CALLER = "198.51.100.20"
ATTACKER = "198.51.100.66"
VICTIM = "203.0.113.9"

SKIPPED = 77
ALONE = "SRF_ATTACK_ALONE"
BUILD = pathlib.Path(os.environ.get("SRF_BUILD", "build/tests")).resolve()
# Sanitizers make everything slower, and memory larger.
SANITIZED = os.environ.get("SRF_SANITIZED", "") != ""
PATIENCE_S = 40 if SANITIZED else 10
LO = 1  # the index of the interface

problems = []
programs = []
work = None


def note(text):
    print(f"[{time.monotonic() - begun:6.2f}] {text}", flush=True)


def problem(text):
    problems.append(text)
    note(f"WRONG: {text}")


def check(good, text):
    if not good:
        problem(text)
    return good


def finish():
    """Ends the script."""
    for program in list(programs):
        program.end()
    note(f"{len(problems)} wrong" if problems else "all as it should be")
    leave(1 if problems else 0)


def leave(status):
    sys.stdout.flush()
    shutil.rmtree(work, ignore_errors=True)
    os._exit(status)  # whatever threads still wait for


def until(condition, patience_s=None):
    """Waits until condition() is true; gives what it gave last."""
    end = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.01)


# ---- the network ----

def netlink(kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(struct.pack("=IHHII", 16 + len(body), kind, 0x405, 1, 0) +
                  body)
        err = -struct.unpack_from("=i", link.recv(4096), 16)[0]
    if err != 0:
        raise OSError(err, os.strerror(err))


def add_address(address, length):
    """An address of loopback; of IPv4 all of its network."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    raw = socket.inet_pton(family, address)
    header = struct.pack("=BBBBI", family, length, 2, 0, LO)  # 2: at once
    attributes = b"".join(struct.pack("=HH", 4 + len(raw), kind) + raw
                          for kind in (1, 2))
    netlink(20, header + attributes)


def loopback_up():
    with socket.socket() as control:
        flags = struct.pack("16sh14x", b"lo", 0x49)  # UP, LOOPBACK, RUNNING
        fcntl.ioctl(control, 0x8914, flags)
    add_address(PROXY, 24)
    add_address("203.0.113.1", 24)


def isolate():
    """Goes on in namespaces of its own, or begins the script again in them."""
    global work, begun
    if os.environ.get(ALONE) == "yes":
        begun = time.monotonic()
        loopback_up()
        work = pathlib.Path(tempfile.mkdtemp(prefix="srf-attack-"))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        sys.excepthook = gone_wrong
        return
    command = ["unshare", "--net", "--mount", "--pid", "--fork",
               "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if subprocess.run(command + ["true"], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode != 0:
        print("no namespaces here: skipped")
        sys.exit(SKIPPED)
    os.environ[ALONE] = "yes"
    os.execvp(command[0], command + [sys.executable, *sys.argv])


def gone_wrong(kind, value, trace):
    traceback.print_exception(kind, value, trace)
    for program in programs:
        note(f"{program.name} said: {program.err()[-2000:]}")
    leave(1)


begun = time.monotonic()


def bound(transport, host, port):
    """Whether somebody is bound to it, or to the port on any address of the
    family: read from /proc/net."""
    kind, state = ("udp", "07") if transport == "udp" else ("tcp", "0A")
    any4, any6 = "0" * 8, "0" * 32
    try:
        raw = socket.inet_aton(host.strip("[]"))
        wanted = {f"{struct.unpack('=I', raw)[0]:08X}", any4, any6}
    except OSError:
        wanted = None  # of IPv6, or all
    for name in (kind, kind + "6"):
        for line in pathlib.Path("/proc/net", name).read_text().splitlines():
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if number == f"{port:04X}" and fields[3] == state and \
                    (wanted is None or address in wanted):
                return True
    return False


# ---- programs ----

LISTENER = re.compile(r"^sips?:(\[.*\]|[^:;]*):(\d+)(?:.*;transport=(\w+))?")


def path_of(name):
    return str(BUILD / "examples" / name)


# These serve nobody from outside unless they are told whom, or that all may.
CLOSED = ("srf-proxy", "srf-lb", "edge_proxy", "outbound_proxy",
          "load_balancing", "options")
numbers = itertools.count(1)


class Program:
    """A program under attack. Its output goes to files, or where `stdout` and
    `stderr` say; `nofile` is its soft and hard limit of descriptors. It is
    open for all if the arguments do not say for whom."""

    def __init__(self, name, *arguments, stdout=None, stderr=None, nofile=None,
                 umask=0o022, wait=True, who_may=True):
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        if who_may and name in CLOSED and "--allow" not in self.arguments:
            self.arguments.insert(0, "--open")
            if name == "edge_proxy":  # from inside it is open to no one
                self.arguments[1:1] = ["--allow", "198.51.100.0/24"]
        self.nofile = nofile
        self.umask = umask
        number = next(numbers)
        self.out_path = work / f"{name}.{number}.out"
        self.err_path = work / f"{name}.{number}.err"
        self.out_to, self.err_to = stdout, stderr
        self.process = None
        self.start(wait)
        programs.append(self)

    def start(self, wait=True):
        def limits():
            os.umask(self.umask)
            # Whoever began the tests may have ignored it.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            if self.nofile is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, self.nofile)

        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen(
                [path_of(self.name), *self.arguments],
                stdin=subprocess.DEVNULL, stdout=self.out_to or out,
                stderr=self.err_to or err, preexec_fn=limits)
        self.listeners = [(transport or "udp", host, int(port))
                          for host, port, transport in
                          (match.groups() for match in
                           map(LISTENER.match, self.arguments) if match)
                          if port != "0" and host != SERVER]
        if wait and not until(lambda: self.gone() or all(
                bound(*listener) for listener in self.listeners)):
            raise RuntimeError(f"{self.name} does not listen: {self.err()}")
        if wait and self.gone():
            raise RuntimeError(f"{self.name} {self.how_it_ended()}")

    def gone(self):
        return self.process.poll() is not None

    def how_it_ended(self):
        status = self.process.returncode
        how = (f"was killed by {signal.Signals(-status).name}" if status < 0
               else f"ended with {status}")
        return f"{how}; it said: {self.err()[-600:]}"

    def alive(self, after):
        """Whether it lives. If not that is noted, and it is started again."""
        if not self.gone():
            return True
        problem(f"{self.name} {self.how_it_ended()}\n    after {after}")
        self.start()
        return False

    def out(self):
        return self.out_path.read_bytes().decode(errors="replace")

    def err(self):
        return self.err_path.read_bytes().decode(errors="replace")

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1])

    def rss_kb(self):
        return self.status("VmRSS")

    def cpu_s(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, good=(0,)):
        """Ends it, and notes when that does not end well."""
        if self.gone():
            problem(f"{self.name} {self.how_it_ended()}")
        else:
            self.signal(signal.SIGTERM)
            if not until(self.gone, 1):
                # Those that let calls end first are told so twice.
                self.signal(signal.SIGTERM)
                until(self.gone)
            if not self.gone():
                problem(f"{self.name} does not end")
                self.process.kill()
                self.process.wait()
            # The smallest programs know no signal.
            elif self.process.returncode not in (*good, -signal.SIGTERM):
                problem(f"{self.name} {self.how_it_ended()}")
        self.forget()

    def forget(self):
        self.process = None
        programs.remove(self)

    def kill(self):
        """For one that has too much to end."""
        self.process.kill()
        self.process.wait()
        self.forget()


def make_certificates(key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
    """A CA, ca.pem, and a certificate for the addresses here with its key:
    host.pem, host.crt and host.key. Gives their folder."""
    folder = work / "tls"
    folder.mkdir()
    key = ["-newkey", *key, "-nodes"]
    (folder / "host.ext").write_text(
        f"subjectAltName=IP:{PROXY},IP:{SERVER},IP:127.0.0.1\n")
    for command in (
            ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
             "-days", "2", "-subj", "/CN=Test CA", "-addext",
             "basicConstraints=critical,CA:TRUE"],
            ["req", *key, "-keyout", "host.key", "-out", "host.csr", "-subj",
             "/CN=localhost"],
            ["x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey",
             "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
             "host.ext", "-out", "host.crt"]):
        subprocess.run(["openssl", *command], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
    pem = (folder / "host.crt").read_text() + (folder / "host.key").read_text()
    (folder / "host.pem").write_text(pem)
    (folder / "host.pem").chmod(0o600)
    (folder / "host.key").chmod(0o600)
    return folder
