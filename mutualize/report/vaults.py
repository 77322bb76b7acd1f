"""The auctions of vault engines in a report: as plain data for the summary, and in words."""

from __future__ import annotations

from collections.abc import Iterator

from mutualize.projections.board import Board
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data, Figures, ratio, when
from mutualize.report.text import amount, listing, percent, plural

NAMES = {
    "flip": "of collateral, by rising bids",
    "clip": "of collateral, by a falling price",
    "flop": "of new governance tokens",
    "flap": "of surplus",
}


def auctions_data(board: Board) -> Data:
    """Return the auctions of all engines; `kinds` is empty where there were none."""
    found, figures = board.auctions, Figures(board)
    return {
        "kinds": [
            {
                "auction": auction,
                "count": kind.count,
                "ended": kind.ended,
                "first": when(kind.first),
                "last": when(kind.last),
            }
            for auction, kind in sorted(found.kinds.items())
        ],
        "owners": len(found.owners),
        "seized": {asset: figures.amount(asset, lot) for asset, lot in sorted(found.seized.items())},
        "sold": {asset: figures.amount(asset, lot) for asset, lot in sorted(found.sold.items())},
        "returned": ratio(found.returned_share()),
        "zero": {
            "count": found.zero,
            "share": ratio(found.zero_share()),
            "owners": len(found.zero_owners),
            "lost": {asset: figures.amount(asset, lot) for asset, lot in sorted(found.zero_lots.items())},
            "first": when(found.zero_first),
            "last": when(found.zero_last),
        },
        "missing": {asset: figures.amount(asset, most) for asset, most in sorted(found.missing_max.items())},
        "minted": {asset: figures.amount(asset, new) for asset, new in sorted(found.minted.items())},
    }


def auctions(summary: Data) -> Iterator[Block]:
    """Show what the auctions of vault engines brought; nothing where there were none."""
    found = summary["auctions"]
    if not found["kinds"]:
        return
    yield Heading("Auctions")
    rows = tuple(
        (kind["auction"], NAMES[kind["auction"]], f"{kind['count']:,}", kind["first"], kind["last"])
        for kind in found["kinds"]
    )
    yield Table(("kind", "", ">how many", "first", "last"), rows)
    seized, sold = _amounts(found["seized"]), _amounts(found["sold"])
    if seized:
        yield Line(f"{plural(found['owners'], 'owner')} had {seized} seized; winners got {sold}.")
    yield from _zero(found)
    for asset, most in found["missing"].items():
        yield Line(f"The most that was missing at once, less surplus and penalties: {amount(most, asset)}.")
    if found["minted"]:
        yield Line(f"Minted: {_amounts(found['minted'])}.")


def _zero(found: Data) -> Iterator[Block]:
    zero = found["zero"]
    if zero["count"]:
        yield Line(
            f"{zero['count']:,} auctions ({percent(zero['share'])}) were won for next to nothing, from"
            f" {zero['first']} to {zero['last']}: {_amounts(zero['lost'])} of"
            f" {plural(zero['owners'], 'owner')}."
        )
        yield Line(f"The others gave {percent(found['returned'])} of their lot back, on average.")


def _amounts(amounts: Data) -> str:
    return listing([amount(number, asset) for asset, number in amounts.items()])
