"""Umbrella in a world: who is slashed, when, for how much, who leaves in time, and who covers the rest.

One debtor, whose collateral opens at half its price: `11,000 · 0.5 / 1.1` pays for 5,000 of what he owes.
"""

from __future__ import annotations

from typing import Any

import pytest
from test_world_build import Played

import mutualize
from mutualize.errors import MutualizeError, Reason
from mutualize.events import (
    CooldownOpened,
    CooldownStarted,
    LossAbsorbed,
    OffsetCovered,
    OffsetSet,
    PendingDeficitCovered,
    PendingDeficitRaised,
    ShortfallRecognised,
    ShortfallUncovered,
    Slashed,
    Unstaked,
)

M = 10**6
FELL = 3_600
"""Seconds after the start at which the price opens at half."""
TEXT = """
format = "mutualize-scenario/1"
name = "small"
title = "A gap"
start = "2024-01-01T00:00:00Z"
end = "2024-01-10T00:00:00Z"
[assets]
THIN = { decimals = { value = 18, assumed = "x" } }
USDC = { decimals = { value = 6, assumed = "x" } }
SAFE = { decimals = { value = 6, assumed = "x" } }
[markets.THIN]
marked = { assumed = "x" }
points = [["2024-01-01T00:00:00Z", "1"], ["2024-01-01T01:00:00Z", "1"],
          ["2024-01-01T01:00:01Z", "0.5"], ["2024-01-10T00:00:00Z", "0.5"]]
[markets.USDC]
price = { value = "1", assumed = "x" }
[markets.SAFE]
price = { value = "1.12", assumed = "x" }
[venues.pool]
kind = "pool"
marked = { assumed = "x" }
[venues.pool.reserves.THIN]
ltv = "0.6"
liquidation_threshold = "0.65"
liquidation_bonus = "0.1"
[venues.pool.reserves.USDC]
[venues.pool.umbrella.USDC]
stake = "safety"
deficit_offset = "100"
[venues.pool.stakes.safety]
asset = "SAFE"
cooldown_s = 86400
window_s = 7200
[[depositors]]
name = "lenders"
marked = { assumed = "x" }
count = 2
venue = "pool"
asset = "USDC"
amount = "10000"
[[positions]]
venue = "pool"
marked = { assumed = "x" }
account = "stranded"
collateral = "THIN"
collateral_amount = "11000"
debt = "USDC"
debt_amount = "7000"
[[stakers]]
name = "stakers"
marked = { assumed = "x" }
count = 4
venue = "pool"
stake = "safety"
amount = "1000"
[[liquidators]]
name = "keepers"
marked = { assumed = "x" }
venue = "pool"
flash = true
"""
VOTE = """
[[governance]]
name = "cover"
marked = { assumed = "x" }
venue = "pool"
at = "2024-01-02T00:00:00Z"
action = "cover-deficit"
reserve = "USDC"
payer = "dao"
"""
SET_OFFSET = """
[[governance]]
name = "offset"
marked = { assumed = "x" }
venue = "pool"
at = "2024-01-01T00:30:00Z"
action = "set-offset"
reserve = "USDC"
amount = "1500"
"""
LATER = {"venues__pool__umbrella__USDC__slash_after_s": "600"}
OWED = "positions__stranded__debt_amount"
OFFSET = "venues__pool__umbrella__USDC__deficit_offset"
STAKERS = "stakers__stakers__"


def amounts(played: Played, kind: Any, field: str = "amount") -> list[int]:
    """Return what events of a kind say, in order."""
    return [getattr(event, field) for event in played.seen(kind)]


def numbers(played: Played) -> tuple[int, int, int]:
    """Return (deficit, pending, offset) at the end, base units."""
    book = played.world.book
    cells = [book.cell("pool.umbrella.USDC", name) for name in ("pending", "offset")]
    return book.cell("pool.USDC", "deficit"), cells[0], cells[1]


# --- how much is slashed, and when -----------------------------------------------------------------------


@pytest.mark.parametrize("terms", [{}, LATER], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("owed", "slashed", "pending"),
    [
        ("5099.999999", [], 0),
        ("5100", [], 0),
        ("5100.000001", [], 0),
        ("5100.000002", [1], 2),
        ("7000", [1_900 * M * 100 // 112], 1_900 * M),
        ("7150", [2_050 * M * 100 // 112], 2_050 * M),
    ],
)
def test_only_what_is_above_the_offset_is_slashed(
    owed: str, slashed: list[int], pending: int, terms: dict[str, str]
) -> None:
    """A loss up to the offset slashes exactly nothing; above it, the rest in units of stake, rounded down."""
    played = Played(TEXT, None, **{OWED: owed}, **terms)
    assert amounts(played, Slashed, "assets") == slashed
    deficit, found, offset = numbers(played)
    assert (found, offset) == (pending, 100 * M)
    assert deficit == amounts(played, ShortfallRecognised)[0]


def test_somebody_calls_the_slash_some_time_later() -> None:
    """With a delay the slash is a transaction of its own, whose cause is the shortfall."""
    played = Played(TEXT, None, **LATER)
    [fell], [slashed] = played.times(ShortfallRecognised), played.times(Slashed)
    assert slashed == fell + 600
    entries = played.pages.entries
    [slash] = [entry for entry in entries if isinstance(entry.event, Slashed)]
    assert slash.cause is not None
    assert isinstance(entries[slash.cause].event, ShortfallRecognised)
    assert played.world.protocol.refusals == {}


def test_who_is_slashed_later_may_leave_before() -> None:
    """A stake without cooldown is empty before anybody calls: nothing is slashed, and no call is made."""
    leaving = {"behaviour": "leave", "leave_at_fall": "0.1", "watches": "THIN", "reaction_s": "60"}
    terms = {STAKERS + key: value for key, value in leaving.items()}
    played = Played(TEXT, None, venues__pool__stakes__safety__cooldown_s="0", **LATER, **terms)
    assert played.seen(Slashed) == []
    assert played.world.protocol.refusals == {}
    assert amounts(played, Unstaked, "assets") == [1_000 * M] * 4
    at_once = Played(TEXT, None, venues__pool__stakes__safety__cooldown_s="0", **terms)
    assert len(at_once.seen(Slashed)) == 1
    assert max(amounts(at_once, Unstaked, "assets")) < 1_000 * M


def test_a_loss_larger_than_everything_leaves_a_unit_and_the_rest_open() -> None:
    """The stake pays to its last million base units, in proportion; nobody pays for what is left."""
    played = Played(TEXT, None, **{STAKERS + "amount": "10"})
    [slashed], [covered] = amounts(played, Slashed, "assets"), amounts(played, PendingDeficitRaised)
    assert slashed == 39 * M
    assert covered == 1_900 * M * slashed // (1_900 * M * 100 // 112)
    assert numbers(played) == (2_000 * M, covered, 100 * M)


@pytest.mark.parametrize("terms", [{}, LATER], ids=["at once", "later"])
def test_nobody_staked(terms: dict[str, str]) -> None:
    """An umbrella over nobody slashes nothing; the deficit stays in sight."""
    played = Played(TEXT, None, **{STAKERS + "count": "0"}, **terms)
    assert played.seen(Slashed) == []
    assert numbers(played) == (2_000 * M, 0, 100 * M)


def test_nobody_deposited() -> None:
    """Without depositors there is nothing to borrow, and the refusal says where and why."""
    with pytest.raises(MutualizeError) as error:
        Played(TEXT, None, depositors__lenders__count="0")
    assert error.value.place == "[[positions]] stranded"
    assert "not enough cash" in error.value.remedy


# --- next to a waterfall, and to other umbrellas ---------------------------------------------------------

TIERS = """
[[venues.pool.waterfall]]
tier = "fund"
payer = "fund"
[venues.pool.funds.fund]
USDC = "300"
"""
SAME_STAKE = """
[[venues.pool.waterfall]]
tier = "backers"
payer = "stake"
stake = "safety"
limit = "0.1"
price = "oracle"
"""


def with_tiers(tiers: str) -> str:
    """Return the scenario with a waterfall next to the umbrella."""
    return TEXT.replace("[venues.pool.umbrella.USDC]", tiers + "[venues.pool.umbrella.USDC]")


def test_a_waterfall_pays_before_the_umbrella_does() -> None:
    """What the tiers left open is what the umbrella answers for, above its offset."""
    played = Played(with_tiers(TIERS))
    assert amounts(played, LossAbsorbed) == [300 * M]
    assert amounts(played, ShortfallUncovered) == [1_700 * M]
    assert amounts(played, PendingDeficitRaised) == [1_600 * M]
    assert numbers(played) == (1_700 * M, 1_600 * M, 100 * M)


def test_a_waterfall_that_pays_all_leaves_nothing_to_slash() -> None:
    """A haircut closes the deficit in the same transaction: the umbrella has nothing to answer for."""
    played = Played(with_tiers('[[venues.pool.waterfall]]\ntier = "haircut"\npayer = "claims"\n'))
    assert amounts(played, LossAbsorbed) == [2_000 * M]
    assert played.seen(Slashed) == []
    assert numbers(played) == (0, 0, 100 * M)


def test_one_stake_in_a_tier_and_under_an_umbrella() -> None:
    """The tier slashes within its limit, the umbrella the rest: each counts what the other left."""
    played = Played(with_tiers(SAME_STAKE))
    first, second = amounts(played, Slashed, "assets")
    [paid], [raised] = amounts(played, LossAbsorbed), amounts(played, PendingDeficitRaised)
    assert first <= (4_000 * M - M) // 10
    assert raised == 2_000 * M - paid - 100 * M
    assert second == raised * 100 // 112
    assert numbers(played) == (2_000 * M - paid, raised, 100 * M)


def test_each_umbrella_answers_for_its_own_reserve() -> None:
    """Two umbrellas, one deficit: the other's stake is not touched."""
    text = TEXT.replace(
        "[[depositors]]",
        """[venues.pool.umbrella.THIN]
stake = "other"
[venues.pool.stakes.other]
asset = "SAFE"
[[stakers]]
name = "others"
marked = { assumed = "x" }
count = 2
venue = "pool"
stake = "other"
amount = "500"
[[depositors]]""",
    )
    played = Played(text)
    assert [event.stake for event in played.seen(Slashed)] == ["safety"]
    assert played.world.book.cell("pool.stake.other", "total_assets") == 1_000 * M


# --- who covers ------------------------------------------------------------------------------------------


def test_a_vote_covers_what_is_pending_then_the_offset() -> None:
    """Claims are burned for what stakers paid, then for the DAO's own part; nothing is left open."""
    played = Played(TEXT + VOTE)
    assert amounts(played, PendingDeficitCovered) == [1_900 * M]
    assert amounts(played, OffsetCovered) == [100 * M]
    assert numbers(played) == (0, 0, 0)


@pytest.mark.parametrize(
    ("amount", "pending", "offset"), [("1000", 1_000, 0), ("1950", 1_900, 50), ("9999", 1_900, 100)]
)
def test_a_vote_with_an_amount_covers_as_far_as_it_goes(amount: str, pending: int, offset: int) -> None:
    """An amount pays for what is pending first, and never for more than is pending and offset."""
    played = Played(TEXT + VOTE, None, governance__cover__amount=amount)
    assert sum(amounts(played, PendingDeficitCovered)) == pending * M
    assert sum(amounts(played, OffsetCovered)) == offset * M
    assert numbers(played)[0] == (2_000 - pending - offset) * M


def test_all_of_a_deficit_is_covered_where_there_is_no_offset() -> None:
    """What stakers cannot pay is taken off them by raising the offset, and covered as such."""
    played = Played(TEXT + VOTE, None, **{OFFSET: "0", STAKERS + "count": "0"})
    assert amounts(played, OffsetSet) == [2_000 * M]
    assert amounts(played, OffsetCovered) == [2_000 * M]
    assert numbers(played) == (0, 0, 0)


def test_a_part_of_a_deficit_is_not_covered_for_those_who_answer_for_it() -> None:
    """A vote with an amount pays for nothing that can still be slashed: without offset it is refused."""
    played = Played(
        TEXT + VOTE, None, **{OFFSET: "0", STAKERS + "count": "0"}, governance__cover__amount="500"
    )
    assert played.world.protocol.refusals == {Reason.PENDING_DEFICIT_IS_ZERO.name: 1}
    assert numbers(played) == (2_000 * M, 0, 0)


def test_a_vote_sets_the_offset() -> None:
    """A higher offset, voted before the loss, leaves more of it to the DAO."""
    played = Played(TEXT + SET_OFFSET)
    assert amounts(played, PendingDeficitRaised) == [500 * M]
    late = Played(
        (TEXT + SET_OFFSET).replace("T00:30:00Z", "T02:00:00Z"), None, governance__offset__amount="50"
    )
    assert late.seen(OffsetSet)[-1].amount == 100 * M
    assert late.world.protocol.refusals == {Reason.OFFSET_IS_TOO_LOW.name: 1}


# --- who leaves ------------------------------------------------------------------------------------------

DAY = 86_400


def leaving(began: str | None = None) -> dict[str, str]:
    """Return what lets all stakers leave when the price falls."""
    terms = {"behaviour": "leave", "leave_at_fall": "0.5", "watches": "THIN"}
    if began is not None:
        terms["cooldown_began"] = began
    return {STAKERS + key: value for key, value in terms.items()}


def test_who_announced_in_time_leaves_whole() -> None:
    """A cooldown from before the start, whose window is open when the price falls: out before the slash."""
    played = Played(TEXT, None, **LATER, **leaving("2023-12-31T00:30:00Z"))
    assert amounts(played, CooldownOpened, "ends") == [played.scenario.start + 1_800] * 4
    assert amounts(played, Unstaked, "assets") == [1_000 * M] * 4
    assert max(played.times(Unstaked)) < FELL + 600
    assert played.seen(Slashed) == played.seen(CooldownStarted) == []


def test_who_announced_too_late_is_slashed_in_cooldown() -> None:
    """A cooldown that runs is not begun anew: he leaves at its end, with what the slash left him."""
    played = Played(TEXT, None, **LATER, **leaving("2023-12-31T02:00:00Z"))
    assert played.seen(CooldownStarted) == []
    assert played.times(Unstaked) == [7_200] * 4
    assert max(amounts(played, Unstaked, "assets")) < 1_000 * M


def test_who_let_his_window_pass_announces_again() -> None:
    """After the window all begins anew: a day of cooldown, through the slash."""
    played = Played(TEXT, None, **LATER, **leaving("2023-12-30T00:00:00Z"))
    [started] = set(played.times(CooldownStarted))
    assert FELL < started < FELL + 60
    assert played.times(Unstaked) == [started + DAY] * 4


def test_a_fall_is_measured_from_the_highest_price() -> None:
    """Leavers stay while the price is less than their share below its highest, and go at exactly that."""
    stayed = Played(TEXT, None, **{**leaving(), STAKERS + "leave_at_fall": "0.500000000000000001"})
    assert stayed.seen(CooldownStarted) == []
    assert len(Played(TEXT, None, **leaving()).seen(CooldownStarted)) == 4


# --- the shipped scenario --------------------------------------------------------------------------------


def spent(run: mutualize.Run) -> str:
    """Return what the stake under the umbrella over USDC gave, in its own asset."""
    rows = [row for row in run.tiers if row["tier"] == "usdc-stake"]
    return str(rows[0]["paid"]) if rows else "0"


@pytest.mark.parametrize(
    ("debt", "given"),
    [("5099999.999999", "0"), ("5100000", "0"), ("5100000.000001", "0"), ("5100000.000002", "0.000001")],
)
def test_a_unit_beside_the_offset(debt: str, given: str) -> None:
    """In the shipped scenario the offset slashes nothing, nor does one unit more: it is worth no stake."""
    settings = (("positions.stranded.debt_amount", debt),)
    assert spent(mutualize.run("umbrella-2025", variant="at-offset", set=settings)) == given
