"""A random table of tiers over a venue of balances, played: laws after each command, refusals foretold."""

from __future__ import annotations

from typing import Any, Final

import attrs
from auditor import LawBroken
from bending import bent
from custody_auditor import Auditor
from custody_oracle import Now, foretell, is_as_told
from custody_play import DECIMALS, NAMES, PRICES, START, Player, draw_table
from systems import Notebook

from mutualize import commands as c
from mutualize import tier_commands as tc
from mutualize.book import replay
from mutualize.errors import Reason
from mutualize.invariants import TierRule, check
from mutualize.loss_commands import SettleProfits
from mutualize.projections.gains import UNKNOWN, Gains
from mutualize.protocol import Protocol, Receipt
from mutualize.randomness import Stream
from mutualize.staking import StakePool
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

    def __init__(self, seed: int, *, foretold: bool = True) -> None:
        self.stream, self.at, self._asks = Stream(seed, "custody"), START, foretold
        self.table = table = draw_table(self.stream)
        venue, stake = Custody("ex", DECIMALS), StakePool("ex", "stakers", "USD")
        waterfall = Waterfall(
            venue.cover(),
            table.tiers,
            stakes={"stakers": stake},
            decimals=DECIMALS,
            freezes=table.freezes,
            recoveries=table.rows,
        )
        self.notebook, self.auditor, self.gains = Notebook(), Auditor(table), Gains()
        self.protocol = Protocol([Feed(), venue, stake, waterfall], self.notebook, reactors=[waterfall])
        for observer in (TierRule(), self.auditor, self.gains.look):
            self.protocol.observe(observer)
        for asset, price in PRICES.items():
            told = {"venue": "oracle", "account": "oracle", "asset": asset}
            self.protocol.submit(c.PublishPrice(**told, price=price, market=price), at=self.at)
        self.player = Player(table, self.stream)

    def play(self, length: int) -> Auditor:
        """Play, and go over the whole at the end."""
        for _ in range(length):
            self.at += self.player.wait()
            self.do(self.command())
        assert replay(self.notebook.entries) == self.protocol.book
        assert UNKNOWN not in {row.account for row in self.gains.rows({})}
        return self.auditor

    def command(self) -> c.Command:
        """Return what somebody asks for next; once in a while it is bent."""
        command = self.player.command()
        if not self.stream.chance(1, 8):
            return command
        if isinstance(command, SettleProfits) and self.stream.chance(1, 2):
            return self._unsettled(command)
        if isinstance(command, tc.SetNumbers):
            return attrs.evolve(command, numbers=(("ann", -1),))
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
        receipt = self.protocol.submit(command, at=self.at)
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


def play(seed: int, length: int, *, foretold: bool = True) -> Auditor:
    """Play one random table; return the auditor that watched."""
    return Game(seed, foretold=foretold).play(length)
