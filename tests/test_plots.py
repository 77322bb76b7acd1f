"""Static figures: what is drawn is what the summary says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import mutualize
from mutualize.errors import MutualizeError

SMALL = Path(__file__).parent / "small"


def test_a_figure_shows_prices_and_each_tier() -> None:
    """A bar for each tier, as long as what it covered, one for what is open, and a line for each price."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: the extra 'plot'")
    ran = mutualize.run(SMALL)
    drawn = ran.plot()
    prices, *waterfalls = drawn.axes
    assert len(waterfalls) == len(ran.summary["waterfalls"]) == 1
    assert len(prices.lines) == 2 * len(
        [one for one in ran.summary["prices"] if len(one["told"]["points"]) > 1]
    )
    (short,) = ran.summary["waterfalls"]
    widths = [bar.get_width() for bar in waterfalls[0].patches]
    expected = [*(tier["covered"] for tier in short["tiers"]), short["open"]]
    assert widths == pytest.approx([float(numeral) for numeral in expected])
    assert any("insurance-fund: 500.00 USDC" in label.get_text() for label in waterfalls[0].get_yticklabels())


def test_a_figure_can_be_saved(tmp_path: Path) -> None:
    """As a vector or as dots, also where nothing fell short."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: the extra 'plot'")
    level = [["2024-01-01T00:00:00Z", "1000"], ["2024-01-01T06:00:00Z", "1000"]]
    calm = mutualize.run(SMALL, set={"markets.ETH.points": level})
    assert not calm.summary["waterfalls"]
    for ran in (mutualize.run(SMALL, variant="par"), calm):
        for name in ("figure.svg", "figure.png"):
            ran.plot().savefig(tmp_path / name)
            assert (tmp_path / name).stat().st_size > 1_000


def test_a_notebook_shows_a_figure() -> None:
    """A figure answers the question that a notebook puts to a last value: for a picture."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: the extra 'plot'")
    assert mutualize.run(SMALL).plot()._repr_png_().startswith(b"\x89PNG\r\n")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is missing is named."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MutualizeError, match=r"mutualize\[plot\]"):
        mutualize.run(SMALL).plot()
