"""The page in a browser: it draws itself, obeys the keyboard, keeps texts texts, and computes as Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, found
from web_samples import HOSTILE, hostile_source, long_source, small, small_source

from mutualize.randomness import Stream
from mutualize.report.text import clean
from mutualize.report.web.page import page_of
from mutualize.report.web.thinning import rows_of
from mutualize.report.web.what_if import RULES, Case, case_data, haircut, share_out
from mutualize.tier import CLAIMS, FUND, STAKE, Tier
from mutualize.units import WAD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not found(), reason="there is no Chromium on this machine"),
]
CASES = 1_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for all tests."""
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the small run."""
    path = tmp_path_factory.mktemp("browser") / "page.html"
    path.write_text(page_of(small_source()), "utf-8")
    return path


def opened(browser: Browser, page: Path, **how: Any) -> None:
    """Open a page, which must not complain, and must not ask for anything."""
    browser.open(page, **how)
    assert browser.errors == []
    assert browser.requests == [page.as_uri()]
    assert browser.text("#trouble") == ""


@pytest.mark.parametrize("how", [{}, {"dark": True}, {"width": 390, "height": 844}])
def test_it_draws_itself_and_asks_for_nothing(browser: Browser, page: Path, how: dict[str, Any]) -> None:
    """Light, dark and on a phone: no request, no complaint, nothing too wide, all parts drawn."""
    opened(browser, page, **how)
    assert browser.run("document.documentElement.scrollWidth") <= how.get("width", 1200)
    for part in ("#vessels svg.tank", "#chart canvas", "#flows svg.sankey", "#whatif table", "#sum table"):
        assert browser.run(f"document.querySelectorAll({json.dumps(part)}).length"), part
    assert "insurance-fund 16.9 %" in browser.text("#answer")
    assert "Can I trust this?" in browser.text("#trust")
    assert "0 missed" in browser.text("#trust")


def test_the_policy_lets_nothing_out(browser: Browser, page: Path) -> None:
    """Whatever a script in the page would ask for, or run besides, is refused."""
    opened(browser, page)
    assert browser.run("fetch('https://example.org/').then(() => 'out', () => 'refused')") == "refused"
    tried = "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
    assert browser.run(f"{tried} document.body.append(s); return window.ran ?? 'refused'; }})()") == "refused"


def test_the_keyboard_walks_the_ledger(browser: Browser, page: Path) -> None:
    """Arrows, Home, End, space and the letters move to events, each of which is said in a sentence."""
    opened(browser, page)
    assert browser.run("mutualize.app.row") == 104
    browser.key("ArrowRight")
    assert browser.run("mutualize.app.row") == 105
    assert browser.text("#say").startswith("insurance-fund has to pay 20,000.00 USDC")
    browser.key("ArrowLeft")
    browser.key("n")
    assert browser.run("mutualize.app.row") == 116
    assert "ann's collateral is gone" in browser.text("#say")
    browser.key("p")
    browser.key("d")
    assert browser.run("mutualize.app.row") == 106
    assert "RAN DRY" in browser.run("document.querySelector('.vessel.dry').textContent")
    browser.key("Home")
    assert "event 0 of 123" in browser.text("#now")
    browser.key("End")
    assert "event 123 of 123" in browser.text("#now")
    browser.key(" ")
    assert browser.text("#b-play") == "pause"
    browser.key(" ")
    assert browser.text("#b-play") == "play"
    assert browser.run("document.querySelector('#say').getAttribute('aria-live')") == "polite"
    browser.run("(() => { const s = document.querySelector('#slider'); s.focus(); s.value = 30;"
                " s.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert browser.run("mutualize.app.row") == 30
    browser.key("ArrowRight")
    assert browser.run("mutualize.app.row") == 31
    assert browser.errors == []


def test_every_state_is_that_of_python(browser: Browser, page: Path) -> None:
    """After every event each tier has what a replay of the ledger in Python says it has."""
    opened(browser, page)
    held = browser.run(
        "Array.from({length: mutualize.app.ledger.count}, (_, row) => mutualize.app.fall.tiers.map("
        "(t, i) => String(mutualize.app.state.tier(mutualize.app.fall, i, row).left)))"
    )
    accounts = ("pool:tier:insurance-fund", "pool:tier:stakers", "pool:claims")
    for seq in (0, 30, 104, 106, 109, 111, 122, 123):
        book = small().at(seq=seq)
        assert held[seq] == [str(book.balance(name, "USDC")) for name in accounts], seq


def test_a_loss_has_its_causes_and_its_arithmetic(browser: Browser, page: Path) -> None:
    """The chain goes from the price to the holders' shares, and the table ends at what stays open."""
    opened(browser, page)
    told = browser.text("#why-out")
    for part in (
        "The oracle told 955.61 USD",
        "below one",
        "that fell short",
        "insurance-fund paid",
        "2.99 %",
    ):
        assert part in told
    assert "64,991.795239" in browser.text("#sum-out")
    assert "went to pool:residue" in browser.text("#sum-out")
    browser.run("(() => { const w = document.querySelector('#why-who'); w.value = 'lenders-0003';"
                " w.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert "My money: lenders-0003 (depositors)" in browser.text("#why-out")
    assert "took 4,698.34 USDC" in browser.text("#why-out")


def test_whoever_guesses_does_not_see_the_outcome(browser: Browser, page: Path) -> None:
    """While one guesses, no part shows who paid; then the error is told."""
    opened(browser, page)
    browser.run("document.querySelector('#guess-go').click()")
    for part in ("#waterfall", "#why", "#whatif", "#flows", "#events", "#inputs", "#answer .outcome"):
        assert browser.run(f"document.querySelector('{part}').offsetHeight") == 0, part
    browser.run("document.querySelectorAll('#guess input')[0].value = 100")
    browser.run(
        "[...document.querySelectorAll('#guess button')].find(b => b.textContent === 'Reveal').click()"
    )
    assert "You put 83.04 % of the loss on the wrong shoulders" in browser.text("#guess")
    assert browser.run("document.querySelector('#vessels').offsetHeight") > 0


def test_hostile_names_stay_texts(browser: Browser, tmp_path: Path) -> None:
    """Names with markup, control and bidirectional characters do nothing but be shown."""
    path = tmp_path / "hostile.html"
    path.write_text(page_of(hostile_source()), "utf-8")
    opened(browser, path)
    for name in HOSTILE:
        told = json.dumps(clean(name))
        assert browser.run(f"mutualize.app.ledger.names.includes({told})"), name
        browser.run(f"mutualize.app.why.who({told})")
        assert clean(name) in browser.run("document.querySelector('#why-out').textContent")
    assert browser.run("document.images.length") == 0
    assert browser.run("document.title").startswith(HOSTILE[0])
    assert browser.run("document.querySelectorAll('script').length") == 4
    quoted = browser.run("mutualize.app.tables.eventsCsv()")
    assert "\r\n" in quoted
    assert browser.errors == []


def a_case(stream: Stream) -> Case:
    """Return a random table with random losses: often poor, sometimes with offsets and limits."""
    unit = 10 ** stream.below(25)
    tiers = tuple(
        Tier(
            name=f"t{number}",
            payer=stream.choice((FUND, STAKE, CLAIMS)),
            limit=stream.choice((WAD, WAD, 3 * 10**17, stream.below(WAD + 1))),
            of_loss=stream.choice((WAD, WAD, stream.below(WAD + 1))),
            min_left=stream.choice((0, 0, stream.below(unit + 1))),
            offset=stream.choice((0, 0, stream.below(unit + 1))),
            amount_max=stream.choice((None, None, stream.below(unit * 100 + 1))),
            used=stream.below(8) > 0,
        )
        for number in range(1 + stream.below(5))
    )
    losses = tuple(1 + stream.below(unit * 1_000) for _ in range(1 + stream.below(4)))
    return Case(
        tiers=tiers,
        losses=losses,
        bases=tuple(tuple(stream.below(unit * 1_500) for _ in tiers) for _ in losses),
        extra=tuple(stream.below(unit * 500) - unit * 250 for _ in tiers),
    )


def test_what_if_is_what_python_computes(browser: Browser, page: Path) -> None:
    """On 1,000 random tables the page shares losses out as Python does, to the unit; all ends are reached."""
    opened(browser, page)
    stream = Stream(5, "what-if")
    cases = [a_case(stream) for _ in range(CASES)]
    outcomes = [share_out(case) for case in cases]
    expected = [
        {"paid": [[str(p) for p in row] for row in out.paid], "open": [str(rest) for rest in out.open]}
        for out in outcomes
    ]
    given = json.dumps([case_data(case) for case in cases])
    told = browser.run(
        f"JSON.parse(JSON.stringify({given}.map(c => {{ const o = mutualize.shareOut(mutualize.readCase(c));"
        " return {paid: o.paid, open: o.open}; }), (_, v) => typeof v === 'bigint' ? String(v) : v))"
    )
    assert told == expected
    assert sum(any(out.open) for out in outcomes) > 100
    assert sum(not any(out.open) for out in outcomes) > 100
    assert sum(any(extra < 0 for extra in case.extra) for case in cases) > 100


def test_a_haircut_is_what_python_computes(browser: Browser, page: Path) -> None:
    """By each rule, 250 random haircuts are shared among holders as Python shares them, to the unit."""
    opened(browser, page)
    stream, given, expected = Stream(6, "haircuts"), [], []
    for number in range(CASES):
        rule = RULES[number & 3]
        unit = 10 ** (1 + stream.below(24))
        claims = {f"h{who:02}": stream.below(unit) * stream.below(3) for who in range(1 + stream.below(12))}
        amount = stream.below(sum(claims.values()) * 5 + 4) >> 2
        parts = haircut(rule, amount, claims)
        given.append([rule, str(amount), [str(claim) for claim in claims.values()]])
        expected.append([str(parts.get(name, 0)) for name in claims])
    told = browser.run(
        f"{json.dumps(given)}.map(([r, a, c]) => mutualize.haircut(r, BigInt(a), c.map(BigInt)).map(String))"
    )
    assert told == expected


def test_what_if_shows_the_original_beside(browser: Browser, page: Path) -> None:
    """With a fund of nothing the haircut grows by as much as the fund paid, and the original stays."""
    opened(browser, page)
    before = browser.text("#whatif-out table")
    assert "46,983.42" in before
    browser.run("(() => { const i = document.querySelector('#whatif-out input[type=text]'); i.value = '0';"
                " i.dispatchEvent(new Event('change')); })()")  # fmt: skip
    after = browser.text("#whatif-out table")
    assert "-20,000.00" in after
    assert "66,983.42" in after
    assert "46,983.42" in after


def test_a_hundred_thousand_events_are_walked(browser: Browser, tmp_path: Path) -> None:
    """A long run opens and steps; how fast is for the benchmarks to say, a generous bound stands here."""
    path = tmp_path / "long.html"
    path.write_text(page_of(long_source(99_000)), "utf-8")
    opened(browser, path)
    steps = browser.run(
        "(() => { const a = mutualize.app, from = performance.now(); for (let i = 0; i < 50; i++)"
        " a.go(i * 7919 % a.ledger.count); return (performance.now() - from) / 50; })()"
    )
    assert steps <= 1_000
    assert browser.run("mutualize.app.ledger.count") == 99_124


def test_a_thinned_run_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where neighbours were merged the page tells it, and every tier still ends at what it has."""
    monkeypatch.setattr(
        "mutualize.report.web.story.rows_of", lambda entries: rows_of(entries, full_max=500, kept_max=150)
    )
    path = tmp_path / "thinned.html"
    path.write_text(page_of(long_source(2_000)), "utf-8")
    opened(browser, path)
    browser.key("End")
    assert "of 2,123" in browser.text("#now")
    assert "This run has 2,124 events" in browser.text("#events-out")
    assert "events, merged" in browser.text("#events-out")
    left = browser.run("String(mutualize.app.state.tier(mutualize.app.fall, 1, mutualize.app.row).left)")
    assert left == str(49_000 * 10**6)
    browser.key("p")
    assert "that fell short" in browser.text("#say")


def test_on_paper_nothing_is_left_out(browser: Browser, page: Path) -> None:
    """Printed, the controls go and what they led to stays."""
    opened(browser, page)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("document.querySelector('.buttons').offsetHeight") == 0
    for part in ("#answer", "#trust", "#vessels", "#why-out", "#sum-out", "#flows-out", "#inputs"):
        assert browser.run(f"document.querySelector('{part}').offsetHeight") > 0, part
    browser.call("Emulation.setEmulatedMedia", media="")


def test_a_notebook_may_hold_it(browser: Browser, tmp_path: Path) -> None:
    """Inside a sandboxed frame without an address of its own the page draws itself as well."""
    frame = tmp_path / "notebook.html"
    quoted = small()._repr_html_()
    frame.write_text(f"<!doctype html><meta charset=utf-8><body data-ready=1>{quoted}", "utf-8")
    browser.open(frame)
    tree = browser.call("Page.getFrameTree")["frameTree"]["childFrames"]
    world = browser.call("Page.createIsolatedWorld", frameId=tree[0]["frame"]["id"])["executionContextId"]
    ready = "new Promise(go => setTimeout(() => go(document.body.dataset.ready), 100))"
    for _ in range(100):
        told = browser.call(
            "Runtime.evaluate", expression=ready, contextId=world, awaitPromise=True, returnByValue=True
        )
        if told["result"].get("value") == "1":
            break
    assert told["result"].get("value") == "1"
    assert browser.errors == []
