"""Random tables of tiers and recoveries over a venue of balances, and random people who lose money there.

The rule: everything is drawn from one named stream, so a seed is a play. Amounts are small as often as large,
since rounding shows where there is little to share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.loss_commands import LOSSES, ReportLoss, SettleProfits
from mutualize.randomness import Stream
from mutualize.recoveries import Row
from mutualize.tier import AT_DEFAULT, SHARINGS, Perimeter, Quota, Tier

WAD = 10**18
DAY = 86_400
NAMES: Final = ("ann", "bob", "cal", "dot", "eve", "fay", "gus", "hal")
ASSETS: Final = ("USD", "BTC", "ETH")
DECIMALS: Final = {"USD": 2, "BTC": 3, "ETH": 4}
PRICES: Final = {"USD": 10**8, "BTC": 7 * 10**8, "ETH": 3 * 10**7}
"""Units of one asset are worth units of another, so that what is exchanged has to be rounded."""
START: Final = 1_700_000_000
PAYERS: Final = (
    "fund",
    "fund",
    "house",
    "stake",
    "members",
    "assessment",
    "assessment",
    "debtor",
    "debtor",
    "claims",
    "claims",
    "winners",
    "holder",
    "margin",
    "mint",
    "injection",
)
LIMITS: Final = (
    "a vote", "amount", "minimum", "multiple per period", "offset", "purse", "quota", "share",
    "share of the loss",
)  # fmt: skip
"""What the amount that a tier owes may be limited by."""
VENUE, RULES = "ex", "ex.waterfall"
REFUSED: Final = {
    "AMOUNT_IS_TOO_LARGE": 15,
    "AMOUNT_IS_TOO_SMALL": 4,
    "AMOUNT_IS_ZERO": 80,
    "BALANCE_IS_INSUFFICIENT": 100,
    "CALLER_IS_NOT_CALLED": 3,
    "CALLER_IS_NOT_GOVERNANCE": 30,
    "EXITS_ARE_FROZEN": 10,
    "EXITS_ARE_OPEN": 10,
    "LIQUIDITY_IS_INSUFFICIENT": 20,
    "MEMBER_IS_UNKNOWN": 30,
    "NOTHING_IS_OPEN": 300,
    "NOTHING_IS_OWED_BACK": 200,
    "PARAMETER_IS_INVALID": 20,
    "PURSE_IS_EMPTY": 3,
    "REDEEM_IS_TOO_LARGE": 80,
    "RESERVE_IS_UNKNOWN": 20,
    "TIER_HAS_TO_WAIT": 3,
}
"""For which reasons wishes are refused in ten thousand operations, and how often at least."""


@attrs.frozen(kw_only=True)
class Table:
    """What is played: the tiers, the rows of recoveries (None: no table), and whether losses freeze exits."""

    tiers: tuple[Tier, ...]
    rows: tuple[Row, ...] | None
    freezes: bool


def draw_table(rnd: Stream) -> Table:
    """Return a random table that makes sense: each fund is one tier's, but for the members'."""
    tiers = tuple(_tier(rnd, place) for place in range(rnd.between(1, 7)))
    rows = tuple(row for row in (_row(rnd, place, tiers) for place in range(rnd.below(4))) if row is not None)
    return Table(tiers=tiers, rows=None if rnd.chance(1, 5) else rows, freezes=rnd.chance(1, 5))


def _tier(rnd: Stream, place: int) -> Tier:
    payer = rnd.choice(PAYERS)
    terms: dict[str, Any] = {"name": f"tier-{place}", "payer": payer}
    if rnd.chance(1, 4):
        terms["limit"] = rnd.choice((WAD // 10, WAD // 3, 0))
    if rnd.chance(1, 6) or payer in ("mint", "injection"):
        terms["amount_max"] = _amount(rnd)
    if rnd.chance(1, 8):
        terms["quota"] = Quota(amount=_amount(rnd), period_s=rnd.choice((DAY, 7 * DAY)))
    if rnd.chance(1, 8):
        terms["min_left"] = rnd.below(50)
    if rnd.chance(1, 8):
        terms["offset"] = rnd.below(100)
    if rnd.chance(1, 10):
        terms["of_loss"] = rnd.choice((WAD // 2, WAD // 3))
    if rnd.chance(1, 15):
        terms["used"] = False
    terms |= _when(rnd)
    terms |= _whose(rnd, payer)
    if rnd.chance(1, 6):
        terms["perimeter"] = rnd.choice(
            (
                Perimeter(assets=("USD",)),
                Perimeter(since=START + 5 * DAY),
                Perimeter(before=START + 5 * DAY),
            )
        )
    return Tier(**terms)


def _when(rnd: Stream) -> dict[str, Any]:
    match rnd.below(12):
        case 0:
            return {"wait_s": DAY}
        case 1:
            return {"vote": "measure"}
        case 2 | 3:
            return {"due_s": DAY}
    return {}


def _whose(rnd: Stream, payer: str) -> dict[str, Any]:
    """Return what only some payers have: a purse, a stake, another asset, a way of sharing, an IOU."""
    terms: dict[str, Any] = {}
    if payer in ("members", "assessment", "debtor"):
        terms["purse"] = "club"
    if payer == "assessment":
        terms |= {"multiple": rnd.choice((WAD, WAD // 2)), "period_s": 30 * DAY}
        terms["multiple_max"] = rnd.choice((None, 3 * WAD // 2))
        terms["due_s"] = rnd.choice((None, DAY))
    if payer == "stake":
        terms["stake"] = "stakers"
    if payer in ("fund", "mint") and rnd.chance(1, 3):
        terms |= {"asset": "ETH", "discount": rnd.choice((0, WAD // 20))}
    if payer == "holder":
        terms["holder"] = rnd.choice((*NAMES, "nobody"))
    if payer == "injection":
        terms["holder"] = "owner"
    if payer in ("claims", "holder", "margin") and rnd.chance(1, 2):
        terms["every_asset"] = True
    if payer in ("members", "claims", "winners"):
        terms["sharing"] = rnd.choice(SHARINGS)
        terms["by"] = "numbers" if terms["sharing"] != "pro-rata" else ""
    if payer in ("members", "assessment", "claims") and rnd.chance(1, 3):
        terms["snapshot"] = AT_DEFAULT
    if payer in ("members", "claims", "winners", "holder", "margin", "assessment") and rnd.chance(1, 4):
        terms |= {"iou": rnd.choice(("paper", "token")), "iou_asset": rnd.choice(("", "USD"))}
    return terms


def _row(rnd: Stream, place: int, tiers: tuple[Tier, ...]) -> Row | None:
    terms: dict[str, Any] = {"name": f"row-{place}", "limit": rnd.choice((WAD, WAD, WAD // 2))}
    if rnd.chance(1, 4):
        terms["amount"] = _amount(rnd)
    if rnd.chance(1, 4):
        terms["donors"] = ("court",)
    if rnd.chance(1, 4):
        terms["skip"] = (rnd.choice(tiers).name,)
    purses = [tier for tier in tiers if tier.payer in ("fund", "house", "stake")]
    match rnd.below(9):
        case 0 | 8:
            return Row(rule="tier", tier=rnd.choice(tiers).name, **terms)
        case 1 if purses:
            return Row(rule="replenish", tier=rnd.choice(purses).name, target=_amount(rnd), **terms)
        case 2 | 6 if any(tier.iou for tier in tiers):
            return Row(rule="ious", **terms)
        case 3:
            return Row(rule="deficit", **terms)
        case 4 | 5:
            return Row(rule="pro-rata", **terms)
    return Row(rule="reverse", **terms)


def _amount(rnd: Stream) -> int:
    return 1 + rnd.below(rnd.choice((3, 50, 1_000, 10**6)))


class Player:
    """Draws one command after another; losses are frequent, and most are followed by what they lead to."""

    def __init__(self, table: Table, rnd: Stream) -> None:
        self._table, self._rnd = table, rnd
        self._first = [c.Supply(**self._some(account=name, amount=_amount(rnd))) for name in NAMES]
        waits = any(tier.waits for tier in table.tiers)
        late = any(tier.due_s is not None for tier in table.tiers)
        purses = any(tier.payer in ("fund", "house") for tier in table.tiers)
        self._verbs: list[Callable[[], c.Command]] = [
            *[self._deposit] * 3,
            *[self._fund] * (2 if purses else 0),
            *[self._join, self._stake, self._settle, self._settle, self._lose, self._lose] * 2,
            *[self._release] * (5 if waits else 0),
            *[self._pay_later, self._pay_later, self._lapse] * (2 if late else 0),
            *[self._recover] * 5,
            *[self._withdraw, self._transfer, self._leave, self._redeem, self._numbers],
            *[self._pledge, self._price],
            *[self._open] * (2 if table.freezes else 0),
        ]

    def wait(self) -> int:
        """Return how long nothing happens before the next command."""
        return self._rnd.choice((0, 0, 60, 3_600, DAY // 2, DAY))

    def command(self) -> c.Command:
        """Return the next command: everybody begins with a deposit."""
        return self._first.pop() if self._first else self._rnd.choice(self._verbs)()

    def _some(self, **more: Any) -> dict[str, Any]:
        rnd = self._rnd
        return {
            "venue": VENUE,
            "account": rnd.choice(NAMES),
            "asset": rnd.choice(("USD", "USD", *ASSETS)),
            **more,
        }

    def _part(self) -> int:
        return c.ALL if self._rnd.chance(1, 4) else _amount(self._rnd)

    def _deposit(self) -> c.Command:
        return c.Supply(**self._some(amount=_amount(self._rnd)))

    def _withdraw(self) -> c.Command:
        return c.Withdraw(**self._some(amount=self._part()))

    def _transfer(self) -> c.Command:
        return c.TransferClaims(**self._some(to=self._rnd.choice(NAMES), amount=self._part()))

    def _fund(self) -> c.Command:
        tier = self._rnd.choice([x for x in self._table.tiers if x.payer in ("fund", "house")])
        given = self._some(tier=tier.name, amount=_amount(self._rnd))
        return c.ContributeToFund(**{**given, "asset": tier.asset or given["asset"]})

    def _join(self) -> c.Command:
        return tc.JoinFund(**self._some(venue=RULES, fund="club", amount=_amount(self._rnd)))

    def _leave(self) -> c.Command:
        return tc.LeaveFund(**self._some(venue=RULES, fund="club", amount=self._part()))

    def _stake(self) -> c.Command:
        who = self._rnd.choice(NAMES)
        return c.Stake(venue="ex.stake.stakers", account=who, stake="stakers", assets=_amount(self._rnd))

    def _redeem(self) -> c.Command:
        who = self._rnd.choice(NAMES)
        return c.Redeem(venue="ex.stake.stakers", account=who, stake="stakers", shares=_amount(self._rnd))

    def _settle(self) -> c.Command:
        """Let somebody lose on one or two instruments what others win."""
        rnd = self._rnd
        gains: list[tuple[str, str, int]] = []
        for instrument in ("perp", "option")[: rnd.between(1, 2)]:
            people = rnd.shuffled(NAMES)[: rnd.between(2, 5)]
            if rnd.chance(1, 20):
                people.append("nobody")
            won = [(name, instrument, _amount(rnd)) for name in people[1:]]
            gains += [*won, (people[0], instrument, -sum(gain for _, _, gain in won))]
        given = self._some(gains=tuple(gains))
        return SettleProfits(**{**given, "account": "clearer"})

    def _lose(self) -> c.Command:
        rnd = self._rnd
        loss = rnd.choice(LOSSES)
        terms: dict[str, Any] = {"share": WAD // rnd.between(1, 20)} if loss == "backing" else {}
        if loss != "backing":
            terms["amount"] = 1 if rnd.chance(1, 5) else _amount(rnd)
            terms["holder"] = rnd.choice((*NAMES, "thief"))
        if loss == "theft" and rnd.chance(1, 8):
            terms["amount"] = c.ALL
        return ReportLoss(**self._some(account="governance", loss=loss, **terms))

    def _numbers(self) -> c.Command:
        pairs = tuple((name, self._rnd.below(4)) for name in NAMES)
        return tc.SetNumbers(venue=RULES, account="governance", table="numbers", numbers=pairs)

    def _release(self) -> c.Command:
        late = [tier.name for tier in self._table.tiers if tier.waits]
        given = self._some(venue=RULES, account="governance", tier=self._rnd.choice(late))
        return tc.ReleaseTier(**given, most=_amount(self._rnd) if self._rnd.chance(1, 2) else None)

    def _pay_later(self) -> c.Command:
        late = [tier.name for tier in self._table.tiers if tier.due_s is not None]
        given = self._some(venue=RULES, tier=self._rnd.choice(late))
        return tc.SettleTier(**given, amount=self._part())

    def _lapse(self) -> c.Command:
        late = [tier.name for tier in self._table.tiers if tier.due_s is not None]
        return tc.LapseTier(**self._some(venue=RULES, tier=self._rnd.choice(late)))

    def _recover(self) -> c.Command:
        donor = self._rnd.choice(("court", "dao", "ann"))
        return tc.Recover(**self._some(venue=RULES, account=donor, amount=_amount(self._rnd)))

    def _pledge(self) -> c.Command:
        return tc.Pledge(**self._some(venue=RULES, account="dao", amount=_amount(self._rnd)))

    def _price(self) -> c.Command:
        asset = self._rnd.choice(("BTC", "ETH"))
        price = self._rnd.choice((0, PRICES[asset] // 3, PRICES[asset], 2 * PRICES[asset]))
        return c.PublishPrice(venue="oracle", account="oracle", asset=asset, price=price, market=price)

    def _open(self) -> c.Command:
        return tc.OpenExits(venue=RULES, account=self._rnd.choice(("governance", "ann")))
