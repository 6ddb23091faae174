"""What tests/bench/compare measures with: the proxies and the relay as
processes on one core, the load generator on the other, and what the kernel
tells of them.

SPDX-License-Identifier: MIT
"""
import json
import os
import pathlib
import random
import resource
import select
import signal
import subprocess
import time

SUBJECT_CPU, LOAD_CPU = 0, 1
# More than that of one core taken by others, or by the host from this machine:
# the figures are not to be trusted. About half of the first is what the kernel
# itself takes for interrupts and switches and charges to nobody.
OTHER_LOAD, STEAL = 0.10, 0.02
# Calls at the end of their timers are transactions, too: the limit that
# protects a proxy must not be what is measured.
MAX_TRANSACTIONS = 4000000
TICK = os.sysconf("SC_CLK_TCK")
HERE = pathlib.Path(__file__).resolve().parent


class Failed(Exception):
    """A measurement that could not be made."""


# ---- what the kernel tells ----

def read_text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def process_tree(pid):
    """A process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = read_text(f"/proc/{entry}/stat").rpartition(")")[2].split()
            if len(fields) > 1:
                children.setdefault(int(fields[1]), []).append(int(entry))
    out, left = [], [pid]
    while left:
        one = left.pop()
        out.append(one)
        left += children.get(one, [])
    return out


def cpu_ns(pids):
    """Run time by the scheduler's account, of all threads."""
    total = 0
    for pid in pids:
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            text = read_text(f"/proc/{pid}/task/{task}/schedstat")
            total += int(text.split()[0]) if text else 0
    return total


def user_system_s(pids):
    """Counted in ticks: only a hint."""
    user = system = 0
    for pid in pids:
        fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if len(fields) > 12:
            user += int(fields[11])
            system += int(fields[12])
    return user / TICK, system / TICK


def machine_idle_s():
    """All cores together: idle, and stolen by the host. What is idle is timed;
    what is busy the kernel only counts in ticks, which short work evades."""
    fields = [int(x) for x in read_text("/proc/stat").split("\n")[0].split()[1:9]]
    return (fields[3] + fields[4]) / TICK, fields[7] / TICK


def pss_bytes(pids):
    total = 0
    for pid in pids:
        for line in read_text(f"/proc/{pid}/smaps_rollup").split("\n"):
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def udp_drops(port):
    drops = 0
    for line in read_text("/proc/net/udp").split("\n")[1:]:
        fields = line.split()
        if fields and fields[1].endswith(f":{port:04X}"):
            drops += int(fields[-1])
    return drops


def port_in_use(port):
    return f":{port:04X} " in "".join(
        line.split()[1] + " " for table in ("udp", "tcp")
        for line in read_text(f"/proc/net/{table}").split("\n")[1:]
        if len(line.split()) > 1)


def free_ports(count):
    out = []
    while len(out) < count:
        port = random.randrange(20000, 32000)
        if port not in out and not port_in_use(port):
            out.append(port)
    return out


def version(*command):
    try:
        out = subprocess.run(command, capture_output=True, text=True,
                             check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = [line.strip() for line in (out.stdout + out.stderr).split("\n")
             if line.strip()]
    return lines[0].removeprefix("version: ") if lines else "unknown"


def memory_mib():
    fields = read_text("/proc/meminfo").split()
    return int(fields[1]) // 1024 if len(fields) > 1 else 0


def machine(build):
    info = read_text("/proc/cpuinfo")
    model = next((line.partition(":")[2].strip() for line in info.split("\n")
                  if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_mib": memory_mib(),
        "kernel": os.uname().release,
        "rmem_max": int(read_text("/proc/sys/net/core/rmem_max") or 0),
        "srf-proxy": version(build / "examples/srf-proxy", "--version"),
        "kamailio": version("kamailio", "-v"),
        "sipp": version("sipp", "-v"),
        "compiler": version("cc", "--version"),
    }


# ---- processes ----

class Process:
    """One that this program has started and ends by its process id."""

    running = []

    def __init__(self, argv, cpu, log, **pipes):
        with open(log, "ab") as file:
            # Between fork and exec, so that every thread and child has it.
            self.popen = subprocess.Popen(
                [str(arg) for arg in argv], stderr=file,
                stdin=pipes.get("stdin", subprocess.DEVNULL),
                stdout=pipes.get("stdout", file),
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        self.log = log
        Process.running.append(self)

    def alive(self):
        return self.popen.poll() is None

    def stop(self):
        if self not in Process.running:
            return
        Process.running.remove(self)
        children = process_tree(self.popen.pid)[1:] if self.alive() else []
        if self.alive():
            self.popen.terminate()
        try:
            self.popen.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        # Its children end with it; should they not, they are killed.
        for _ in range(50):
            children = [pid for pid in children if os.path.exists(f"/proc/{pid}")]
            if not children:
                break
            time.sleep(0.1)
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    @classmethod
    def stop_all(cls):
        for process in list(cls.running):
            process.stop()


class Subject:
    """A relay or proxy between the caller's port and the servers'."""

    def __init__(self, name, build, work):
        self.name = name
        self.build = build
        self.log = str(work / f"{name}.log")
        self.proxy, self.caller, self.server, self.second = free_ports(4)
        self.process = None

    def argv(self):
        if self.name == "relay":
            return [self.build / "tests/bench/bench-relay", self.proxy,
                    self.server, self.caller]
        if self.name == "kamailio":
            return ["kamailio", "-f", HERE / "kamailio_compare.cfg", "-DD", "-E",
                    "-x", "fm", "-X", "fm", "-M", "64",
                    # Only what it touches is taken.
                    "-m", min(4096, max(256, memory_mib() // 2)),
                    "-l", f"udp:127.0.0.1:{self.proxy}",
                    "-A", f'FIRST="sip:127.0.0.1:{self.server}"',
                    "-A", f'SECOND="sip:127.0.0.1:{self.second}"']
        gather = ["--gather", "0s"] if self.name == "single" else []
        return [self.build / "examples/srf-proxy", "--record-route", *gather,
                "--no-results", "--max-transactions", MAX_TRANSACTIONS,
                "--source-rate", "0",
                "--listen", f"sip:127.0.0.1:{self.proxy};transport=udp",
                f"127.0.0.1:{self.server}", f"127.0.0.1:{self.second}"]

    def __enter__(self):
        self.process = Process(self.argv(), SUBJECT_CPU, self.log)
        for _ in range(200):
            if not self.process.alive():
                break
            if port_in_use(self.proxy):
                # Kamailio forks its worker only then.
                time.sleep(0.5)
                return self
            time.sleep(0.05)
        self.process.stop()
        raise Failed(f"{self.name} does not start, see {self.log}")

    def __exit__(self, *_):
        self.process.stop()

    def pids(self):
        return process_tree(self.process.popen.pid)


class Load:
    """The generator, beside a running subject."""

    def __init__(self, subject, rate, seconds, warm, *options):
        self.bound = seconds + warm + 60
        self.stdout = b""
        self.process = Process(
            [subject.build / "tests/bench/bench-load", "--cpu", LOAD_CPU,
             "--proxy", subject.proxy, "--caller", subject.caller,
             "--server", subject.server, "--second", subject.second,
             "--rate", rate, "--seconds", seconds, "--warm", warm, *options],
            LOAD_CPU, subject.log, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def line(self):
        """Its next line; fails when none comes in time."""
        end = time.monotonic() + self.bound
        fd = self.process.popen.stdout.fileno()
        while b"\n" not in self.stdout:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Failed("the load generator does not end")
            data = os.read(fd, 65536)
            if not data:
                raise Failed(f"the load generator failed, see {self.process.log}")
            self.stdout += data
        line, _, self.stdout = self.stdout.partition(b"\n")
        return line.decode()

    def release(self):
        self.process.popen.stdin.write(b"\n")
        self.process.popen.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()


# ---- measurements ----

def sample(pids, spinner=None):
    idle, steal = machine_idle_s()
    return {"at": time.monotonic(), "cpu": cpu_ns(pids), "idle": idle,
            "steal": steal, "split": user_system_s(pids),
            "spun": cpu_ns([spinner.popen.pid] if spinner else [])}


def judge(result, before, after, load_cpu_s):
    """Puts beside the result how much others had of the machine."""
    took = after["at"] - before["at"]
    own = (after["cpu"] - before["cpu"] + after["spun"] - before["spun"]) / 1e9
    own += load_cpu_s
    other = os.cpu_count() - (after["idle"] - before["idle"] + own) / took
    steal = (after["steal"] - before["steal"]) / took
    result["other_load"] = round(other, 4)
    result["steal"] = round(steal, 4)
    result["disturbed"] = (other > OTHER_LOAD or steal > STEAL or
                           bool(result.get("late")))


def measure_awake(subject, rate, seconds, warm):
    """With something on the subject's core that runs when it would halt."""
    spinner = Process(["chrt", "--idle", "0", "sh", "-c", "while :; do :; done"],
                      SUBJECT_CPU, subject.log)
    try:
        result = measure_once(subject, rate, seconds, warm, spinner=spinner)
        if not spinner.alive():
            raise Failed(f"nothing keeps the core from halting, see {subject.log}")
        return result
    finally:
        spinner.stop()


def measure_once(subject, rate, seconds, warm, *options, spinner=None):
    with subject, Load(subject, rate, seconds, warm, *options) as load:
        pids = subject.pids()
        if load.line() != "window":
            raise Failed("the load generator says something unexpected")
        before = sample(pids, spinner)
        result = json.loads(load.line())
        after = sample(pids, spinner)
        drops = udp_drops(subject.proxy)
        if not subject.process.alive():
            raise Failed(f"{subject.name} has ended, see {subject.log}")
    calls = result["calls"]
    result["cpu_us"] = (after["cpu"] - before["cpu"]) / 1e3 / calls
    result["user_us"], result["system_us"] = (
        (b - a) * 1e6 / calls for a, b in zip(before["split"], after["split"]))
    result["subject_drops"] = drops
    result["again"] = result["sent_again_caller"] + result["sent_again_server"]
    result["again_share"] = result["again"] / calls
    judge(result, before, after, result["cpu_ns"] / 1e9)
    return result


def repeat(once, repeats):
    """The first measurement that nobody disturbed, or the least disturbed."""
    best = None
    for attempt in range(repeats + 1):
        result = once()
        if best is None or not result["disturbed"] or \
                result["other_load"] < best["other_load"]:
            best = result
        if not result["disturbed"]:
            break
    best["repeated"] = attempt
    return best


def settled_pss(pids, least_s, most_s):
    """Waits until the memory stays as it is."""
    begin, last = time.monotonic(), []
    while True:
        last.append(pss_bytes(pids))
        waited = time.monotonic() - begin
        same = len(last) > 3 and max(last[-4:]) <= 1.01 * min(last[-4:])
        if waited >= most_s or (waited >= least_s and same):
            return last[-1], waited
        time.sleep(3)


def measure_memory(subject, calls, rate, wait):
    """Pss idle, with calls ringing, and when all timers have run out."""
    with subject:
        with Load(subject, 10, 1, 0) as load:
            load.line()
            load.line()
        time.sleep(1)
        pids = subject.pids()
        idle = pss_bytes(pids)
        with Load(subject, rate, calls / rate, 0, "--held") as load:
            line = load.line()
            if line == "window":
                line = load.line()
            if line != "ringing":
                return {"calls": calls, "idle": idle, "failed": calls}
            time.sleep(1)
            held = pss_bytes(pids)
            load.release()
            result = json.loads(load.line())
        after, waited = settled_pss(pids, wait, wait + 30) if wait else (0, 0)
    return {"calls": result["calls"], "failed": result["failed"], "idle": idle,
            "held": held, "after": after, "waited_s": round(waited, 1),
            "per_call": (held - idle) / calls,
            "after_percent": 100 * after / idle if after and idle else None}


def sipp(label, subject, work, scenario, port, *arguments):
    own = free_ports(2)
    return Process(
        ["sipp", "-i", "127.0.0.1", "-p", port, "-cp", own[0], "-mp",
         10000 + own[1] % 8000, "-nostdin", "-skip_rlimit",
         "-watchdog_minor_maxtriggers", "100000",
         "-watchdog_major_maxtriggers", "100000", "-trace_err", "-error_file",
         work / f"sipp-{label}.errors", "-sf",
         HERE.parent / "interop/scenarios" / scenario, *arguments],
        LOAD_CPU, str(work / f"sipp-{label}.log"))


def children_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait_end(process, seconds):
    try:
        return process.popen.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return -1


def measure_sipp(subject, rate, seconds, work):
    """The same with an independent generator on the other core."""
    calls = int(rate * seconds)
    used = children_s()
    with subject:
        server = sipp("server", subject, work, "uas_any.xml", subject.server,
                      "-m", calls)
        for _ in range(100):
            if port_in_use(subject.server):
                break
            time.sleep(0.05)
        pids = subject.pids()
        before = sample(pids)
        caller = sipp("caller", subject, work, "uac_any.xml", subject.caller,
                      "-m", calls, "-r", rate, "-rp", 1000, "-l", calls,
                      f"127.0.0.1:{subject.proxy}")
        status = wait_end(caller, seconds + 60) or wait_end(server, 5)
        after = sample(pids)
        server.stop()
        caller.stop()
        used = children_s() - used
    result = {"calls": calls, "status": status, "failed": int(status != 0),
              "cpu_us": (after["cpu"] - before["cpu"]) / 1e3 / calls}
    judge(result, before, after, used)
    return result
