"""Random play with an isolated market, biased towards crashes and edges; all laws are asked after each step.

The rule: what a player does depends on the seed and on what is in the book, on nothing else. What becomes of
each command, refused or not, is foretold by `isolated_oracle` before it is carried out, to the last unit.
"""

from __future__ import annotations

from typing import Final

from auditor import LawBroken
from bending import bent
from isolated_oracle import Plain, carry_out
from isolated_wishes import DECIMALS, KEEP, VENUE, WAD, WORDS, Wishes, draw_terms
from laws_of_markets import DEBT, MARKET, PAIR, PLEDGED, SUPPLY, Watch, need
from systems import START, Notebook

from mutualize import commands as c
from mutualize import events as e
from mutualize import isolated_commands as i
from mutualize.book import replay
from mutualize.invariants import check
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.recoveries import Row
from mutualize.staking import StakePool
from mutualize.tier import Tier
from mutualize.tier_rule import TierRule
from mutualize.venues.isolated import IsolatedMarket
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

CLAIMS: Final = Tier(name="suppliers", payer="claims")
TABLES: Final[dict[str, tuple[Tier, ...]]] = {
    "contract": (CLAIMS,),
    "three-tiers": (
        Tier(name="fund", payer="fund", limit=WAD // 2),
        Tier(name="stakers", payer="stake", stake="stakers"),
        CLAIMS,
    ),
    "par": (Tier(name="fund", payer="fund"),),
    "others": (
        Tier(name="ann", payer="holder", holder="ann", iou="owed-ann", limit=WAD // 3),
        Tier(name="borrowers", payer="loans", limit=WAD // 10),
        Tier(name="later", payer="claims", due_s=3_600, limit=WAD // 2),
        Tier(name="voted", payer="claims", vote="cut"),
        Tier(name="bank", payer="injection", amount_max=10**9),
    ),
}
"""Who pays: as the contract has it, with a fund and a stake, nobody for long, and whoever else can."""
ROWS: Final = (Row(name="back", rule="reverse"),)
REFUSED: Final = {
    "AMOUNT_IS_TOO_LARGE": 1_500,
    "AMOUNT_IS_TOO_SMALL": 1,
    "AMOUNT_IS_ZERO": 600,
    "BALANCE_IS_INSUFFICIENT": 200,
    "CALLER_IS_NOT_GOVERNANCE": 100,
    "COLLATERAL_IS_INSUFFICIENT": 600,
    "EXITS_ARE_FROZEN": 20,
    "INPUT_IS_INCONSISTENT": 1_500,
    "LIQUIDITY_IS_INSUFFICIENT": 50,
    "PARAMETER_IS_INVALID": 250,
    "POSITION_IS_HEALTHY": 1_800,
    "PRICE_IS_MISSING": 40,
    "RESERVE_IS_UNKNOWN": 200,
}
"""For which reasons wishes are refused in fifteen thousand operations, and how often at least."""

MARKET_COMMANDS: Final = (
    *(kind for kind in vars(i).values() if isinstance(kind, type) and kind is not c.Command),
    c.Supply, c.Withdraw, c.Borrow, c.Repay, c.OpenPosition, c.Liquidate, c.SetParameter, c.ListReserve,
    c.ContributeToFund,
)  # fmt: skip
"""What a market decides, and its oracle foretells."""


class Game(Wishes):
    """A market and those who play with it."""

    def __init__(self, table: str, seed: int, *, foretold: bool = True, checked: bool = True) -> None:
        """`foretold`: what comes of each command is. `checked`: all laws, after each operation."""
        self.table, self._asks, self._checked = table, foretold, checked
        self.at, self.stream = START, Stream(seed, f"isolated/{table}")
        self.terms = draw_terms(self.stream)
        self.watch = Watch(0 if self.terms.is_pair else 10**12)
        self.notebook = Notebook()
        self.protocol = self.new_protocol()
        self.book = self.protocol.book
        if checked:
            self.protocol.observe(TierRule())
        self.protocol.observe(self.watch)
        self.receipt = Receipt()
        self.refusals: dict[str, int] = {}
        self.foretold: dict[str, int] = {}
        self.operations = 0
        self.whole = 10 ** self.stream.choice((self.stream.between(0, 15), 6, 18, 26))
        self.coming = self._first()

    def new_protocol(self) -> Protocol:
        """Return venues that have seen nothing yet, over the game's own notebook."""
        self.venue = IsolatedMarket(VENUE, "ETH", "USD", DECIMALS, feed=PAIR if self.terms.is_pair else "")
        stake = StakePool(VENUE, "stakers", "USD")
        waterfall = Waterfall(
            self.venue.cover(),
            TABLES[self.table],
            stakes={"stakers": stake},
            decimals=DECIMALS,
            freezes=self.terms.freezes,
            recoveries=ROWS if self.table == "others" else None,
        )
        return Protocol([Feed(), self.venue, stake, waterfall], self.notebook, reactors=[waterfall])

    # --- doing -------------------------------------------------------------------------------------------

    def do(self, command: c.Command) -> Receipt:
        """Carry a command out, as foretold; check all laws."""
        self.operations += 1
        plain, asks = self.plain(), self._asks and type(command) in MARKET_COMMANDS
        told = carry_out(plain, command, self.at) if asks else None
        self.receipt = receipt = self.protocol.submit(command, at=self.at)
        if not self._checked:
            return receipt
        if asks:
            for counts, reason in ((self.foretold, told), (self.refusals, receipt.refused)):
                if reason:
                    counts[reason.name] = counts.get(reason.name, 0) + 1
            need(receipt.refused is told, "foretold", f"{receipt.refused}, not {told}: {command}")
            if receipt and plain is not None:
                self._compare(plain, command)
        check(self.book, deep=True)
        self.watch.count(f"asked {type(command).__name__}")
        return receipt

    def _compare(self, plain: Plain, command: c.Command) -> None:
        """Hold what is in the book against what was foretold, tiers that paid counted in."""
        events = [entry.event for entry in self.receipt.entries]
        absorbed = [event for event in events if isinstance(event, e.LossAbsorbed)]
        if any(event.tier in ("ann", "borrowers") for event in absorbed):
            return
        bad = sum(event.amount for event in events if isinstance(event, e.ShortfallRecognised))
        cut = sum(event.amount for event in absorbed if event.bearer == "claims")
        numbers = {
            "supply_assets": plain.supply_assets - cut,
            "supply_shares": plain.supply_shares,
            "borrow_assets": plain.borrow_assets,
            "borrow_shares": plain.borrow_shares,
            "last_update": plain.last,
            "fee": plain.fee,
        }
        found = {name: self.watch.now(MARKET, name) for name in numbers}
        need(found == numbers and bad == plain.bad, "state", f"{found}, not {numbers}: {command}")
        holdings = ((SUPPLY, plain.suppliers), (DEBT, plain.borrowers), (PLEDGED, plain.pledges))
        for table, held in holdings:
            now = {name: units for name, units in self.watch.cells.get(table, {}).items() if units}
            need(now == {name: units for name, units in held.items() if units}, "state", command)
        if plain.forgiven:
            self.watch.count("shares without debt")
        if bad and cut == bad:
            self.watch.count("borne by claims alone")

    # --- playing -----------------------------------------------------------------------------------------

    def play(self, operations: int) -> Game:
        """Play, and go over the whole at the end."""
        for _ in range(operations):
            self.step()
        need(replay(self.notebook.entries) == self.book, "replay")
        return self

    def step(self) -> c.Command | None:
        """Let time pass, and somebody ask for something, which is returned."""
        rnd = self.stream
        planned = bool(self.coming)
        if not planned:
            self.at += rnd.choice((0, 0, 0, 1, 60, 3_600, 86_400, 10**7))
            self.coming = [self.wipe_out if rnd.chance(1, 100) else rnd.choice(self._wishes())]
        command = self.coming.pop(0)()
        if command is not None:
            if not planned and rnd.chance(1, 10):
                command = bent(rnd, command, WORDS, KEEP)
            self.do(command)
        return command


def broken(table: str, seed: int, operations: int, *, foretold: bool = False) -> str | None:
    """Return the law that a game breaks, or None. An error where none may be is one, too."""
    try:
        Game(table, seed, foretold=foretold).play(operations)
    except LawBroken as error:
        return error.name
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a bug
        return getattr(error, "name", None) or type(error).__name__
    return None
