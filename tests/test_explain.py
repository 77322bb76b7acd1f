"""`mutualize explain`: from the market to the last holder, in sentences, and from any side that one asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_cli import call, from_json
from test_sentences import HOSTILE, steers

import mutualize
from mutualize import events as e
from mutualize import tier_events as te
from mutualize.accounts import Transfer
from mutualize.book import Book
from mutualize.events import Cell, Entry, Event
from mutualize.ledger import FileLedger, header
from mutualize.report.explain.answer import explained
from mutualize.report.explain.holders import shares_of
from mutualize.report.plain import plain
from mutualize.report.sentences.words import Units, Words
from mutualize.tables import balance_table

LEDGERS = Path(__file__).parent / "ledgers"


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of three-tiers."""
    path = tmp_path_factory.mktemp("runs") / "tiers"
    mutualize.run("three-tiers", out=path)
    return path


def told(ledger: Path, **asked: Any) -> str:
    """Return an explanation as one text, line ends taken out."""
    return " ".join(plain(explained(ledger / "ledger.jsonl", **asked).page()).split())


def test_a_loss_is_explained_from_the_market_to_the_last_holder(tiers: Path) -> None:
    """Each link of the chain is a sentence with its figures, in the order in which it happened."""
    text = told(tiers)
    links = [
        "117,983.42383 USDC of 2 debtors fell short on pool",
        "insurance-fund 20,000 USDC (16.95 %), stakers 51,000 USDC (43.22 %)",
        "and haircut 46,983.42383 USDC (39.82 %); nothing is missing any more",
        "ETH had fallen by 52.21 %: the oracle told 2,000 USD",
        "and 955.61111111 USD at last, while the market said 901.16111111 USD",
        "The health factor of bob was 0.520677853921970236, below 1",
        "10 liquidations by 2 liquidators",
        "102.539943 USDC less than at the prices before (slippage)",
        "64,991.795239 USDC that bob owed fell short on pool",
        "insurance-fund at pool paid 20,000 USDC; 44,991.795239 USDC is still missing",
        "Each of 4 holders lost 30.0000 % of his stake in USDC",
        "haircut at pool paid 14,991.795239 USDC, borne by claims",
        "Each of 10 holders lost 2.9983 % of his claim in USDC: lenders-0001 1,499.179524 USDC",
    ]
    places = [text.find(link) for link in links]
    assert -1 not in places, links[places.index(-1)]
    assert places == sorted(places)


def test_a_holder_is_told_what_touched_him_and_what_it_came_to(tiers: Path) -> None:
    """A haircut visits nobody, and yet it stands in the story of each holder, with what it took."""
    text = told(tiers, account="lenders-0001")
    assert "lenders-0001 lost 4,697.790651 USDC: had 50,000 USDC in venues at the start," in text
    assert "had 45,302.209349 USDC at the end" in text
    assert "[4] lenders-0001 lent 50,000 USDC to pool." in text
    assert (
        "[111] lenders-0001 lost 1,499.179524 USDC by it: 2.9983 % of his claim of 50,000.551476 USDC" in text
    )
    assert "[119] backers-0001 lost 5,250 USDC by it" in told(tiers, account="backers-0001")


def test_what_a_holder_lost_is_what_the_summary_says(tiers: Path) -> None:
    """The story from the ledger alone ends with the gains of the report."""
    summary = mutualize.run("three-tiers", ledger="none").summary
    for row in summary["gains"]["largest"]:
        text = told(tiers, account=row["account"])
        for asset, gain in row["gains"].items():
            whole, _, fraction = gain.lstrip("-").partition(".")
            figure = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
            assert f"{row['account']} {'lost' if gain.startswith('-') else 'gained'} {figure} {asset}" in text


def test_an_event_is_explained_backwards_and_forwards(tiers: Path) -> None:
    """One price led to all that was lost; and a payment leads back to that price."""
    text = told(tiers, event=28)
    assert "It led to 95 events" in text
    assert "117,983.42383 USDC fell short on pool in all." in text
    assert "46,983.42383 USDC was paid by haircut of pool in all." in text
    assert "No event led to it" in text
    back = told(tiers, event=111)
    assert back.index("[28] The oracle") < back.index("[104]") < back.index("[110] haircut")
    assert "14,991.795239 USDC: debit pool:claims, credit pool:deficit." in back
    assert "It led to nothing." in back
    assert "10 liquidations by 2 liquidators" in told(tiers, event=104)


def test_a_debt_is_told_as_one(tiers: Path) -> None:
    """Who owed at the start and owes no more has gained what he does not have to pay."""
    text = told(tiers, account="ann")
    assert "ann gained 144,000 USDC: owed 144,000 USDC in venues at the start, had 0 USDC at the end" in text


def test_a_tier_is_told_with_what_led_to_it(tiers: Path) -> None:
    """Before each payment stands the shortfall that it was for."""
    text = told(tiers, tier="stakers")
    assert "reached 2 times and made to owe 51,000 USDC. It covered 51,000 USDC (100.00 %)" in text
    assert text.index("Since 64,991.795239") < text.index("[109]") < text.index("Since 52,991.628591")


def test_an_answer_as_json_names_events(tiers: Path) -> None:
    """Programs get the same sentences, each with its event, and what the ledger is."""
    data = from_json("explain", str(tiers))
    assert data["schema"] == "mutualize/explain@1"
    assert data["ledger"]["condition"] == "sealed"
    sentences = [step for part in data["parts"] for step in part["sentences"]]
    assert {"event", "at", "text"} == set(sentences[0])
    assert 104 in [step["event"] for step in sentences]


def test_nothing_that_fell_short_is_an_answer_too() -> None:
    """A ledger without a shortfall says so."""
    assert "Nothing fell short." in call("explain", str(LEDGERS / "empty.jsonl")).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--account", "lendrs-0001"], 2, "Did you mean 'lenders-0001'?"),
        (["--tier", "staker"], 2, "Did you mean 'stakers'?"),
        (["--event", "124"], 2, "there is no event 124"),
        (["--event", "1", "--tier", "stakers"], 2, "one question at a time"),
    ],
)
def test_a_question_about_nothing_is_answered_with_the_nearest(
    tiers: Path, words: list[str], code: int, said: str
) -> None:
    """What is not in the ledger is an error that helps."""
    assert said in call("explain", str(tiers), *words, code=code).stderr


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("torn", 6, "torn"),
        ("unsealed", 7, "unsealed"),
        ("corrupt", 8, "corrupt"),
        ("none", 4, "does not exist"),
    ],
)
def test_a_damaged_ledger_is_explained_as_far_as_it_goes(name: str, code: int, said: str) -> None:
    """Whole batches are told, with a warning; a corrupt ledger is not told at all."""
    done = call("explain", str(LEDGERS / f"{name}.jsonl"), code=code)
    assert said in done.stderr
    assert bool(done.stdout) == (code in (6, 7))


def test_what_each_account_paid_out_of_its_balance_is_told() -> None:
    """Where a venue keeps balances, a haircut's shares follow from what each has before and after."""
    table, book = balance_table("ex", "USD"), Book()
    had = tuple(Cell(table, name, 100 * number) for number, name in enumerate("abcde", 1))
    book.apply(Entry(0, 1_704_103_200, 0, None, te.NumbersSet(venue="ex", table=table, cells=had)))
    left = tuple(Cell(table, name, 90 * number) for number, name in enumerate("abcde", 1))
    paid = e.LossAbsorbed(
        venue="ex", asset="USD", tier="haircut", index=0, bearer="claims", amount=150, rest=0,
        paid_asset="USD", paid=150, price=1, paid_price=1, cells=left,
    )  # fmt: skip
    assert list(shares_of(paid, book, Words(Units({"USD": 2})))) == [
        "5 accounts paid it out of balances: e 0.5 USD, d 0.4 USD, c 0.3 USD and 2 others 0.3 USD."
    ]


def written(path: Path, events: list[Event]) -> Path:
    """Write a ledger of single events, each led to by the one before."""
    with FileLedger(path / "ledger.jsonl", header("0" * 64, 1, "0", "x")) as ledger:
        entries = [
            Entry(seq, 1_704_103_200, 0, seq - 1 if seq else None, event) for seq, event in enumerate(events)
        ]
        ledger.append(entries)
        ledger.seal("0" * 64)
    return path


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Names with control and bidirectional characters steer nothing, from whichever side one asks."""
    units = Cell(f"pool.{HOSTILE}.supply", HOSTILE, 5)
    events: list[Event] = [
        e.ReserveListed(venue="pool", asset=HOSTILE, decimals=6),
        e.Supplied(venue="pool", account=HOSTILE, asset=HOSTILE, amount=5, scaled=5, cells=(units,)),
        e.ShortfallRecognised(
            venue="pool", account=HOSTILE, asset=HOSTILE, amount=5, price=1,
            transfers=(Transfer("pool:deficit", "pool:loans", HOSTILE, 5),),
        ),
        e.LossAllocated(venue="pool", asset=HOSTILE, tier=HOSTILE, index=0, capacity=5, amount=5, rest=0),
    ]  # fmt: skip
    folder = written(tmp_path, events)
    answers = [
        plain(explained(folder / "ledger.jsonl").page()),
        plain(explained(folder / "ledger.jsonl", event=2).page()),
        plain(explained(folder / "ledger.jsonl", tier=HOSTILE).page()),
    ]
    for text in answers:
        assert "bob?evil" in text
        assert not any(steers(line) for line in text.splitlines())


def test_whoever_has_read_enough_ends_it_quietly(tiers: Path) -> None:
    """An explanation in a pipe ends without an error."""
    command = f"{sys.executable} -m mutualize explain {tiers} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.stderr == ""
    assert done.stdout == "What fell short\n"
