"""Tables, budgets and documents of tests/bench/compare.

SPDX-License-Identifier: MIT
"""
import json
import re
from statistics import median

SUBJECTS = ("relay", "kamailio", "srf-proxy", "single")
NAMES = {"relay": "relay", "kamailio": "Kamailio", "srf-proxy": "srf-proxy",
         "single": "--gather 0s"}
MAX_AGAIN = 0.001
BUDGET_RATE = 2000
OF_RELAY, OF_KAMAILIO = 1.3, 0.65
HOLD_RATE = 20000
RINGING_BYTES, HELD_CALLS = 2048, 20000
AFTER_PERCENT = 110
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
PICTURE = "![CPU time per call over the rate](performance.svg)"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def save(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def one_line(result):
    """A run as it is told while the others are made."""
    if "error" in result:
        return f"FAILED: {result['error']}"
    if result["kind"] == "memory":
        if "held" not in result:
            return "the calls do not all ring"
        return (f"{result['per_call']:.0f} bytes per ringing call, "
                f"{result['failed']} failed")
    out = f"{result['cpu_us']:.1f} us per call, {result['failed']} failed"
    if result["kind"] != "sipp":
        out += f", {result['again']} sent again"
    if result["repeated"]:
        out += f", repeated {result['repeated']} times"
    if result["disturbed"]:
        out += f", DISTURBED (others {100 * result['other_load']:.0f} %"
        out += ", generator late)" if result.get("late") else ")"
    return out


def spread(values, form="{:.1f}"):
    if not values:
        return "-"
    if len(values) == 1:
        return form.format(values[0])
    return (f"{form} ({form}-{form})").format(
        median(values), min(values), max(values))


class Table:
    """Rows of text, for a terminal or a document."""

    def __init__(self, title, *head):
        self.title = title
        self.rows = [head]

    def add(self, *row):
        self.rows.append(tuple(str(cell) for cell in row))

    def left(self, column):
        """Names are read from the left, numbers from the right."""
        return column == 0 or self.rows[0][column] == ""

    def lines(self):
        widths = [max(len(row[i]) for row in self.rows)
                  for i in range(len(self.rows[0]))]
        return [[cell.ljust(width) if self.left(i) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
                for row in self.rows]

    def text(self):
        return self.title + "\n" + "\n".join(
            ("  " + "  ".join(row)).rstrip() for row in self.lines())

    def markdown(self):
        lines = self.lines()
        rule = ["-" * max(3, len(cell)) if self.left(i)
                else "-" * max(2, len(cell) - 1) + ":"
                for i, cell in enumerate(lines[0])]
        return f"### {self.title}\n\n" + "\n".join(
            "| " + " | ".join(row) + " |" for row in [lines[0], rule, *lines[1:]])


class Report:
    """What the runs of a comparison say."""

    def __init__(self, data):
        self.data = data
        self.runs = [run for run in data["runs"] if "error" not in run]
        self.budgets = self.make_budgets()

    # ---- reading the runs ----

    def of(self, kind, subject, rate=None):
        return [run for run in self.runs
                if run["kind"] == kind and run["subject"] == subject and
                rate in (None, run["rate_wanted"])]

    def rates(self, kind):
        return sorted({run["rate_wanted"] for run in self.runs
                       if run["kind"] == kind})

    def cpu(self, kind, subject, rate):
        """Microseconds per call, by round."""
        return {run["round"]: run["cpu_us"]
                for run in self.of(kind, subject, rate)}

    def ratios(self, kind, subject, other, rate):
        """Of the rounds that have both; those of one round lie side by side."""
        mine, its = self.cpu(kind, subject, rate), self.cpu(kind, other, rate)
        return [mine[n] / its[n] for n in sorted(mine) if its.get(n)]

    def latency(self, which, subject, rate, quantile):
        values = [run[which][quantile] for run in self.of("rate", subject, rate)]
        return median(values) if values else None

    def added(self, which, subject, rate, quantile):
        mine = self.latency(which, subject, rate, quantile)
        its = self.latency(which, "relay", rate, quantile)
        return "-" if mine is None or its is None else f"{mine - its:+.0f}"

    def highest(self, subject):
        """The highest rate that held in every round, and whether a higher one
        was tried."""
        runs = self.of("rate", subject)
        bad = [run["rate_wanted"] for run in runs if not held(run)]
        good = [run["rate_wanted"] for run in runs
                if not bad or run["rate_wanted"] < min(bad)]
        return (max(good) if good else 0), bool(bad)

    # ---- tables ----

    def rate_table(self, kind, title):
        table = Table(title, "calls/s", "", "failed", "sent again",
                      "CPU us per call", "of relay", "of Kamailio")
        for rate in self.rates(kind):
            for subject in SUBJECTS:
                runs = self.of(kind, subject, rate)
                if not runs:
                    continue
                table.add(
                    rate, NAMES[subject], sum(run["failed"] for run in runs),
                    f"{100 * max(run['again_share'] for run in runs):.2f} %",
                    spread([run["cpu_us"] for run in runs]),
                    spread(self.ratios(kind, subject, "relay", rate), "{:.2f}")
                    if subject != "relay" and self.of(kind, "relay", rate) else "",
                    spread(self.ratios(kind, subject, "kamailio", rate), "{:.2f}")
                    if subject in ("srf-proxy", "single") else "")
        return table

    def latency_table(self):
        table = Table("Latency beyond that of the relay, us", "calls/s", "",
                      "INVITE p50", "INVITE p99", "180 p50", "180 p99")
        for rate in self.rates("rate"):
            for subject in SUBJECTS[1:]:
                if self.of("rate", subject, rate):
                    table.add(rate, NAMES[subject], *(
                        self.added(which, subject, rate, quantile)
                        for which in ("invite", "ringing")
                        for quantile in ("p50_us", "p99_us")))
        return table

    def highest_table(self):
        table = Table("Highest rate without a failed call, calls/s", "", "rate",
                      "next one failed")
        for subject in SUBJECTS:
            if self.of("rate", subject):
                rate, tried = self.highest(subject)
                table.add(NAMES[subject], rate, "yes" if tried else "not reached")
        return table

    def hold_table(self):
        table = Table("20 seconds", "calls/s", "", "calls", "failed",
                      "sent again", "CPU us per call", "INVITE p99 us")
        for run in self.of("hold", "srf-proxy"):
            table.add(f"{run['rate']:.0f}", NAMES[run["subject"]], run["calls"],
                      run["failed"], f"{100 * run['again_share']:.3f} %",
                      f"{run['cpu_us']:.1f}", f"{run['invite']['p99_us']:.0f}")
        return table

    def memory_table(self):
        table = Table("Memory (Pss of all processes)", "", "idle KiB",
                      "calls ringing", "bytes per call", "failed",
                      "afterwards, of idle", "after s")
        for subject in SUBJECTS:
            for run in self.of("memory", subject):
                if "held" in run:
                    percent = run["after_percent"]
                    table.add(NAMES[subject], run["idle"] // 1024, run["calls"],
                              f"{run['per_call']:.0f}", run["failed"],
                              f"{percent:.0f} %" if percent else "-",
                              f"{run['waited_s']:.0f}")
        return table

    def sipp_table(self):
        table = Table("CPU us per call with SIPp as the generator", "calls/s",
                      "", "failed", "SIPp", "own generator")
        for rate in self.rates("sipp"):
            for subject in SUBJECTS:
                for run in self.of("sipp", subject, rate):
                    own = list(self.cpu("rate", subject, rate).values())
                    table.add(rate, NAMES[subject], run["failed"],
                              f"{run['cpu_us']:.1f}", spread(own))
        return table

    def tables(self):
        steady = "Each second as many calls' timers end as calls begin"
        made = [
            self.rate_table("rate", "Calls: INVITE 100 180 200 ACK BYE 200"),
            self.rate_table("failover", "Failover: the first server answers 503"),
            self.rate_table("sleeping", "Calls of peers that sleep in between"),
            self.rate_table("awake", "Calls on a core that is kept from halting"),
            self.rate_table("steady", steady),
            self.latency_table(), self.highest_table(), self.hold_table(),
            self.memory_table(), self.sipp_table()]
        return [table for table in made if len(table.rows) > 1]

    # ---- budgets ----

    def ratio_budget(self, what, kind, other, most):
        ratios = self.ratios(kind, "srf-proxy", other, BUDGET_RATE)
        value = median(ratios) if ratios else None
        return (f"{what}, of {NAMES[other]}'s", value, most, "{:.2f}",
                value is not None and value <= most)

    def hold_budgets(self):
        runs = self.of("hold", "srf-proxy")
        if not runs:
            return [("calls/s for 20 s", None, HOLD_RATE, "{:.0f}", False)]
        run = runs[-1]
        return [
            ("calls/s for 20 s, at least", run["rate"], HOLD_RATE, "{:.0f}",
             run["rate_wanted"] >= HOLD_RATE and
             run["rate"] >= 0.99 * run["rate_wanted"]),
            ("  failed calls", run["failed"], 0, "{:.0f}", run["failed"] == 0),
            ("  sent again, %", 100 * run["again_share"], 100 * MAX_AGAIN,
             "{:.3f}", run["again_share"] <= MAX_AGAIN)]

    def memory_budgets(self):
        # Of fewer calls the tables of an idle stack are too large a part.
        run = next((run for run in self.of("memory", "srf-proxy")
                    if run["calls"] >= HELD_CALLS), {})
        each, after = run.get("per_call"), run.get("after_percent")
        return [
            ("bytes of the process per ringing call", each, RINGING_BYTES,
             "{:.0f}", each is not None and each <= RINGING_BYTES and
             run["failed"] == 0),
            ("memory afterwards, % of idle", after, AFTER_PERCENT, "{:.0f}",
             after is not None and after <= AFTER_PERCENT)]

    def make_budgets(self):
        each = f"CPU per call at {BUDGET_RATE}/s"
        return [
            self.ratio_budget(each, "rate", "relay", OF_RELAY),
            self.ratio_budget(each, "rate", "kamailio", OF_KAMAILIO),
            self.ratio_budget("the same with failover", "failover", "kamailio",
                              OF_KAMAILIO),
            *self.hold_budgets(), *self.memory_budgets()]

    def good(self):
        """Every budget that was measured holds, and nothing was lost."""
        return (len(self.runs) == len(self.data["runs"]) and
                any(value is not None for _, value, *_ in self.budgets) and
                not self.lost() and
                all(good for _, value, _, _, good in self.budgets
                    if value is not None))

    def lost(self):
        """Failed calls where none may fail: up to the rate of the budgets."""
        return [run for run in self.runs
                if run["failed"] and run["subject"] != "kamailio" and
                (run["kind"] in ("sipp", "memory") or
                 run["rate_wanted"] <= BUDGET_RATE)]

    def budget_table(self):
        table = Table("Budgets", "srf-proxy", "measured", "budget", "")
        for what, value, limit, form, good in self.budgets:
            verdict = "ok" if good else "ABOVE" if "least" not in what else "BELOW"
            if value is None:
                table.add(what, "-", form.format(limit), "not measured")
            else:
                table.add(what, form.format(value), form.format(limit), verdict)
        return table

    # ---- all of it ----

    def notes(self):
        out = []
        for run in self.data["runs"]:
            name = f"{run['kind']}, {run['subject']}, {run['rate_wanted']}/s, " \
                f"round {run['round']}"
            if "error" in run:
                out.append(f"not measured: {name}: {run['error']}")
            elif run["disturbed"]:
                out.append(
                    f"stayed disturbed: {name}: others "
                    f"{100 * run['other_load']:.0f} % of a core, stolen "
                    f"{100 * run['steal']:.1f} %" +
                    (", generator late" if run.get("late") else ""))
        out += [f"calls failed: {run['kind']}, {run['subject']}, "
                f"{run['rate_wanted']}/s: {run['failed']}" for run in self.lost()]
        return out

    def where(self):
        machine = self.data["machine"]
        return (f"{machine['cpu']}, {machine['cores']} cores, Linux "
                f"{machine['kernel']}; {machine['srf-proxy']}, "
                f"{machine['kamailio']}; "
                f"{self.data['date']}; {self.data['rounds']} rounds of "
                f"{self.data['seconds']:g} s, median (least-most)")

    def text(self):
        out = [self.where()] + [table.text() for table in self.tables()]
        out.append(self.budget_table().text())
        notes = self.notes()
        if notes:
            out.append("Notes\n" + "\n".join("  " + note for note in notes))
        return "\n\n".join(out)

    def markdown(self):
        out = [self.where() + "."]
        if self.data["quick"]:
            out.append("These are the figures of a short run and say little.")
        out += [table.markdown() for table in self.tables()]
        out.append(self.budget_table().markdown())
        disturbed = sum("stayed" in note for note in self.notes())
        if disturbed:
            out.append(f"{disturbed} of {len(self.runs)} measurements stayed "
                       "disturbed by other work of the machine.")
        return "\n\n".join(out) + "\n"


def held(run):
    return run["failed"] == 0 and run["again_share"] <= MAX_AGAIN


def update_document(path, report):
    text = path.read_text(encoding="utf-8")
    new, count = re.subn(
        re.escape(BEGIN) + ".*?" + re.escape(END),
        lambda _: f"{BEGIN}\n\n{PICTURE}\n\n{report.markdown()}\n{END}", text,
        flags=re.S)
    if count != 1:
        raise SystemExit(f"compare: {path} has no place for the figures")
    path.write_text(new, encoding="utf-8")
