"""What somebody asks of a venue whose losses do not come from a market alone."""

from __future__ import annotations

from typing import Final

import attrs

from mutualize.commands import Command

THEFT, MINT, BACKING, CLAIM = "theft", "mint", "backing", "claim"
LOSSES: Final = (THEFT, MINT, BACKING, CLAIM)
"""Cash left; claims were created without money; cash lost its worth; a mutual accepted a member's claim."""


@attrs.frozen(kw_only=True)
class ReportLoss(Command):
    """Recognise a loss that came from outside. An accepted claim is governance's to report.

    theft     `amount` of cash left (ALL: all there was); `holder` is the thief, where one is known
    mint      claims of `amount` were created for `holder` without money
    backing   the asset lost `share` (WAD) of what stood behind it: that part of the cash is gone, rounded up
    claim     `holder` is owed `amount`, which a mutual accepted
    """

    loss: str
    asset: str
    amount: int = 0
    share: int = 0
    holder: str = ""


@attrs.frozen(kw_only=True)
class SettleProfits(Command):
    """Let those who lost pay those who won: (account, instrument, signed gain); each instrument sums to 0.

    Each account wins or loses the net of its instruments. Who cannot pay leaves a shortfall.
    """

    asset: str
    gains: tuple[tuple[str, str, int], ...]
