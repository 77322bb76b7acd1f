"""Words of the glossary on the page, each explained where it stands; time, event and block in sight."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, found
from web_samples import small_source

from mutualize.report.web.page import page_of
from mutualize.report.web.sentences import GLOSSARY
from mutualize.report.web.source import Source
from mutualize.run import Run, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not found(), reason="there is no Chromium on this machine"),
]
CHAINED = Path(__file__).parent / "small"
"""A scenario with a chain, of which a block takes 12 seconds."""
UNEXPLAINED = """[...document.querySelectorAll('section:not(#words)')].flatMap(part => {
  const words = [...part.querySelectorAll('[data-word]')].map(at => at.dataset.word);
  const texts = [...part.querySelectorAll('h2,h3,th,label,.lead,.pick,#trust li,.tag,#now')];
  const own = texts.map(at => at.textContent.toLowerCase());
  const isThere = (word) => own.some(text => new RegExp(`\\\\b${word}\\\\b`).test(text));
  return %s.filter(word => isThere(word) && !words.includes(word))
    .map(word => `${part.id}: ${word}`);
})"""

IN_SIGHT = """['#now', '#where'].map(name => document.querySelector(name)).filter(at => {
  const box = at.getBoundingClientRect();
  return at.offsetHeight && box.top >= 0 && box.bottom <= innerHeight;
}).map(at => at.innerText)"""
"""The places that tell the time and can be seen: one of them, wherever one has scrolled to."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for all tests, whose page has the focus."""
    with Browser() as started:
        started.call("Emulation.setFocusEmulationEnabled", enabled=True)
        yield started


@pytest.fixture(scope="module")
def chained() -> Run:
    """Return a run with a chain."""
    return run(CHAINED)


@pytest.fixture(scope="module")
def pages(chained: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the pages of a run without a chain, and of one with it."""
    folder = tmp_path_factory.mktemp("glossary")
    (folder / "plain.html").write_text(page_of(small_source()), "utf-8")
    (folder / "chained.html").write_text(page_of(Source(chained.summary, chained.entries)), "utf-8")
    return [folder / "plain.html", folder / "chained.html"]


def note(browser: Browser) -> str:
    """Return the note that is open; nothing where none is."""
    shown = "(at => at.offsetHeight ? at.innerText : '')(document.querySelector('#note'))"
    return str(browser.run(shown))


def test_each_word_in_a_heading_a_label_or_a_card_is_explained(browser: Browser, pages: list[Path]) -> None:
    """In every part of the page each term there can be asked for, and its meaning is what describes it."""
    seen = set()
    for page in pages:
        browser.open(page)
        assert browser.run(UNEXPLAINED % json.dumps(list(GLOSSARY))) == []
        told = browser.run(
            "[...document.querySelectorAll('[data-word]')].map(at => [at.tagName, at.dataset.word,"
            " document.getElementById(at.getAttribute('aria-describedby')).textContent])"
        )
        assert all((tag, meaning) == ("BUTTON", GLOSSARY[word]) for tag, word, meaning in told)
        seen |= {word for _, word, _ in told}
    assert {"batch", "block", "deficit", "haircut", "held-out", "shortfall", "slash", "tier"} <= seen


def test_a_word_answers_the_keyboard(browser: Browser, pages: list[Path]) -> None:
    """Tab comes to it and its note opens, Escape closes it, Enter opens it again; leaving closes it."""
    browser.open(pages[0])
    browser.run("document.querySelector('#guess-go').focus()")
    browser.tab()
    assert browser.run("document.activeElement.dataset.word") == "batch"
    assert note(browser) == f"batch {GLOSSARY['batch']}"
    browser.key("Escape")
    assert note(browser) == ""
    browser.run("document.activeElement.click()")
    assert note(browser) == f"batch {GLOSSARY['batch']}"
    browser.tab()
    assert note(browser) == f"event {GLOSSARY['event']}"
    browser.run("document.querySelector('#slider').focus()")
    assert note(browser) == ""


def test_a_word_answers_a_finger(browser: Browser, pages: list[Path]) -> None:
    """On a phone a tap opens the note, inside of the screen, and a tap elsewhere closes it."""
    browser.open(pages[0], width=390, height=844)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    words = browser.run("(window.seen = [...document.querySelectorAll('.word')]"
                        ".filter(at => !at.closest('details:not([open])'))).length")  # fmt: skip
    assert words > 25
    for number in range(words):
        place = browser.run(
            f"(() => {{ const at = window.seen[{number}];"
            " at.scrollIntoView({block: 'center'}); const box = at.getBoundingClientRect();"
            " return [box.left + box.width / 2, box.top + box.height / 2, at.dataset.word]; })()"
        )
        tap(browser, *place[:2])
        assert note(browser) == f"{place[2]} {GLOSSARY[place[2]]}"
        left, right = browser.run("(box => [box.left, box.right])(document.querySelector('#note')"
                                  ".getBoundingClientRect())")  # fmt: skip
        assert 0 <= left < right <= 390
        browser.key("Escape")  # it may lie on the next word
    browser.run("(() => { scrollTo(0, 0); document.querySelector('#answer .word').click(); })()")
    assert note(browser) != ""
    box = browser.run("(box => [box.left + 9, box.top + 9])(document.querySelector('h1')"
                      ".getBoundingClientRect())")  # fmt: skip
    tap(browser, *box)
    assert note(browser) == ""
    assert browser.run("document.documentElement.scrollWidth") == 390
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)


def tap(browser: Browser, x: float, y: float) -> None:
    """Touch the screen once."""
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.run("new Promise(go => setTimeout(go, 50))")


def test_a_pointer_over_a_word_is_enough(browser: Browser, pages: list[Path]) -> None:
    """The note opens under the pointer, stays while the pointer is on it, and goes when it has left."""
    browser.open(pages[0])
    move = "Input.dispatchMouseEvent"
    x, y = browser.run("(box => [box.left + 4, box.top + 4])(document.querySelector('#answer .word')"
                       ".getBoundingClientRect())")  # fmt: skip
    browser.call(move, type="mouseMoved", x=x, y=y)
    assert note(browser).startswith("stake ")
    x, y = browser.run("(box => [box.left + 9, box.top + 9])(document.querySelector('#note')"
                       ".getBoundingClientRect())")  # fmt: skip
    browser.call(move, type="mouseMoved", x=x, y=y)
    browser.run("new Promise(go => setTimeout(go, 400))")
    assert note(browser).startswith("stake ")
    browser.call(move, type="mouseMoved", x=2, y=2)
    browser.run("new Promise(go => setTimeout(go, 400))")
    assert note(browser) == ""


def test_words_are_printed_and_notes_are_not(browser: Browser, pages: list[Path]) -> None:
    """On paper a word is a word."""
    browser.open(pages[0])
    browser.run("document.querySelector('.word').click()")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.run("document.querySelector('#answer .word').offsetHeight") > 0
    assert note(browser) == ""
    browser.call("Emulation.setEmulatedMedia", media="")


def test_time_block_and_event_stay_in_sight(browser: Browser, pages: list[Path], chained: Run) -> None:
    """At every event the block is the whole blocks since the start; without a chain none is told."""
    browser.open(pages[1])
    entries = list(chained.entries())
    assert chained.summary["scenario"]["block_s"] == 12
    for seq in (0, 7, len(entries) - 3, len(entries) - 1):
        browser.run(f"mutualize.app.go({seq})")
        told = browser.text("#now")
        since = entries[seq].at - entries[0].at
        assert f"event {seq:,} of {len(entries) - 1:,}, block {since // 12:,}, transaction" in told
        assert re.match(r"2024-01-01 \d\d:\d\d:\d\d UTC", told)
        label = browser.run("document.querySelector('#slider').getAttribute('aria-valuetext')")
        assert label.endswith(f", block {since // 12}")
    for place in ("#vessels", "#values", "#why", "#words"):
        browser.run(f"document.querySelector('{place}').scrollIntoView()")
        browser.run("new Promise(go => setTimeout(go, 100))")
        assert len(browser.run(IN_SIGHT)) == 1, place
    assert browser.run(IN_SIGHT)[0] == f"{told.split(' UTC')[0]} UTC · event {seq:,} · block {since // 12:,}"
    browser.open(pages[0])
    assert "block" not in browser.text("#now")
    assert browser.text("#now").endswith("event 104 of 123, transaction 101")
