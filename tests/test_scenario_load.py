"""Loading a scenario: what is read, in which units, from which files, and within which limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from tiny_scenario import HERE, problems, tiny

from mutualize.errors import Exit, MutualizeError
from mutualize.randomness import Fixed, Histogram, PowerLaw, Triangular, Uniform
from mutualize.scenario.load import load, loads
from mutualize.scenario.model import Gap, Tolerance
from mutualize.scenario.scalars import parse_time
from mutualize.scenario.template import template
from mutualize.scenario.venue import CELLS, Rules
from mutualize.units import WAD
from mutualize.venues.reserve import PARAMETERS
from mutualize.venues.rules import CLOSE_FACTORS, RECOGNITIONS, PoolRules

# --- what is read ----------------------------------------------------------------------------------------


def test_the_template_loads() -> None:
    """The scenario that `init` writes is small, complete, and has every number marked."""
    scenario = loads(template("first-steps"), HERE)
    assert scenario.name == "first-steps"
    assert list(scenario.assets) == ["ETH", "USDC"]
    assert [tier.payer for tier in scenario.venues["pool"].waterfall] == ["fund", "stake", "claims"]
    assert (scenario.depositors[0].count, scenario.borrowers[0].count) == (20, 50)
    assert (scenario.liquidators[0].count, scenario.stakers[0].count) == (3, 10)
    assert {given.kind for given in scenario.inputs} == {"fact", "assumed"}
    assert len(scenario.inputs) == 56
    assert "no-fund" in scenario.variants


def test_a_template_has_a_sound_name() -> None:
    """A name with other characters than those of an identifier is refused."""
    with pytest.raises(ValueError, match="is not a name"):
        template("My Scenario")


def test_numbers_become_integers_of_their_units() -> None:
    """Amounts are base units, prices have 8 decimals, ratios 18 (or are in bps, as in the contract)."""
    scenario = tiny()
    reserve = scenario.venues["pool"].reserves["ETH"]
    assert scenario.markets["ETH"].price == 2_000 * 10**8
    assert scenario.venues["pool"].funds == {"insurance-fund": {"USDC": 1_000 * 10**6}}
    assert scenario.depositors[0].amount == Fixed(1_000 * 10**6)
    assert scenario.borrowers[0].collateral_amount == Fixed(10**18)
    assert scenario.borrowers[0].health == Uniform(11 * 10**17, 15 * 10**17)
    assert (reserve.ltv, reserve.liquidation_threshold, reserve.liquidation_bonus) == (8_000, 8_250, 10_500)
    assert scenario.end - scenario.start == 86_400


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('"5"', Fixed(5 * 10**6)),
        ("5", Fixed(5 * 10**6)),
        ('{ uniform = ["1", "2.5"] }', Uniform(10**6, 2_500_000)),
        ('{ triangular = ["1", "2", "3"] }', Triangular(10**6, 2 * 10**6, 3 * 10**6)),
        ('{ power_law = ["1", "2"], assumed = "guess" }', PowerLaw(10**6, 2 * 10**6)),
        ('{ histogram = [["1", "2", 3], ["2", "4", "0.5"]] }',
         Histogram(((10**6, 2 * 10**6, 3 * WAD), (2 * 10**6, 4 * 10**6, WAD >> 1)))),
        ('{ value = { uniform = ["1", "2"] }, fact = "CV4: page 3" }', Uniform(10**6, 2 * 10**6)),
    ],
)  # fmt: skip
def test_a_number_can_be_drawn(raw: str, expected: Any) -> None:
    """Every way of drawing is read in the unit of what is drawn."""
    assert tiny(('amount = "1000"', f"amount = {raw}")).depositors[0].amount == expected


def test_the_pool_and_the_scenario_agree() -> None:
    """Rules, their words and their defaults, and the names of parameters, are the pool's own."""
    rules = {field.name: field.default for field in attrs.fields(PoolRules)}
    for field in attrs.fields(Rules):
        assert rules[field.name] == field.default
    assert {*CELLS.values(), "decimals"} == set(PARAMETERS)
    parameters = tiny().venues["pool"].reserves["ETH"].parameters(18)
    assert all(PARAMETERS[name][0] <= value <= PARAMETERS[name][1] for name, value in parameters)
    for close_factor in CLOSE_FACTORS:
        tiny(add=f'[venues.pool.rules]\nclose_factor = "{close_factor}"')
    for recognition in RECOGNITIONS:
        tiny(add=f'[venues.pool.rules]\nrecognition = "{recognition}"')


def test_a_limit_without_an_asset_holds_for_each_reserve() -> None:
    """One numeral stands for every asset that can be missing, in that asset's own base units."""
    edit = ('payer = "claims"', 'payer = "claims"\namount_max = "5"\noffset = { USDC = "0.5" }')
    tier = tiny(edit).venues["pool"].waterfall[1]
    assert tier.amount_max == {"ETH": 5 * 10**18, "USDC": 5 * 10**6}
    assert tier.offset == {"USDC": 500_000}


def test_a_tier_that_pays_in_its_stake_is_limited_in_that() -> None:
    """The limit of a stake is an amount of what is staked."""
    add = """[assets.AAVE]
decimals = 18
[[venues.pool.waterfall]]
tier = "safety"
payer = "stake"
stake = "safety"
price = "62.58"
amount_max = "5"
[venues.pool.stakes.safety]
asset = "AAVE"
"""
    venue = tiny(add=add).venues["pool"]
    tier = venue.waterfall[2]
    assert tier.amount_max == {"AAVE": 5 * 10**18}
    assert tier.price == 6_258_000_000
    assert venue.pays_in(tier, "USDC") == "AAVE"


def test_what_is_set_by_a_vote_is_in_the_unit_of_the_pool() -> None:
    """The value of a parameter is read as the reserve's own field is, bonus included."""
    add = """[[governance]]
name = "raise"
venue = "pool"
at = "2024-01-01T06:00:00Z"
action = "set-parameter"
reserve = "ETH"
parameter = "liquidation_bonus"
value = "0.1"
"""
    (vote,) = tiny(add=add).governance
    assert (vote.cell, vote.value) == ("bonus", 11_000)


@pytest.mark.parametrize(("behaviour", "asset"), [("top-up", "ETH"), ("deleverage", "USDC")])
def test_a_purse_holds_what_its_owner_adds(behaviour: str, asset: str) -> None:
    """Who tops up adds collateral, who repays adds what is owed: decimals follow."""
    (people,) = tiny(('debt = "USDC"', f'debt = "USDC"\nbehaviour = "{behaviour}"\npurse = "1"')).borrowers
    assert people.purse_asset == asset
    assert people.purse == Fixed({"ETH": 10**18, "USDC": 10**6}[asset])


def test_expectations_keep_their_words() -> None:
    """A row with one comparison becomes an operation, texts and a tolerance; a variant's are kept apart."""
    add = """[[expect]]
id = "residual"
metric = "shortfall.USDC"
equals = "2640000"
tolerance = "10%"
kind = "fitted"
source = "CV4"
[[expect]]
id = "tiers"
metric = "tiers"
order = ["insurance-fund", "haircut"]
kind = "held-out"
[[expect]]
id = "none"
metric = "shortfall.ETH"
absent = true
kind = "held-out"
variant = "par"
[variants.par]
set = { "venues.pool.waterfall" = [], "venues.pool.funds" = {} }
"""
    residual, tiers, none = tiny(add=add).expect
    assert (residual.op, residual.value, residual.tolerance) == (
        "equals", "2640000", Tolerance(10**17, relative=True),
    )  # fmt: skip
    assert (tiers.op, tiers.values) == ("order", ("insurance-fund", "haircut"))
    assert tiers.value == "insurance-fund, haircut"
    assert (none.op, none.values, none.variant) == ("absent", (), "par")
    assert tiny(add=add).expected() == (residual, tiers)
    assert tiny(add=add, variant="par").expected() == (none,)


# --- limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = " + "[" * 500, Exit.LIMIT),
        ("x = " + "{a=" * 500, Exit.LIMIT),
        (".".join("a" * 16_000) + " = 1", Exit.LIMIT),
        ("\n".join(".".join("a" * 1_000) + f"{n} = 1" for n in range(400)), Exit.LIMIT),
        ("x = " + "9" * 5_000, Exit.LIMIT),
        ("x = " + "9" * 4_050, Exit.USAGE),
        ("x = 0x" + "f" * 4_050, Exit.USAGE),
        ("#" * 1_000_001, Exit.LIMIT),
        ('x = """' + '\\"""\n' * 190_000, Exit.USAGE),
        ("\n".join(f"k{n} = 1" for n in range(20_000)), Exit.USAGE),
        ("\n".join(f"[assets.A{n}]" for n in range(15_000)), Exit.USAGE),
        ("\n".join(f"[[expect]]\nvariant = '{n}'" for n in range(8_000)), Exit.USAGE),
        ("#\n" * 500_000, Exit.USAGE),
        ("\n".join(["x = '''"] * 100_000), Exit.USAGE),
        ("\n" * 999_999, Exit.USAGE),
        ("", Exit.USAGE),
    ],
)
def test_what_would_take_long_is_refused(text: str, code: Exit, tmp_path: Path) -> None:
    """Depth, keys, numbers and sizes beyond reason end in an error, not in a stack or an endless wait."""
    (tmp_path / "scenario.toml").write_text(text)
    with pytest.raises(MutualizeError) as caught:
        load(tmp_path)
    assert caught.value.code == code
    assert all(len(line) < 1_000 for line in caught.value.lines())


def test_a_word_within_an_edit_finds_its_key() -> None:
    """Every key of every table, with one letter lost, is suggested."""
    assert any("Did you mean 'ltv'?" in line for line in problems(('ltv = "0.80"', 'lt = "0.80"')))
    for key in ("liquidation_threshold", "liquidation_bonus"):
        for at in range(len(key)):
            wrong = key[:at] + key[at + 1 :]
            told = problems((f"{key} =", f"{wrong} ="))
            assert any(f"Did you mean '{key}'?" in line for line in told), wrong


def test_problems_are_told_up_to_a_hundred() -> None:
    """A file that is wrong all over is read no further than that takes."""
    add = "".join(f"k{n} = 1\n" for n in range(250))
    told = problems(("[sources]", f"{add}[sources]"))
    assert len(told) == 101
    assert told[-1].endswith("reading stopped after 100 problems.")


# --- files beside it -------------------------------------------------------------------------------------


def test_a_hole_in_prices_is_a_gap(tmp_path: Path) -> None:
    """A missing bar, and a table that ends early, are halts inside the window; the file is recorded."""
    start = parse_time("2024-01-01T00:00:00Z")
    rows = [f"{start + hour * 3600},1,2,1,2" for hour in (*range(5), *range(7, 20))]
    (tmp_path / "eth.csv").write_text(
        "# source: a test\ntimestamp_utc,open,high,low,close\n" + "\n".join(rows)
    )
    prices = 'prices = { file = "eth.csv", bar_s = 3600, fact = "CV4" }'
    scenario = tiny(('price = "2000"', prices), folder=tmp_path)
    assert scenario.gaps == (
        Gap("ETH", start + 5 * 3_600, start + 7 * 3_600),
        Gap("ETH", start + 20 * 3_600, start + 24 * 3_600),
    )
    (file,) = scenario.files
    assert (file.name, file.rows, file.kind, file.why, file.notes) == (
        "eth.csv", 18, "fact", "CV4", ("source: a test",),
    )  # fmt: skip
    assert len(scenario.markets["ETH"].candles) == 18
    (tmp_path / "eth.csv").write_text((tmp_path / "eth.csv").read_text() + "\n")
    assert tiny(('price = "2000"', prices), folder=tmp_path).sha256 != scenario.sha256


def test_a_price_of_zero_is_a_price(tmp_path: Path) -> None:
    """Nothing is worth nothing: zero is legal, in a table and as a constant."""
    (tmp_path / "eth.csv").write_text("timestamp_utc,open,high,low,close\n2024-01-01T00:00:00Z,1,1,0,0\n")
    prices = 'prices = { file = "eth.csv", bar_s = 86400 }'
    (candle,) = tiny(('price = "2000"', prices), folder=tmp_path).markets["ETH"].candles
    assert (candle.low, candle.close) == (0, 0)
    assert tiny(('price = "2000"', 'price = "0"')).markets["ETH"].price == 0


def test_positions_are_read_from_a_table(tmp_path: Path) -> None:
    """Columns are mapped, an asset may hold for all rows, and single positions stand beside the table's."""
    (tmp_path / "positions.csv").write_text('vault,ink,art\n"a-1",1.5,1000\nb_2,2,"5.5"\n')
    add = """[[positions]]
file = "positions.csv"
venue = "pool"
collateral = "ETH"
debt = "USDC"
columns = { account = "vault", collateral = "ink", debt = "art" }
[[positions]]
venue = "pool"
account = "whale"
collateral = "ETH"
collateral_amount = "100"
debt = "USDC"
debt_amount = "1"
"""
    scenario = tiny(add=add, folder=tmp_path)
    got = [(p.account, p.collateral_amount, p.debt_amount) for p in scenario.positions]
    assert got == [
        ("a-1", 15 * 10**17, 10**9),
        ("b_2", 2 * 10**18, 5_500_000),
        ("whale", 100 * 10**18, 10**6),
    ]
    assert scenario.files[0].rows == 2


def test_gas_prices_are_read_from_a_table(tmp_path: Path) -> None:
    """A column of gwei becomes (time, wei)."""
    (tmp_path / "gas.csv").write_text("timestamp_utc,mean_gwei\n1704067200,1.5\n2024-01-01T00:10:00Z,20\n")
    add = """[chain]
block_s = 12
native = "ETH"
gas_prices = { file = "gas.csv", bar_s = 600, column = "mean_gwei" }
[chain.gas]
liquidate = 500000
"""
    chain = tiny(add=add, folder=tmp_path).chain
    assert chain is not None
    assert chain.gas_path == ((1_704_067_200, 1_500_000_000), (1_704_067_800, 20_000_000_000))
