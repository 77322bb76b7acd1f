"""The page of two runs in a browser: one scrubber for both, and each side is what Python says it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, found
from web_compared import FUND, POORER, hostile_comparison, long_comparison
from web_samples import HOSTILE, small, small_source

from mutualize.comparison import comparing
from mutualize.report.text import clean
from mutualize.report.web.beside import page_of_two
from mutualize.report.web.page import page_of
from mutualize.run import Run, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not found(), reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for all tests."""
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the small run beside itself at par, where nobody's claim is cut."""
    path = tmp_path_factory.mktemp("browser") / "two.html"
    with comparing(["three-tiers"], [], ["par"]) as made:
        path.write_text(page_of_two(made), "utf-8")
    return path


def opened(browser: Browser, page: Path, **how: Any) -> None:
    """Open a page, which must not complain, and must not ask for anything."""
    browser.open(page, **how)
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert browser.text("#trouble") == ""


@pytest.mark.parametrize("how", [{}, {"dark": True}, {"width": 390, "height": 844}])
def test_both_sides_draw_themselves(browser: Browser, page: Path, how: dict[str, Any]) -> None:
    """Light, dark and on a phone: no request, no complaint, nothing too wide, all parts on both sides."""
    opened(browser, page, **how)
    assert browser.run("document.documentElement.scrollWidth") <= how.get("width", 1200)
    for part in ("#sideA svg.tank", "#sideB svg.tank", "#prices canvas", "#deficits canvas", "#better table"):
        assert browser.run(f"document.querySelectorAll({json.dumps(part)}).length"), part
    assert "Better off: depositors" in browser.text("#answer")
    a, b = (f"document.querySelector('#side{side}').getBoundingClientRect()" for side in "AB")
    is_phone = "width" in how
    assert browser.run(f"{a}.right <= {b}.left") is not is_phone
    assert browser.run(f"{a}.bottom <= {b}.top") is is_phone


def test_one_keyboard_walks_both_ledgers(browser: Browser, page: Path) -> None:
    """Keys move both sides; each step says for both which event it is, and in a sentence what happened."""
    opened(browser, page)
    assert "A: event 104 of 123 · B: event 104 of 140" in browser.text("#now")
    said = browser.run("document.querySelector('#say').textContent")
    assert said.startswith("A: bob's collateral is gone")
    assert "B: bob's collateral is gone" in said
    assert browser.run("document.querySelector('#say').getAttribute('aria-live')") == "polite"
    for _ in range(6):
        browser.key("ArrowRight")
    assert browser.text("#sideA .told").startswith("haircut has to pay 14,991.79 USDC")
    assert browser.text("#sideB .told").startswith("All tiers are exhausted")
    browser.key("d")
    browser.key("n")
    assert "A: event 116 of 123 · B: event 115 of 140" in browser.text("#now")
    browser.key("p")
    browser.key("p")
    assert browser.text("#say") == "There is no earlier one."
    browser.key("End")
    assert "A: event 123 of 123 · B: event 140 of 140" in browser.text("#now")
    assert browser.text("#sideA .told").startswith("It has ended.")
    browser.key("Home")
    assert "A: event 0 of 123 · B: event 0 of 140" in browser.text("#now")
    browser.key(" ")
    assert browser.text("#b-play") == "pause"
    browser.key(" ")
    browser.run("document.querySelector('#part-out button').click()")
    assert "A: event 110 of 123 · B: event 110 of 140" in browser.text("#now")
    assert browser.errors == []


def test_every_event_of_both_is_stepped_on_in_time(browser: Browser, page: Path) -> None:
    """Steps go forward in time, tell each event of each side once, and end at both ends."""
    opened(browser, page)
    rows, at = browser.run(
        "(() => { const t = mutualize.app.time; return [t.rows.map(r => [...r.slice(0, t.count)]),"
        " [...t.at.slice(0, t.count)]]; })()"
    )
    for side, count in zip(rows, (124, 141), strict=True):
        assert sorted(set(side) - {-1}) == list(range(count))
        assert all(now - before in (0, 1) for before, now in pairwise(side))
    assert at == sorted(at)
    assert len(at) < 124 + 141


def test_both_sides_are_what_python_says(browser: Browser, page: Path) -> None:
    """At sampled moments each tier of each side has what a replay of its own ledger in Python says."""
    opened(browser, page)
    runs: tuple[Run, Run] = (small(), run("three-tiers", variant="par"))
    accounts = {
        "insurance-fund": "pool:tier:insurance-fund",
        "stakers": "pool:tier:stakers",
        "haircut": "pool:claims",
    }
    moments = sorted({entry.at for ran in runs for entry in ran.entries()})
    seen = 0
    for time in [*moments[::7], *moments[-4:]]:
        told = browser.run(
            f"(() => {{ const a = mutualize.app; a.go(a.time.stepAt({time}));"
            " return a.runs.map((run, side) => { const fall = a.falls[side], row = a.time.rows[side][a.row];"
            " return {open: String(run.state.deficit(fall, row)), left:"
            " Object.fromEntries(fall.tiers.map((tier, i) => [tier.tier, String(run.state.tier(fall, i, row)"
            ".left)]))}; }); })()"
        )
        for ran, side in zip(runs, told, strict=True):
            book = ran.at(time=time)
            assert side["open"] == str(book.balance("pool:deficit", "USDC")), time
            for name, left in side["left"].items():
                assert left == str(book.balance(accounts[name], "USDC")), (time, name)
            seen += side["open"] != "0"
    assert seen > 1


def test_a_tier_has_one_scale_and_one_pattern(browser: Browser, tmp_path: Path) -> None:
    """A fund of a quarter is drawn a quarter as high, in one pattern, and where payments part is told."""
    path = tmp_path / "poorer.html"
    with comparing(["three-tiers"], [POORER]) as made:
        path.write_text(page_of_two(made), "utf-8")
    opened(browser, path)
    level = "document.querySelectorAll('#side{} .vessel')[1].querySelector('rect.level')"
    heights = [float(browser.run(f"{level.format(side)}.getAttribute('height')")) for side in "AB"]
    assert heights[1] * 4 == pytest.approx(heights[0], rel=1e-3)
    fills = {browser.run(f"{level.format(side)}.getAttribute('fill')") for side in "AB"}
    assert fills == {"url(#p0)"}
    assert "insurance-fund had covered 20,000.00 in A and 5,000.00 in B" in browser.text("#paid-out")
    assert FUND in browser.text("#inputs")


def test_lines_differ_by_more_than_colour(browser: Browser, page: Path) -> None:
    """Whoever sees no colour sees by the strokes which line is that of which side."""
    opened(browser, page)
    told = browser.run("mutualize.app.lines.plots.map(p => p.series.slice(1).map(s => s.dash || null))")
    assert told == [[None, [9, 5]], [None, [9, 5]]]
    assert "A: 955.61 USD" in browser.text("#prices-legend")
    assert "B: 64,991.79 USDC" in browser.text("#deficits-legend")
    assert browser.run("getComputedStyle(document.querySelector('.stroke.B')).borderTopStyle") == "dashed"


@pytest.mark.parametrize("which", ["one", "two"])
def test_the_moment_stays_where_it_is_when_the_window_changes(
    browser: Browser, page: Path, tmp_path: Path, which: str
) -> None:
    """After the window got narrower and wider again, the line of the moment points at the same time."""
    path = page
    if which == "one":
        path = tmp_path / "one.html"
        path.write_text(page_of(small_source()), "utf-8")
    opened(browser, path)
    plot = "mutualize.app.lines.plots[0]" if which == "two" else "mutualize.app.chart.plot"
    browser.key("Home")
    for _ in range(30):
        browser.key("ArrowRight")
    time = browser.run(f"{plot}.posToVal({plot}.cursor.left, 'x')")
    for width in (1000, 1200):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                     mobile=False)  # fmt: skip
        browser.run(
            "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go, 50))))"
        )
        assert browser.run(f"{plot}.posToVal({plot}.cursor.left, 'x')") == pytest.approx(time, abs=60)


def test_runs_of_different_days_begin_at_once(browser: Browser, tmp_path: Path) -> None:
    """Two runs without a moment in common are laid over each other from their beginnings, and it is said."""
    path = tmp_path / "different.html"
    with comparing(["three-tiers", "umbrella-2025"]) as made:
        path.write_text(page_of_two(made), "utf-8")
    opened(browser, path)
    assert "no moment in common" in browser.text("#clock")
    browser.key("Home")
    assert browser.text("#now-time") == "+00:00"
    assert "2025-10" in browser.text("#sideB .now")
    assert "2024-01-01" in browser.text("#sideA .now")
    browser.key("End")
    assert browser.text("#now-time").startswith("+2")
    assert browser.errors == []


def test_hostile_names_stay_texts_on_both_sides(browser: Browser, tmp_path: Path) -> None:
    """Labels, accounts and lines with markup, control and bidirectional characters are only shown."""
    path = tmp_path / "hostile.html"
    path.write_text(page_of_two(*hostile_comparison()), "utf-8")
    opened(browser, path)
    for name in HOSTILE:
        told = clean(name)
        assert told in browser.run("document.querySelector('#better').textContent"), name
        assert browser.run(f"mutualize.app.runs[1].ledger.names.includes({json.dumps(told)})"), name
    for key in ("Home", "End", "n", "p"):
        browser.key(key)
    assert clean(HOSTILE[0]) in browser.run("document.querySelector('#sideA h3').textContent")
    assert browser.run("document.images.length") == 0
    assert browser.run("document.title").startswith(clean(HOSTILE[0])[:20])
    assert browser.run("document.querySelectorAll('script').length") == 4
    assert browser.errors == []


def test_a_thinned_side_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where one side is thinned to half the room, it is told, and its tiers still end at what they have."""
    monkeypatch.setattr("mutualize.report.web.thinning.FULL_MAX", 3_000)
    monkeypatch.setattr("mutualize.report.web.thinning.KEPT_MAX", 400)
    path = tmp_path / "long.html"
    path.write_text(page_of_two(*long_comparison(2_000)), "utf-8")
    opened(browser, path)
    browser.key("End")
    assert "A: event 123 of 123" in browser.text("#now")
    assert "of 2,123" in browser.text("#now")
    assert "half the room" in browser.text("#waterfall")
    left = "String(a.runs[{0}].state.tier(a.falls[{0}], 1, a.time.rows[{0}][a.row]).left)"
    told = browser.run(
        f"(() => {{ const a = mutualize.app; return [{left.format(0)}, {left.format(1)}]; }})()"
    )
    assert told == [str(49_000 * 10**6)] * 2


def test_on_paper_both_sides_stay(browser: Browser, page: Path) -> None:
    """Printed, the controls go, and both waterfalls, the tables and the parting stay."""
    opened(browser, page)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("document.querySelector('.buttons').offsetHeight") == 0
    for part in ("#answer", "#sideA .vessels", "#sideB .vessels", "#better table", "#part-out", "#inputs"):
        assert browser.run(f"document.querySelector('{part}').offsetHeight") > 0, part
    browser.call("Emulation.setEmulatedMedia", media="")
