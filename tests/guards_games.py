"""The games in which guards are hunted: of pools, vault engines, troves, balances, and markets.

The rule: a game is the one that the error oracle of its kind was proved in, but nobody looks at the laws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import comet_game
import compound_game
import custody_game
import isolated_game
import isolated_wishes
import trove_game
import vault_game
from auditor import Auditor
from driver import opening
from error_oracle_more import foretell
from guards import Refusal
from isolated_oracle import carry_out
from markets_play import MarketsGame
from players import Player
from systems import Notebook, Setup, System
from vault_wishes import ASSETS, VENUE

from mutualize import commands as c
from mutualize.book import Book
from mutualize.errors import Reason, Refused
from mutualize.protocol import Protocol
from mutualize.venues.cdp import CODES, Vaults
from mutualize.venues.outside import Feed
from mutualize.venues.stability_pool import INDEXES


def outcome(protocol: Protocol, book: Book, command: c.Command, at: int) -> Reason | None:
    """Return why those who decide, who have seen nothing yet, refuse a command in the state of a book."""
    protocol.book = book
    try:
        protocol.plan(command, at=at)
    except Refused as refused:
        return refused.reason
    return None


@attrs.frozen
class OfPool(Refusal):
    """A pool's."""

    setup: Setup
    auditor: Auditor
    book: Book
    command: c.Command
    at: int

    def told(self) -> Reason | None:
        """Ask the oracle of pools."""
        return foretell(self.auditor, self.setup, self.command, self.at)

    def again(self) -> Reason | None:
        """Ask a new system."""
        return outcome(System(self.setup, written=False).protocol, self.book, self.command, self.at)


def pools(setups: Sequence[Setup], seeds: int, length: int) -> Iterator[Refusal]:
    """Play each set-up of a pool."""
    for seed in range(seeds):
        for setup in setups:
            system, auditor = System(setup, written=False), Auditor("aave")
            system.protocol.observe(auditor.take)
            player = Player(system, auditor, seed)
            first = [*opening(setup), *player.first()]
            for number in range(length):
                op = first[number] if number < len(first) else player.draw()
                system.at += op.wait
                receipt = system.protocol.submit(*op.commands, at=system.at)
                if receipt.refused and not op.also:
                    yield OfPool(setup, auditor, system.protocol.book, op.command, system.at)


@attrs.frozen
class OfIsolated(Refusal):
    """An isolated market's."""

    game: isolated_game.Game
    command: c.Command

    def told(self) -> Reason | None:
        """Ask the oracle of isolated markets."""
        return carry_out(self.game.plain(), self.command, self.game.at)

    def again(self) -> Reason | None:
        """Ask a new venue."""
        return outcome(self.game.new_protocol(), self.game.book, self.command, self.game.at)


def isolated(seeds: int, length: int) -> Iterator[Refusal]:
    """Play an isolated market under each table of tiers."""
    for seed in range(seeds):
        for table in isolated_game.TABLES:
            game = isolated_game.Game(table, seed, foretold=False, checked=False)
            for _ in range(length):
                command = game.step()
                if command is not None and game.receipt.refused and command.venue == isolated_wishes.VENUE:
                    yield OfIsolated(game, command)


@attrs.frozen
class OfVaults(Refusal):
    """A vault engine's."""

    game: vault_game.Game
    command: c.Command

    def told(self) -> Reason | None:
        """Ask the oracle of vault engines."""
        return self.game.foretell(self.command)

    def again(self) -> Reason | None:
        """Ask a new engine."""
        engine = Vaults(VENUE, "DAI", ASSETS, auctions=self.game.code)
        return outcome(Protocol([Feed(), engine], Notebook()), self.game.book, self.command, self.game.at)


def vaults(seeds: int, length: int) -> Iterator[Refusal]:
    """Play a vault engine with each liquidation code."""
    for seed in range(seeds):
        for code in CODES:
            game = vault_game.Game(code, seed, foretold=False, checked=False)
            for number in range(length):
                command = game.step(last=number * 3 > length * 2)
                if command is not None and game.receipt.refused:
                    yield OfVaults(game, command)


@attrs.frozen
class OfBalances(Refusal):
    """A venue of balances', or its tiers'."""

    game: custody_game.Game
    command: c.Command

    def told(self) -> Reason | None:
        """Ask the oracle of balances."""
        return self.game.foretell(self.command)

    def again(self) -> Reason | None:
        """Ask a new venue."""
        protocol, _ = custody_game.new_protocol(self.game.table)
        return outcome(protocol, self.game.protocol.book, self.command, self.game.at)


def balances(seeds: int, length: int) -> Iterator[Refusal]:
    """Play random tables of tiers over a venue of balances."""
    for seed in range(seeds):
        game = custody_game.Game(seed, foretold=False, checked=False)
        for _ in range(length):
            command = game.step()
            if game.receipt.refused:
                yield OfBalances(game, command)


@attrs.frozen
class OfMarkets(Refusal):
    """One of Compound's markets', which its second opinion refuses as well; it knows no reasons."""

    game: MarketsGame
    command: c.Command
    reason: Reason

    def told(self) -> Reason | None:
        """Return the reason that was given."""
        return self.reason

    def again(self) -> Reason | None:
        """Ask a new venue."""
        return outcome(self.game.anew(), self.game.book, self.command, self.game.at)


def markets(seeds: int, length: int) -> Iterator[Refusal]:
    """Play both versions under random tables of tiers."""
    for seed in range(seeds):
        for kind in (compound_game.Tiered, comet_game.Tiered):
            game = kind(seed, checked=False)
            for _ in range(length):
                game.step()
                if game.wish is not None and game.receipt.refused:
                    yield OfMarkets(game, game.wish, game.receipt.refused)


@attrs.frozen
class OfTroves(Refusal):
    """A trove system's, or its waterfall's."""

    game: trove_game.Game
    command: c.Command

    def told(self) -> Reason | None:
        """Ask the plain system."""
        return self.game.foretell(self.command)

    def again(self) -> Reason | None:
        """Ask a new system."""
        *_, protocol = trove_game.new_protocol(self.game.index, trove_game.OWN)
        return outcome(protocol, self.game.book, self.command, self.game.at)


def troves(seeds: int, length: int) -> Iterator[Refusal]:
    """Play a trove system with each index of its pool."""
    for seed in range(seeds):
        for index in INDEXES:
            game = trove_game.Game(index, trove_game.OWN, seed, foretold=False, checked=False)
            for _ in range(length):
                command = game.step()
                if command is not None and game.receipt.refused:
                    yield OfTroves(game, command)
