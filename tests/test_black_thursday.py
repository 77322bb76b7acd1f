"""What the replay of 12 March 2020 computes over fifty seeds, beside what was published, and its frictions.

It reads the spread that lies beside the scenario. That this follows from runs, some of which are made again,
is shown by test_shipped_spread.py; `mutualize spread black-thursday-2020 --update` makes all of them again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import mutualize
from mutualize.report.figures import Data
from mutualize.report.folder import SPREAD
from mutualize.scenario.find import shelf
from mutualize.spread import SCHEMA
from mutualize.spread_file import read_answer
from mutualize.units import WAD

NAME = "black-thursday-2020"
FRICTIONS = ("no-gas", "no-capital-limit", "no-bid-limit")


@cache
def spread() -> Data:
    """Return the spread as it is shipped."""
    return read_answer(shelf() / NAME / SPREAD, SCHEMA)


def outcomes(variant: str | None = None) -> dict[str, Any]:
    """Return the outcomes of a run over all seeds, by metric."""
    run = next(run for run in spread()["runs"] if run["variant"] == variant)
    assert run["failed"] == 0, run["problems"]
    return {row["metric"]: row for row in run["outcomes"]}


def test_outcomes_hold_for_the_median_of_seeds() -> None:
    """No lucky seed is taken for an answer: the median of fifty meets every number that is published."""
    assert spread()["seeds"] >= 50
    stated = [row for row in outcomes().values() if row["id"]]
    assert len(stated) >= 10
    assert [row["id"] for row in stated if not row["met"]] == []


def test_without_frictions_nobody_wins_for_nothing() -> None:
    """With room, money and attention no auction is won for nothing, and none of them alone is enough."""
    none = outcomes("no-frictions")["auctions.zero.count"]
    assert (none["seeds"]["max"], none["met"]) == (0, True)
    for variant in FRICTIONS:
        assert outcomes(variant)["auctions.zero.count"]["seeds"]["min"] > 0, variant


def test_the_counterfactual_is_an_interval() -> None:
    """What the terms of a week later would have cost is a range over all sets of inputs that fit."""
    then, later = (outcomes(v)["auctions.zero.lost.ETH"]["fitting"] for v in (None, "week-later"))
    assert then["count"] == later["count"] >= 10
    assert later["min"] < later["max"]


def test_lots_and_tokens_follow_from_the_table_of_prices() -> None:
    """Where all debt auctions take place there are 106, and the tokens sum up to what was minted."""
    rows = outcomes("all-lots")
    for metric in ("auctions.flop.count", "minted.MKR"):
        assert rows[metric]["seeds"]["met"] == spread()["seeds"], metric


@pytest.mark.slow
def test_the_largest_vault_lost_most_for_nothing() -> None:
    """More than two thirds of the largest vault went for nothing, and it is the largest loss of all."""
    lost = mutualize.run(NAME, ledger="none").board.auctions.zero_owners
    assert max(lost, key=lambda owner: lost[owner]) == "largest"
    assert 3 * lost["largest"] > 2 * 35_000 * WAD
