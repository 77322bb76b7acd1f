"""Each guard of those who decide is left out, once: the error oracles, or a law, miss every one.

The rule: guards are found in the sources, so that a new one is covered without being listed. Random play and
a few scenes come to where each refuses something; right there, without it, the outcome is not as foretold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from auditor import LawBroken
from custody_game import play
from guards import Guard, Hunt, Refusal, all_guards
from guards_games import balances, isolated, markets, pools, troves, vaults
from guards_scenes import balance_scenes, pool_scenes, unit_scenes, vault_scenes
from guards_scenes_markets import comet_scenes, compound_scenes
from guards_scenes_troves import pools_alone, trove_scenes
from planting import replaced
from systems import SETUPS

VAULTS = ("auction", "cdp", "clip", "flap", "flip", "flop", "shutdown", "vat", "vow")
TROVES = ("stability", "stability_pool", "trove_liquidation", "troves")
BALANCES = ("custody", "membership", "payers", "recoveries", "reported_losses", "waterfall")
ISOLATED = ("isolated", "isolated_work")
MARKETS = (
    "absorption",
    "comet",
    "comet_figures",
    "comet_work",
    "compound",
    "comptroller",
    "ctoken",
    "sheet",
)
"""Modules that are hunted through in games of their own; all others in those of pools."""
OLDER = [setup for setup in SETUPS if setup.rate_form]
"""The older stake has a set-up to itself."""

NEVER_FIRST = {
    ("staking.StakePool._leave", "SHARES_ARE_INSUFFICIENT"): "nobody has announced more than he holds",
    ("troves.Troves.close", "TROVE_IS_THE_LAST"): "fees are missing to who would repay all the debt there is",
    ("troves.Troves.restake", "POOL_IS_EXHAUSTED"): "troves with a stake of 0 have a nominal ratio of 0",
    ("trove_liquidation.Sequence.end", "POOL_IS_EXHAUSTED"): "as before: somebody has a stake",
    ("clip.bark", "TAB_IS_ZERO"): "a unit of debt is 10²⁷ rad or more, and `chop` 10⁻¹⁸ or more",
    ("flip._slice_2020", "AUCTION_WOULD_BE_EMPTY"): "all debt goes with the last collateral",
}
"""Guards that nothing can reach, since another one is in front of them: a net for what may come."""

BY_LAW = {("recoveries.Recoveries._recover", "NOTHING_IS_OWED_BACK"): "recoveries"}
"""Guards of which no oracle knows, and the law that is broken without them in play."""

LEAST = {"scenes": 15, "vaults": 80, "isolated": 20, "balances": 30, "pools": 70, "markets": 20, "troves": 20}
"""In each kind of game so many guards are missed at least."""


@pytest.fixture(scope="module")
def hunt() -> Hunt:
    """All games, played until every guard is missed."""
    hunt = Hunt(all_guards())

    def play_for(kind: str, refusals: Iterator[Refusal], wanted: Callable[[Guard], bool]) -> None:
        known = {**NEVER_FIRST, **BY_LAW}
        hunt.play(kind, refusals, lambda guard: guard.name not in known and wanted(guard))

    every = (
        pool_scenes,
        vault_scenes,
        balance_scenes,
        unit_scenes,
        compound_scenes,
        comet_scenes,
        trove_scenes,
        pools_alone,
    )
    for scenes in every:
        play_for("scenes", scenes(), lambda _: True)
    play_for("vaults", vaults(24, 450), lambda guard: guard.module in VAULTS)
    play_for("isolated", isolated(40, 300), lambda guard: guard.module in ISOLATED)
    play_for("troves", troves(12, 400), lambda guard: guard.module in TROVES)
    play_for("balances", balances(400, 100), lambda guard: guard.module in BALANCES)
    play_for("markets", markets(60, 150), lambda guard: guard.module in MARKETS)
    play_for("pools", pools(OLDER, 40, 350), lambda guard: guard.module == "rate_stake")
    own = (*VAULTS, *BALANCES, *ISOLATED, *MARKETS, *TROVES)
    play_for("pools", pools(SETUPS, 14, 350), lambda guard: guard.module not in own)
    return hunt


@pytest.mark.slow
@pytest.mark.parametrize("guard", all_guards(), ids=lambda x: f"{'-'.join(x.name)}-{x.line}")
def test_a_missing_guard_is_noticed(guard: Guard, hunt: Hunt) -> None:
    """Without the guard, a wish that it refuses has another outcome than was foretold."""
    if guard.name in NEVER_FIRST:
        assert not hunt.heard[guard], "it can be reached after all"
        pytest.skip(NEVER_FIRST[guard.name])
    assert hunt.heard[guard], f"nothing is refused by {guard.name}"
    if guard.name in BY_LAW:
        with replaced(guard.function, guard.without()), pytest.raises(LawBroken, match=BY_LAW[guard.name]):
            _play_some()
    else:
        assert guard in hunt.missed, f"nobody misses {guard.name}, which refused {hunt.heard[guard]} times"


def _play_some() -> None:
    for seed in range(5):
        play(seed, 100)


@pytest.mark.slow
def test_each_kind_of_game_misses_its_guards(hunt: Hunt) -> None:
    """Vault engines, balances with their tiers, and pools each miss guards, most of them in random play."""
    missed = Counter(hunt.missed.values())
    assert not {kind: missed[kind] for kind, least in LEAST.items() if missed[kind] < least}


def test_the_guards_are_found() -> None:
    """The sources hold some hundred guards, in all kinds of venue; each list names guards that there are."""
    guards = all_guards()
    names = {guard.name for guard in guards}
    assert len(guards) >= 250
    paths = {"pool.Pool.supply", "umbrella.Umbrella.slash", "outside.Feed.decide", "flip.tend", "units.plus"}
    assert paths <= {path for path, _ in names}
    assert names >= {*NEVER_FIRST, *BY_LAW}
    assert {*VAULTS, *BALANCES, *ISOLATED, *MARKETS, *TROVES} <= {guard.module for guard in guards}
