"""The address of a page: a link shows a moment of a run, and what was changed in "What if"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, found
from web_samples import small_source

from mutualize.report.web.page import page_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not found(), reason="there is no Chromium on this machine"),
]
SETTLED = "new Promise(go => setTimeout(go, 600))"
"""The address follows when nothing has changed for a moment."""


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


def at(browser: Browser, page: Path, address: str) -> None:
    """Open a page at an address behind its name."""
    browser.open(page, address=address)
    assert browser.errors == []


def test_an_address_shares_an_event(browser: Browser, page: Path) -> None:
    """What is behind the '#' of an address is the event that is looked at, in the older spelling too."""
    at(browser, page, "")
    browser.run("location.hash = '#e=110'")
    browser.run(SETTLED)
    assert browser.run("mutualize.app.row") == 110
    assert "haircut has to pay 14,991.79 USDC" in browser.text("#say")
    assert browser.run("location.hash") == "#event=110"
    browser.key("ArrowRight")
    browser.run(SETTLED)
    assert browser.run("location.hash") == "#event=111"
    at(browser, page, "#event=116")
    assert browser.run("mutualize.app.row") == 116
    assert abs(browser.run("document.querySelector('#waterfall').getBoundingClientRect().top")) < 200
    assert browser.text("#astray") == ""


def change(browser: Browser, selector: str, value: str, kind: str = "change") -> None:
    """Set a control of the page, as a person would."""
    browser.run(
        f"(() => {{ const i = document.querySelector({json.dumps(selector)}); i.value = {json.dumps(value)};"
        f" i.dispatchEvent(new Event('{kind}')); }})()"
    )


def test_an_address_shares_what_was_changed(browser: Browser, page: Path) -> None:
    """Size, share, order, use and rule are in the address, and whoever opens it sees the same outcome."""
    at(browser, page, "")
    browser.run(SETTLED)
    assert "what-if" not in browser.run("location.hash")
    change(browser, "#whatif-out [aria-label='size of insurance-fund in USDC']", "1234")
    change(browser, "#whatif-out [aria-label^='share of stakers']", "12", "input")
    browser.run("document.querySelector('#whatif-out .dials li:last-child input[type=checkbox]').click()")
    change(browser, "#whatif-out select", "equally")
    browser.run("document.querySelector('#whatif-out [aria-label=\"stakers one up\"]').click()")
    told = browser.text("#whatif-out")
    browser.run(SETTLED)
    address = browser.run("location.hash")
    assert "what-if=order:1.0.2;used:1.1.0;extra:-18766000000.0.0;limit:" in address
    assert address.endswith(";rule:equally")
    at(browser, page, address)
    assert browser.text("#whatif-out") == told
    assert "as it was" in told
    assert browser.run("mutualize.app.whatIf.rule") == "equally"
    assert browser.run("document.querySelector('#whatif-out select').value") == "equally"
    browser.run(SETTLED)
    assert browser.run("location.hash") == address
    at(browser, page, address.replace(";", "%3B").replace(":", "%3A"))  # as a mail program may write it
    assert browser.text("#whatif-out") == told
    press = "[...document.querySelectorAll('#whatif-out button')].find(b => b.textContent === 'As it was')"
    browser.run(f"{press}.click()")
    browser.run(SETTLED)
    assert browser.run("location.hash") == "#event=104"


@pytest.mark.parametrize(
    "address",
    [
        "#event=124",
        "#event=-1",
        "#event=1e3",
        "#event=1&event=2",
        "#waterfall=1",
        "#what-if=",
        "#what-if=order:0.0.2",
        "#what-if=order:0.1",
        "#what-if=used:2.1.1",
        "#what-if=extra:-20000000001.0.0",
        "#what-if=extra:0.0.1",
        "#what-if=limit:1.300000000000000000.1000000000000000000",
        "#what-if=limit:1000000000000000000.1000000000000000001.1000000000000000000",
        "#what-if=rule:nobody",
        "#what-if=rule:equally.equally",
        "#what-if=rule:equally;rule:equally",
        "#what-if=constructor:1.1.1",
        "#__proto__=1",
        "#no-such-part",
        "#%E0%A4%A",
        "#what-if=extra:" + "9" * 9_000 + ".0.0",
        "#<img src=x onerror=document.title='owned'>",
    ],
)
def test_an_address_that_means_nothing_is_told(browser: Browser, page: Path, address: str) -> None:
    """What an address asks for and is not here changes nothing, and a line says that it was ignored."""
    at(browser, page, address)
    assert browser.text("#astray").endswith("That part was ignored.")
    assert "This page's address could not be followed" in browser.text("#astray")
    assert browser.run("mutualize.app.row") in (104, 1)
    assert browser.run("JSON.stringify(mutualize.app.whatIf.changed(), (_, v) => typeof v === 'bigint' ?"
                       " String(v) : v) === JSON.stringify(mutualize.app.whatIf.original, (_, v) =>"
                       " typeof v === 'bigint' ? String(v) : v)")  # fmt: skip
    assert browser.run("document.title") == "Three tiers, one afternoon - who paid?"
    assert browser.run("document.images.length") == 0
    browser.run("location.hash = '#event=110'")
    browser.run(SETTLED)
    assert browser.text("#astray") == ""


def test_a_part_of_the_page_is_no_wrong_address(browser: Browser, page: Path) -> None:
    """The links of the page itself, and an address without anything, are followed without a word."""
    for address in ("", "#why", "#word-claim"):
        at(browser, page, address)
        assert browser.text("#astray") == "", address
        assert browser.run("mutualize.app.row") == 104
