"""Who lost and who gained, by role and by account. Per asset, everything sums to zero exactly."""

from __future__ import annotations

from collections.abc import Iterable

from mutualize.book import Book
from mutualize.errors import InvariantBroken
from mutualize.projections.board import Board
from mutualize.projections.closing import closing
from mutualize.projections.gains import Row
from mutualize.report.figures import Data, Figures, money

LARGEST = 10
"""How many accounts are named."""


def gains(board: Board, book: Book) -> Data:
    """Return gains and losses at the end of a run; `book` is of the same moment as the board.

    Money is at the oracle's last price. Raises InvariantBroken where they do not sum to zero.
    """
    rows = board.gains.rows(closing(book, board.mirror))
    assets = list(dict.fromkeys(row.asset for row in rows))
    for asset in assets:
        rest = sum(row.gain for row in rows if row.asset == asset)
        if rest:
            raise InvariantBroken("gains-sum-to-zero", f"{rest} base units of {asset} are nobody's")
    return {
        "assets": [_by_role(board, asset, [row for row in rows if row.asset == asset]) for asset in assets],
        "roles": _worth_by_role(board, rows),
        "largest": _largest(board, rows),
        "prices": {asset: money(board.mirror.price(asset)) for asset in assets},
        "unpriced": [asset for asset in assets if not board.is_priced(asset)],
    }


def _by_role(board: Board, asset: str, rows: Iterable[Row]) -> Data:
    figures, roles = Figures(board), dict[str, list[int]]()
    for row in rows:
        sums = roles.setdefault(board.frame.role(row.account), [0, 0, 0, 0])
        for place, part in enumerate((row.opening, row.flow, row.closing, row.gain)):
            sums[place] += part
    names = ("opening", "flow", "closing", "gain")
    return {
        "asset": asset,
        "roles": [
            {
                "role": role,
                **{name: figures.amount(asset, part) for name, part in zip(names, sums, strict=True)},
            }
            for role, sums in sorted(roles.items(), key=lambda item: (item[1][3], item[0]))
        ],
        "sum": "0",
    }


def _worth(board: Board, row: Row) -> int:
    """Return what a gain is worth; what no oracle ever priced counts as nothing, and is listed as such."""
    if not board.is_priced(row.asset):
        return 0
    return board.frame.value_down(row.asset, row.gain, board.mirror.price(row.asset))


def _worth_by_role(board: Board, rows: Iterable[Row]) -> list[Data]:
    """Return what each role gained over all assets, money at the last prices, losers first."""
    worth: dict[str, int] = {}
    for row in rows:
        role = board.frame.role(row.account)
        worth[role] = worth.get(role, 0) + _worth(board, row)
    ordered = sorted(worth.items(), key=lambda item: (item[1], item[0]))
    return [{"role": role, "money": money(value)} for role, value in ordered]


def _largest(board: Board, rows: Iterable[Row]) -> list[Data]:
    """Return the accounts that lost or gained most, by money at the last prices; the market is no person."""
    figures, worth, assets = Figures(board), dict[str, int](), dict[str, list[Row]]()
    for row in rows:
        if row.gain and board.frame.role(row.account) not in ("market", "residue"):
            worth[row.account] = worth.get(row.account, 0) + _worth(board, row)
            assets.setdefault(row.account, []).append(row)
    ordered = sorted(worth, key=lambda account: (-abs(worth[account]), account))[:LARGEST]
    return [
        {
            "account": account,
            "role": board.frame.role(account),
            "money": money(worth[account]),
            "gains": {row.asset: figures.amount(row.asset, row.gain) for row in assets[account]},
        }
        for account in ordered
    ]
