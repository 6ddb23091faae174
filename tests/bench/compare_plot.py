"""The picture of tests/bench/compare: CPU time per call over the rate.

SPDX-License-Identifier: MIT
"""
import math
from statistics import median
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 112, 64, 56
# Told apart by those who do not see colours as others do, too.
COLOURS = {"relay": "#5b6770", "kamailio": "#c2571a", "srf-proxy": "#1664b0",
           "single": "#5fa3d9"}
NAMES = {"relay": "bare relay", "kamailio": "Kamailio", "srf-proxy": "srf-proxy",
         "single": "--gather 0s"}
FONT = "font-family='Helvetica, Arial, sans-serif'"


def text(x, y, string, size=12, anchor="start", colour="#3a3a3a", more=""):
    return (f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' "
            f"text-anchor='{anchor}' fill='{colour}' {more}>"
            f"{escape(string)}</text>")


def nice_step(highest):
    for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000):
        if highest / step <= 7:
            return step
    return 10 ** math.ceil(math.log10(highest / 7))


class Axes:
    """From calls per second (log) and microseconds to places."""

    def __init__(self, rates, highest):
        self.low, self.high = math.log(rates[0]), math.log(rates[-1])
        self.step = nice_step(highest)
        self.top = self.step * math.ceil(highest * 1.05 / self.step)

    def x(self, rate):
        share = (math.log(rate) - self.low) / (self.high - self.low or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, us):
        return HEIGHT - BOTTOM - us / self.top * (HEIGHT - TOP - BOTTOM)


def points(report, subject, rates):
    """Rates of which every run of the subject held, with least, median, most."""
    from compare_report import held
    out = []
    for rate in rates:
        runs = report.of("rate", subject, rate)
        if runs and all(held(run) for run in runs):
            values = [run["cpu_us"] for run in runs]
            out.append((rate, min(values), median(values), max(values)))
    return out


def draw_axes(axes, rates):
    out = []
    for i in range(round(axes.top / axes.step) + 1):
        us = i * axes.step
        y = axes.y(us)
        out.append(f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' "
                   f"y2='{y:.1f}' stroke='{'#8a8a8a' if us == 0 else '#e3e3e3'}'/>")
        out.append(text(LEFT - 8, y + 4, f"{us:g}", anchor="end"))
    last = -100.0
    for rate in rates:
        x = axes.x(rate)
        y = axes.y(0)
        out.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y:.1f}' "
                   f"y2='{y + 5:.1f}' stroke='#8a8a8a'/>")
        if x - last >= 50:
            out.append(text(x, y + 19, f"{rate:,}".replace(",", "\u2009"),
                            anchor="middle"))
            last = x
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(text(middle, HEIGHT - 14, "calls per second (logarithmic)",
                    anchor="middle"))
    return out


def draw_subject(axes, subject, line):
    colour = COLOURS[subject]
    path = " ".join(f"{axes.x(r):.1f},{axes.y(mid):.1f}" for r, _, mid, _ in line)
    band = [f"{axes.x(r):.1f},{axes.y(most):.1f}" for r, _, _, most in line]
    band += [f"{axes.x(r):.1f},{axes.y(least):.1f}"
             for r, least, _, _ in reversed(line)]
    out = [f"<polygon points='{' '.join(band)}' fill='{colour}' "
           "fill-opacity='0.16'/>",
           f"<polyline points='{path}' fill='none' stroke='{colour}' "
           "stroke-width='2.2' stroke-linejoin='round'/>"]
    out += [f"<circle cx='{axes.x(r):.1f}' cy='{axes.y(mid):.1f}' r='3.2' "
            f"fill='{colour}'/>" for r, _, mid, _ in line]
    return out


def draw_labels(axes, lines):
    """Each at the end of its line, apart from each other."""
    places = sorted((axes.y(line[-1][2]), subject)
                    for subject, line in lines.items())
    out, last = [], -100.0
    for y, subject in places:
        last = max(y, last + 16)
        x = axes.x(lines[subject][-1][0])
        if x > WIDTH - RIGHT - 80:  # not over the lines that go on
            x = WIDTH - RIGHT
        out.append(text(x + 10, last + 4, NAMES[subject], 13,
                        colour=COLOURS[subject], more="font-weight='bold'"))
    return out


def subtitle(rounds):
    out = "microseconds of the process per record-routed call over UDP"
    if rounds > 1:
        out += f"; the band is from the least to the most of {rounds} rounds"
    return out


def draw(report):
    """The picture as text; None when nothing was measured at rates."""
    rates = report.rates("rate")
    lines = {subject: points(report, subject, rates) for subject in COLOURS}
    lines = {subject: line for subject, line in lines.items() if line}
    if not lines:
        return None
    shown = sorted({rate for line in lines.values() for rate, *_ in line})
    axes = Axes(shown, max(most for line in lines.values()
                           for *_, most in line))
    out = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} "
           f"{HEIGHT}' width='{WIDTH}' height='{HEIGHT}' role='img' "
           "aria-label='CPU time per call over the rate of calls'>",
           f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>",
           text(LEFT - 44, 26, "CPU time of one call, on one core", 17,
                colour="#1a1a1a", more="font-weight='bold'"),
           text(LEFT - 44, 46, subtitle(report.data["rounds"]), 12,
                colour="#5a5a5a")]
    out += draw_axes(axes, shown)
    for subject, line in lines.items():
        out += draw_subject(axes, subject, line)
    out += draw_labels(axes, lines)
    out.append("</svg>")
    return "\n".join(out) + "\n"
