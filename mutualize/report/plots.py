"""Static figures of a run, for a paper: prices over time, and below them what each tier paid and has left.

Made with matplotlib, which is an extra, and nothing of it is global: a figure belongs to who asked for it.
"""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from textwrap import fill
from typing import Any, Final

from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.page import sentences
from mutualize.report.text import amount, clean

COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Told apart by people who see few colours (Okabe and Ito); tiers have hatches as well."""
HATCHES: Final = ("//", "..", "--", "xx", "\\\\", "oo")
WIDTH: Final = 8
"""Inches, as all sizes of matplotlib."""
PRICES_HIGH: Final = 2.6
TIER_HIGH: Final = 0.42
TITLE_WIDE: Final = 100
"""Characters."""


def figure(summary: Data) -> Any:
    """Return a `matplotlib.figure.Figure`. Raises MutualizeError (4) where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        remedy = 'Install it: python -m pip install "mutualize[plot]".'
        raise MutualizeError("", "figures need matplotlib.", remedy, code=Exit.MISSING) from None
    shorts = summary["waterfalls"]
    heights = [PRICES_HIGH, *(0.9 + TIER_HIGH * len(short["tiers"]) for short in shorts)]
    # a notebook shows a figure by itself only where pyplot was loaded: this one says how
    shown = type("Figure", (Figure,), {"_repr_png_": _png})
    drawn = shown(figsize=(WIDTH, sum(heights) + 0.8), layout="constrained")
    axes = drawn.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    answer = fill(clean(" ".join(sentences(summary))), TITLE_WIDE)
    drawn.suptitle(f"{clean(summary['scenario']['title'])}\n{answer}", fontsize=9)
    _prices(axes[0], summary)
    for axis, short in zip(axes[1:], shorts, strict=True):
        _waterfall(axis, short)
    return drawn


def _png(drawn: Any) -> bytes:
    """Return a figure as a picture, as a notebook asks for it."""
    written = BytesIO()
    drawn.savefig(written, format="png")
    return written.getvalue()


def _prices(axis: Any, summary: Data) -> None:
    """Draw prices as shares of the first one: what the oracle told, and dotted what the market said."""
    for place, series in enumerate(summary["prices"]):
        colour = COLOURS[place % len(COLOURS)]
        first = series["told"]["points"][0][1] if series["told"]["points"] else "0"
        if len(series["told"]["points"]) < 2 or not float(first):  # what never moves is no line
            continue
        for name, style, label in (("told", "-", series["asset"]), ("market", ":", None)):
            points = (series[name] or {"points": []})["points"]
            times = [datetime.fromisoformat(at) for at, *_ in points]
            shares = [100 * float(value) / float(first) for _, value, *_ in points]
            where = "steps-post" if name == "told" else "default"
            axis.plot(times, shares, style, color=colour, label=label, drawstyle=where, linewidth=1.2)
    axis.set_ylabel("% of the first price")
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(visible=True, linewidth=0.3)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7, title="oracle; dotted: market", title_fontsize=7)


def _waterfall(axis: Any, short: Data) -> None:
    """Draw each tier as a bar: what it covered, from the top down to what nobody has paid."""
    begun, rows = 0.0, short["tiers"]
    for place, tier in enumerate(rows):
        covered = float(tier["covered"])
        axis.barh(place, covered, left=begun, color=COLOURS[place % len(COLOURS)],
                  hatch=HATCHES[place % len(HATCHES)], edgecolor="white")  # fmt: skip
        begun += covered
    left = float(short["open"])
    axis.barh(len(rows), left, left=begun, color="#555555")
    labels = [f"{clean(tier['tier'])}: {amount(tier['covered'], short['asset'])}" for tier in rows]
    axis.set_yticks(range(len(rows) + 1), [*labels, f"nobody: {amount(short['open'], short['asset'])}"])
    axis.tick_params(labelsize=7)
    axis.invert_yaxis()
    axis.set_xlabel(f"of {amount(short['shortfall'], short['asset'])} that fell short on {short['venue']}",
                    fontsize=8)  # fmt: skip
    axis.set_xlim(0, float(short["shortfall"]) or 1)
