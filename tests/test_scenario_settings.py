"""Other values for a scenario: variants, overrides, and the scenario as it was run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_scenario import HERE, TINY, tiny

from mutualize.errors import MutualizeError
from mutualize.randomness import Uniform
from mutualize.scenario.dump import dump
from mutualize.scenario.load import load, loads
from mutualize.units import WAD

# --- variants and overrides ------------------------------------------------------------------------------


def test_an_override_is_marked() -> None:
    """What a user sets is read like the file, and listed as an override."""
    scenario = tiny(
        overrides=[
            ("borrowers.borrowers.count", "7"),
            ("venues.pool.reserves.ETH.ltv", "0.7"),
            ("venues.pool.waterfall.haircut.used", "false"),
            ("depositors[0].amount", "{uniform = [1, 2.5]}"),
            ("venues.pool.rules.dust_rule", "false"),
            ("chain.block_s", "12"),
            ("title", "5"),
            ("seed", "9"),
        ]
    )  # fmt: skip
    assert scenario.borrowers[0].count == 7
    assert scenario.venues["pool"].reserves["ETH"].ltv == 7_000
    assert not scenario.venues["pool"].waterfall[1].used
    assert scenario.depositors[0].amount == Uniform(10**6, 2_500_000)
    assert not scenario.venues["pool"].rules.dust_rule
    assert scenario.chain is not None
    assert (scenario.title, scenario.seed) == ("5", 9)
    overridden = [given.path for given in scenario.inputs if given.kind == "override"]
    assert sorted(overridden) == [
        "borrowers.borrowers.count",
        "chain.block_s",
        "depositors.lenders.amount",
        "venues.pool.reserves.ETH.ltv",
        "venues.pool.rules.dust_rule",
        "venues.pool.waterfall.haircut.used",
    ]


def test_an_override_by_the_value_that_is_there_changes_nothing() -> None:
    """Setting a value to itself is the same scenario."""
    same = tiny(overrides=[("borrowers[0].count", "2"), ("markets.ETH.price", "2000"), ("seed", "1")])
    assert same.inputs == tiny().inputs


def test_two_spellings_of_a_path_are_one_override() -> None:
    """By position or by name: the digest does not tell how it was typed."""
    by_name = tiny(overrides=[("borrowers.borrowers.count", "3")])
    assert by_name.sha256 == tiny(overrides=[("borrowers[0].count", "3")]).sha256
    assert by_name.sha256 != tiny().sha256


VARIANTS = """[variants.par]
title = "nobody is cut"
marked = { assumed = "what if" }
set = { "venues.pool.waterfall" = [{ tier = "fund", payer = "fund", limit = "0.5" }],
        "venues.pool.funds" = { fund = { USDC = "5" } },
        "depositors.lenders.behaviour" = "run",
        "depositors.lenders.run_at_utilization" = "0.9" }
[variants.one]
set = { "borrowers.borrowers.count" = { value = 1, fact = "CV4" } }
""".replace(",\n        ", ", ")


def test_a_variant_sets_values_with_marks_of_its_own() -> None:
    """What a variant sets carries the variant's mark, not the one of the table around it."""
    scenario = tiny(add=VARIANTS, variant="par")
    assert scenario.variant == "par"
    assert [(tier.tier, tier.limit) for tier in scenario.venues["pool"].waterfall] == [("fund", WAD >> 1)]
    marks = {given.path: given.why for given in scenario.inputs}
    assert marks["venues.pool.waterfall.fund.limit"] == "what if"
    assert marks["venues.pool.funds.fund.USDC"] == "what if"
    assert marks["depositors.lenders.run_at_utilization"] == "what if"
    one = tiny(add=VARIANTS, variant="one", overrides=[("borrowers.borrowers.collateral_amount", "3")])
    assert [(g.path, g.kind) for g in one.inputs if g.kind != "assumed"] == [
        ("borrowers.borrowers.count", "fact"),
        ("borrowers.borrowers.collateral_amount", "override"),
    ]


def test_a_run_is_loaded_again_as_it_was() -> None:
    """The text of a scenario as it was run gives the same digest, inputs and expectations."""
    first = tiny(add=VARIANTS, variant="par", overrides=[("borrowers[0].health", "1.2"), ("seed", "5")])
    again = loads(dump(first), HERE)
    assert again == first
    assert dump(again) == dump(first)
    assert again.variant == "par"
    assert loads(dump(first), HERE, variant="par") == first
    with pytest.raises(MutualizeError, match="already the variant"):
        loads(dump(first), HERE, variant="one")


@pytest.mark.parametrize(
    "title",
    ['quote " and \\\\ backslash', "  two  spaces  ", "no\u00a0break", "日本語" * 60, "é" * 200],
)
def test_texts_survive_being_written(title: str) -> None:
    """Quotes, spaces, long and foreign texts come back as they were."""
    escaped = title.replace('"', '\\"') if '"' in title else title
    scenario = tiny(('title = "The smallest scenario"', f'title = "{escaped}"'))
    assert loads(dump(scenario), HERE) == scenario


def test_reserves_stay_in_their_order_however_short_they_are_written() -> None:
    """A reserve in one line after one with many fields is read again in the same place."""
    comet = load(HERE / "lenders" / "comet")
    again = loads(dump(comet), comet.folder)
    assert list(again.venues["comet"].reserves) == list(comet.venues["comet"].reserves) == ["USDC", "ETH"]
    assert again == comet
    assert dump(again) == dump(comet)


@pytest.mark.parametrize("summary", ["word " * 790, "x" * 4_000, "語" * 1_300, "  a\n\n   b \n" * 300, "\n"])
def test_long_texts_survive_being_written(summary: str) -> None:
    """A summary of any shape is written in lines within the limit."""
    scenario = tiny(("[sources]", f'summary = """\n{summary}"""\n[sources]'))
    text = dump(scenario)
    assert loads(text, HERE) == scenario
    assert max(len(line.encode()) for line in text.splitlines()) <= 4_096


def test_the_digest_is_of_the_content() -> None:
    """Comments, white space and the order of fields do not count; a value, and the order of reserves, do."""
    first = tiny()
    assert tiny(("[sources]", "# words\n\n  [sources] # more")).sha256 == first.sha256
    assert tiny(('money = "USDC"\nprice = "2000"', 'price = "2000"\nmoney = "USDC"')).sha256 == first.sha256
    assert loads("\n".join(TINY.splitlines()), HERE).sha256 == first.sha256
    assert tiny(('price = "2000"', 'price = "2001"')).sha256 != first.sha256
    eth, usdc = TINY.index("[venues.pool.reserves.ETH]"), TINY.index("[venues.pool.reserves.USDC]")
    end = TINY.index("[[venues.pool.waterfall]]")
    swapped = TINY[:eth] + TINY[usdc:end] + TINY[eth:usdc] + TINY[end:]
    assert loads(swapped, HERE).sha256 != first.sha256


def test_line_ends_and_a_mark_at_the_beginning_do_not_count(tmp_path: Path) -> None:
    """A file with CR LF and a byte order mark is the same scenario."""
    (tmp_path / "scenario.toml").write_bytes(b"\xef\xbb\xbf" + TINY.replace("\n", "\r\n").encode())
    assert load(tmp_path).sha256 == tiny().sha256
