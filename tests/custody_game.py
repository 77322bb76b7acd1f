"""A random table of tiers over a venue of balances, played: laws after each command, refusals foretold."""

from __future__ import annotations

from typing import Any, Final

import attrs
from auditor import LawBroken
from bending import bent
from custody_auditor import Auditor
from custody_oracle import Now, foretell, is_as_told
from custody_play import DECIMALS, NAMES, PRICES, START, Player, Table, draw_table
from systems import Notebook

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.book import replay
from mutualize.errors import Reason
from mutualize.invariants import check
from mutualize.loss_commands import SettleProfits
from mutualize.projections.gains import UNKNOWN, Gains
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.staking import StakePool
from mutualize.tier_rule import TierRule
from mutualize.venues.custody import Custody
from mutualize.venues.outside import Feed
from mutualize.waterfall import Waterfall

WORDS: Final = {
    "account": (*NAMES[:3], "governance", "nobody"),
    "asset": ("USD", "BTC", "XYZ"),
    "loss": ("theft", "mint", "backing", "claim", "fire"),
    "holder": ("", *NAMES[:2]),
    "to": NAMES[:3],
}
"""What a field that is a name is bent to."""

KEEP: Final = ("venue", "price", "market")
MEMBERS: Final = (tc.JoinFund, tc.LeaveFund)
"""Commands whose assets nobody lists: a fund takes what its members bring."""


class Game:
    """One table, those who play at it, and the auditor that watches. Raises LawBroken or InvariantBroken."""

    def __init__(self, seed: int, *, foretold: bool = True, checked: bool = True) -> None:
        """`foretold`: each refusal is. `checked`: all laws of the book, after each operation."""
        self.stream, self.at, self._asks, self._checked = Stream(seed, "custody"), START, foretold, checked
        self.receipt = Receipt()
        self.table = table = draw_table(self.stream)
        self.auditor, self.gains = Auditor(table), Gains()
        self.protocol, self.notebook = new_protocol(table)
        for observer in (TierRule(), self.auditor, self.gains.look):
            self.protocol.observe(observer)
        for asset, price in PRICES.items():
            told = {"venue": "oracle", "account": "oracle", "asset": asset}
            self.protocol.submit(c.PublishPrice(**told, price=price, market=price), at=self.at)
        self.player = Player(table, self.stream)

    def play(self, length: int) -> Auditor:
        """Play, and go over the whole at the end."""
        for _ in range(length):
            self.step()
        assert replay(self.notebook.entries) == self.protocol.book
        assert UNKNOWN not in {row.account for row in self.gains.rows({})}
        return self.auditor

    def step(self) -> c.Command:
        """Let time pass, and somebody ask for something, which is returned."""
        self.at += self.player.wait()
        command = self.command()
        self.do(command)
        return command

    def command(self) -> c.Command:
        """Return what somebody asks for next; once in a while it is bent."""
        command = self.player.command()
        if not self.stream.chance(1, 8):
            return command
        if isinstance(command, SettleProfits) and self.stream.chance(1, 2):
            return self._unsettled(command)
        if isinstance(command, tc.ReleaseTier) and self.stream.chance(1, 2):
            return attrs.evolve(command, most=-1)
        if isinstance(command, tc.SetNumbers):
            below = attrs.evolve(command, numbers=(("ann", -1),))
            return self.stream.choice((below, attrs.evolve(command, account="ann")))
        return bent(self.stream, command, WORDS, (*KEEP, "asset") if type(command) in MEMBERS else KEEP)

    def _unsettled(self, command: SettleProfits) -> c.Command:
        """Let an instrument not sum up, nobody win, or somebody win too much."""
        (name, instrument, gain), *rest = command.gains
        much: Any = ((name, "swap", 2**256), ("bob", "swap", -(2**256)))
        more = ((name, instrument, gain + 1), *rest)
        return attrs.evolve(command, gains=self.stream.choice((more, (), ((name, instrument, 0),), much)))

    def do(self, command: c.Command) -> Receipt:
        """Carry a command out, as foretold; check all laws."""
        self.auditor.share_lost = getattr(command, "share", 0)
        told = self.foretell(command) if self._asks else None
        self.receipt = receipt = self.protocol.submit(command, at=self.at)
        if not self._checked:
            return receipt
        if self._asks and not is_as_told(told, command, receipt.refused):
            raise LawBroken("foretold", f"{receipt.refused}, not {told}: {command}")
        check(self.protocol.book, deep=True)
        self.auditor.closed()
        self.auditor.count(f"asked {type(command).__name__}")
        for word, reason in (("foretold", told), ("refused", receipt.refused)):
            if reason is not None:
                self.auditor.count(f"{word} {reason.name}")
        return receipt

    def foretell(self, command: c.Command) -> Reason | None:
        """Return the reason for which the oracle says that a command is refused now."""
        return foretell(Now(self.auditor, self.table.tiers, self.at), command)


def new_protocol(table: Table) -> tuple[Protocol, Notebook]:
    """Return the venue, its stake and its table of tiers, and where they write to."""
    venue, stake, notebook = Custody("ex", DECIMALS), StakePool("ex", "stakers", "USD"), Notebook()
    waterfall = Waterfall(
        venue.cover(),
        table.tiers,
        stakes={"stakers": stake},
        decimals=DECIMALS,
        freezes=table.freezes,
        recoveries=table.rows,
    )
    return Protocol([Feed(), venue, stake, waterfall], notebook, reactors=[waterfall]), notebook


def play(seed: int, length: int, *, foretold: bool = True) -> Auditor:
    """Play one random table; return the auditor that watched."""
    return Game(seed, foretold=foretold).play(length)
