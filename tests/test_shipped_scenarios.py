"""What the shipped scenarios compute, beside what was published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import mutualize
from mutualize.units import parse_decimal


@pytest.fixture(scope="module")
def crv() -> mutualize.Run:
    """Return the replay of the CRV shortfall."""
    return mutualize.run("aave-crv-2022")


def results(run: mutualize.Run) -> Mapping[str, Mapping[str, Any]]:
    """Return the outcomes of a run's expectations by id."""
    return {row["id"]: row for row in run.summary["expectations"]["results"]}


@pytest.mark.parametrize(
    ("scenario", "variant"),
    [
        ("aave-crv-2022", None),
        ("aave-crv-2022", "january"),
        ("black-thursday-2020", None),
        ("crv-2024", None),
        ("crv-2024", "not-repaid"),
        ("crv-2024", "by-share-price"),
        ("crv-2024", "deep"),
        ("mango-2022", None),
        ("mango-2022", "no-return"),
        ("mango-2022", "by-the-rules"),
        ("mango-2022", "lower-weight"),
        ("mango-2022", "capped"),
        ("three-tiers", None),
        ("three-tiers", "par"),
        ("usdc-depeg-2023", None),
        ("usdc-depeg-2023", "paused"),
        ("usdc-depeg-2023", "paused-at-91"),
        ("usdc-depeg-2023", "one-dollar"),
        ("usdc-depeg-2023", "deep"),
        ("umbrella-2025", None),
        ("umbrella-2025", "below-offset"),
        ("umbrella-2025", "at-offset"),
        ("umbrella-2025", "above-offset"),
        ("umbrella-2025", "leave-in-time"),
        ("umbrella-2025", "offset-cleared-by-dao"),
        ("umbrella-2025", "more-than-is-staked"),
        ("venus-luna-2022", None),
        ("venus-luna-2022", "feed-follows"),
        ("venus-xvs-2021", None),
    ],
)
def test_expectations_are_met(scenario: str, variant: str | None) -> None:
    """Every stated outcome is met within its tolerance, and there are some."""
    found = mutualize.run(scenario, variant=variant).summary["expectations"]
    missed = [row["id"] for row in found["results"] if not row["met"]]
    assert not missed
    assert found["met"] >= 2


def test_the_shortfall_comes_out_of_the_mechanics(crv: mutualize.Run) -> None:
    """The CRV residual is no input: with a deeper market it is another, and no input holds it."""
    deeper = mutualize.run("aave-crv-2022", set=(("markets.CRV.depth.amount", "4500000"),))
    residual = parse_decimal(results(crv)["residual"]["computed"], 18)
    other = parse_decimal(results(deeper)["residual"]["computed"], 18)
    assert other < residual
    stated = {row["value"] for row in crv.summary["inputs"]["listed"]}
    assert stated
    assert not stated & {"2640000", "2651906"}


def test_safety_module_exists_and_is_not_used(crv: mutualize.Run) -> None:
    """A tier that exists and is not used stays in sight, and pays nothing."""
    paid = {row["id"]: row["computed"] for row in crv.summary["expectations"]["results"]}
    assert paid["safety-module-not-used"] == "0"
    assert paid["fund-paid"] == "308118.888" or paid["fund-paid"].startswith("308118.88")


def test_at_par_the_last_to_leave_finds_no_cash() -> None:
    """Without a haircut the same loss is a run: all lenders want out, and not all get it."""
    par = mutualize.run("three-tiers", variant="par")
    rows = results(par)
    assert parse_decimal(rows["at-par-it-stays-open"]["computed"], 6) > 0
    assert int(rows["and-lenders-run"]["computed"]) >= 1


def test_money_that_came_back_is_named_beside_who_paid() -> None:
    """What the attacker returned paid half of it; he stays who he was, and keeps what he kept."""
    run = mutualize.run("mango-2022")
    assert "Who paid: treasury 50.4 % and money that came back 49.5 %." in " ".join(run.report().split())
    gained = {row["role"]: row["money"] for row in run.summary["gains"]["roles"]}
    assert gained["opportunists"].startswith("48"), "49 million USD"
    assert "donors" not in gained


def test_when_a_loss_is_made_real_is_a_policy() -> None:
    """The same positions, the same prices: a loss, none, or a larger one, by who may sell when."""
    lost = {}
    for variant in (None, "paused", "one-dollar", "deep"):
        figure = mutualize.run("usdc-depeg-2023", variant=variant).figure("shortfall.USDT")
        assert isinstance(figure, int)
        lost[variant] = figure
    assert lost["paused"] == lost["one-dollar"] == 0
    assert 0 < lost[None] < lost["deep"]


# --- Venus -----------------------------------------------------------------------------------------------


def test_a_feed_that_stands_still_costs_what_is_drawn_less_what_was_left() -> None:
    """At Venus a fund pays, Blizz's lenders find nothing, and by the feed itself nothing is missing."""
    runs = {name: mutualize.run("venus-luna-2022", variant=name) for name in (None, "worth-nothing")}
    missing, drawn = (run.figure("shortfall.BUSD") for run in runs.values())
    assert isinstance(missing, int)
    assert isinstance(drawn, int)
    assert 0.80 < missing / drawn < 0.85, "1 - 0.01 / (0.107 * 0.55) is 0.83"
    alone = mutualize.run("venus-luna-2022", variant="no-fund")
    assert alone.figure("uncovered.BUSD") == missing
    assert runs[None].figure("uncovered.BUSD") == 0
    assert runs[None].figure("withdrawals.waiting.USDC") == 8_300_000 * 10**6
    own = mutualize.run("venus-luna-2022", variant="by-its-own-feed")
    assert own.figure("shortfall.BUSD") == 0


def test_a_pause_two_hours_sooner_saves_most_of_it() -> None:
    """The pause is what ends it: by noon little had been drawn."""
    sooner = mutualize.run("venus-luna-2022", variant="paused-at-noon").figure("shortfall.BUSD")
    late = mutualize.run("venus-luna-2022").figure("shortfall.BUSD")
    assert isinstance(sooner, int)
    assert isinstance(late, int)
    assert 0 < 3 * sooner < late


def test_the_collateral_factor_of_a_fortnight_before_leaves_a_fraction() -> None:
    """What the whale could not have borrowed is not missing, and in a deep market next to nothing is."""
    names = (None, "factor-60", "deep-market")
    missing = [mutualize.run("venus-xvs-2021", variant=name).figure("shortfall.money") for name in names]
    at_80, at_60, deep = (figure for figure in missing if isinstance(figure, int))
    assert at_80 > 50_000_000 * 10**8
    assert 4 * at_60 < at_80
    assert deep < 1_000_000 * 10**8, "less than what makes a liquidator act"
