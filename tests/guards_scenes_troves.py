"""Scenes for guards of trove systems that random play hardly ever comes to.

The rule: a scene is a few commands that lead to where a guard alone refuses the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from guards import Refusal
from guards_games import OfTroves, outcome
from pool_alone import WHO, of_plain, wishes
from systems import Notebook
from trove_game import OWN, Game
from trove_oracle import Plain
from trove_wishes import VENUE
from vector_player_liquity import PoolAlone, PoolPlayer

from mutualize import commands as c
from mutualize import trove_commands as t
from mutualize.errors import Reason
from mutualize.protocol import Protocol
from mutualize.randomness import Stream
from mutualize.units import WAD
from mutualize.venues.stability_pool import INDEXES


def trove_scenes() -> Iterator[Refusal]:
    """Contribute to what is no fund, leave next to no collateral, make things worse in recovery mode."""
    game = Game("liquity-v1", OWN, 0, checked=False)
    fund = {"venue": VENUE, "account": "house", "asset": "LUSD"}
    for tier, amount in (("fund", 0), ("stability-pool", WAD)):
        yield from _asked(game, c.ContributeToFund(**fund, tier=tier, amount=amount))
    own: dict[str, Any] = {"venue": VENUE, "account": "t1"}
    assert game.do(t.OpenTrove(**own, collateral=100 * WAD, amount=2_000 * WAD))
    game.price(65 * 10**8)
    assert game.venue.is_in_recovery(game.book)
    yield from _asked(game, t.AdjustTrove(**own, debt=600 * WAD, draws=True))
    game.price(10**31)
    yield from _asked(game, t.AdjustTrove(**own, collateral_out=100 * WAD - 1))


def _asked(game: Game, command: c.Command) -> Iterator[Refusal]:
    if game.do(command).refused:
        yield OfTroves(game, command)


@attrs.frozen
class OfPoolAlone(Refusal):
    """A pool's, by itself."""

    player: PoolPlayer
    plain: Plain
    op: dict[str, Any]

    def told(self) -> Reason | None:
        """Ask the plain pool."""
        reason = of_plain(self.plain, self.op)
        return None if reason is None else Reason[reason]

    def again(self) -> Reason | None:
        """Ask a new pool."""
        protocol = Protocol([PoolAlone(self.player.alone.index)], Notebook())
        return outcome(protocol, self.player.protocol.book, PoolPlayer.command(self.op), 0)


def pools_alone() -> Iterator[Refusal]:
    """Let deposits of all sizes be offset nearly whole."""
    for seed in range(20):
        for name, index in INDEXES.items():
            stream, plain, player = Stream(seed, f"guards/{name}"), Plain(name), PoolPlayer(index)
            plain.s["lusd"] = dict.fromkeys(WHO, 2**200)
            for op in wishes(stream, plain, 60):
                if player.play(op).refused:
                    yield OfPoolAlone(player, plain, op)
                else:
                    of_plain(plain, op)
