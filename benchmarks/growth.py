"""How the cost of a crash grows: with positions, with steps, with events. As figures, and as a picture.

    python benchmarks/growth.py                    1k, 10k and 100k positions, 72 and 4,320 steps
    python benchmarks/growth.py --full             1M as well
    python benchmarks/growth.py --positions 1000 --out FOLDER

Each point is one `benchmarks/crash.py` in a process of its own; its seconds are CPU time from the first price
to the seal (`run_s`), genesis apart. growth.json and growth.svg are written when all points are there.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
POSITIONS: Final = (1_000, 10_000, 100_000)
FULL: Final = 1_000_000
STEPS: Final = (72, 4_320)
LEAST_S: Final = 0.001
"""A run is timed to milliseconds, and a logarithm has no nought."""

WIDTH, HEIGHT, MARGIN, GAP = 300, 260, 56, 30
"""Of a panel, in pixels: the plot, what is around it, and what is between two."""
TOP: Final = 64
KEY: Final = 17
"""Between two lines of what tells the lines apart."""
COLORS: Final = ("#0b62a4", "#b8460e", "#2c7a35", "#7a3b8f")
MARKS: Final = ("circle", "square", "circle", "square")

PAGE: Final = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" role="img" color="#1f2328"
 font-family="system-ui, sans-serif" font-size="12">
<title>$title</title>
<desc>$about</desc>
<rect width="100%" height="100%" fill="white"/>
<text x="$left" y="24" font-size="15" font-weight="600" fill="currentColor">$title</text>
<text x="$left" y="43" fill="currentColor">$about</text>
$body</svg>
""")
FRAME: Final = Template(
    '<rect x="$x" y="$y" width="$width" height="$height" fill="none" stroke="currentColor"/>\n'
)
RULE: Final = Template(
    '<line x1="$x1" y1="$y1" x2="$x2" y2="$y2" stroke="currentColor" stroke-opacity="0.18"/>\n'
)
TEXT: Final = Template('<text x="$x" y="$y" text-anchor="$anchor" fill="$fill">$text</text>\n')
LINE: Final = Template('<polyline points="$points" fill="none" stroke="$color" stroke-width="1.8"/>\n')
CIRCLE: Final = Template('<circle cx="$x" cy="$y" r="3.5" fill="$color"><title>$text</title></circle>\n')
SQUARE: Final = Template(
    '<rect x="$x" y="$y" width="7" height="7" fill="$color"><title>$text</title></rect>\n'
)


class Dot(NamedTuple):
    """A point of a line: both are positive, and drawn by their logarithms."""

    x: float
    seconds: float


class Panel(NamedTuple):
    """What the seconds are drawn over, and a line of dots for each of some names."""

    over: str
    lines: dict[str, list[Dot]]


# --- what is measured ------------------------------------------------------------------------------------


def measure(positions: int, steps: int, rule: str, *, to_disk: bool) -> dict[str, Any]:
    """Run one crash in a process of its own; return what it says. Its last line is the JSON."""
    script = str(HERE / "crash.py")
    with TemporaryDirectory() as folder:
        command = [sys.executable, script, "--positions", str(positions), "--steps", str(steps)]
        command += ["--rule", rule, "--json"]
        command += ["--ledger", str(Path(folder) / "ledger.jsonl")] if to_disk else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (found["positions"], found["steps"]) == (positions, steps), "it measured what was asked for"
    assert found["events"] > positions, "everybody entered by an event of his own"
    return found


def panels(points: Sequence[dict[str, Any]]) -> list[Panel]:
    """Return seconds over positions, over steps, and over events."""
    over_positions: dict[str, list[Dot]] = {}
    over_steps: dict[str, list[Dot]] = {}
    over_events: dict[str, list[Dot]] = {}
    for point in sorted(points, key=lambda point: (point["steps"], point["positions"])):
        seconds = max(point["run_s"], LEAST_S)
        many, steps = f"{point['positions']:,} positions", f"{point['steps']:,} steps"
        over_positions.setdefault(steps, []).append(Dot(point["positions"], seconds))
        over_steps.setdefault(many, []).append(Dot(point["steps"], seconds))
        over_events.setdefault(steps, []).append(Dot(point["events"], seconds))
    return [
        Panel("positions", over_positions),
        Panel("price steps", over_steps),
        Panel("events", over_events),
    ]


# --- how it is drawn -------------------------------------------------------------------------------------


class Axis:
    """Whole decades that hold all values, laid over a length in pixels that may run backwards."""

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Return where a value lies, in pixels."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self._begin + share * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        """Return the powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def told(value: float) -> str:
    """Write a power of ten shortly: 0.01, 10, 100k, 1M."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def text(x: float, y: float, words: str, anchor: str = "middle", fill: str = "currentColor") -> str:
    """Return words as an element, escaped."""
    return TEXT.substitute(x=x, y=y, anchor=anchor, fill=fill, text=escape(words))


def mark(number: int, x: float, y: float, words: str) -> str:
    """Return a dot of the line of that number; `words` are shown to who points at it."""
    color, words = COLORS[number % len(COLORS)], escape(words)
    if MARKS[number % len(MARKS)] == "square":
        return SQUARE.substitute(x=x - 3.5, y=y - 3.5, color=color, text=words)
    return CIRCLE.substitute(x=x, y=y, color=color, text=words)


def grid(panel: Panel, left: float, across: Axis, up: Axis) -> str:
    """Return the frame, the rules and what stands at them."""
    right, bottom = left + WIDTH, TOP + HEIGHT
    drawn = FRAME.substitute(x=left, y=TOP, width=WIDTH, height=HEIGHT)
    for tick in across.ticks():
        x = across.at(tick)
        drawn += RULE.substitute(x1=x, y1=TOP, x2=x, y2=bottom) + text(x, bottom + 17, told(tick))
    for tick in up.ticks():
        y = up.at(tick)
        drawn += RULE.substitute(x1=left, y1=y, x2=right, y2=y)
        drawn += text(left - 6, y + 4, f"{told(tick)} s", "end")
    return drawn + text((left + right) / 2, bottom + 37, panel.over)


def draw_panel(panel: Panel, left: float, up: Axis) -> str:
    """Return a panel: its grid, its lines, and which is which."""
    across = Axis([dot.x for dots in panel.lines.values() for dot in dots], left, left + WIDTH)
    drawn = grid(panel, left, across, up)
    for number, (name, dots) in enumerate(panel.lines.items()):
        places = [(across.at(dot.x), up.at(dot.seconds)) for dot in dots]
        color, y = COLORS[number % len(COLORS)], TOP + HEIGHT + 58 + KEY * number
        drawn += LINE.substitute(points=" ".join(f"{x},{y}" for x, y in places), color=color)
        for dot, (x, at) in zip(dots, places, strict=True):
            drawn += mark(number, x, at, f"{name}: {dot.x:,} {panel.over}: {dot.seconds:,} s")
        drawn += mark(number, left + 14, y - 4, name) + text(left + 24, y, name, "start", color)
    return drawn


def draw(points: Sequence[dict[str, Any]]) -> str:
    """Return the picture of all points: three panels beside each other, logarithmic both ways."""
    up = Axis([max(point["run_s"], LEAST_S) for point in points], TOP + HEIGHT, TOP)
    drawn = panels(points)
    body = "".join(
        draw_panel(panel, MARGIN + number * (WIDTH + MARGIN + GAP), up) for number, panel in enumerate(drawn)
    )
    keys = max(len(panel.lines) for panel in drawn)
    rules = " and ".join(dict.fromkeys(point["rule"] for point in points))
    return PAGE.substitute(
        width=3 * (WIDTH + MARGIN + GAP),
        height=TOP + HEIGHT + MARGIN + KEY * keys,
        left=MARGIN,
        title="What a crash costs as it grows",
        about=escape(f"CPU seconds from the first price to the seal, {rules} rule, both axes logarithmic."),
        body=body,
    )


def main() -> None:
    """Measure all points, write the figures and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--positions", type=int, nargs="+", default=list(POSITIONS))
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--full", action="store_true", help="a million positions as well")
    parser.add_argument("--rule", choices=("plain", "exact"), default="exact")
    parser.add_argument("--to-disk", action="store_true", help="stream each ledger to a file that is dropped")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs", help="a folder (docs)")
    given = parser.parse_args()
    sizes = [*given.positions, *([FULL] if given.full else [])]
    points = []
    for positions in sizes:
        for steps in given.steps:
            points.append(measure(positions, steps, given.rule, to_disk=given.to_disk))
            sys.stderr.write(f"{json.dumps(points[-1])}\n")
    data = {"points": points, "python": platform.python_version(), "machine": platform.machine()}
    for name, content in (("growth.json", json.dumps(data, indent=1) + "\n"), ("growth.svg", draw(points))):
        (given.out / name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
