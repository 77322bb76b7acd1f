"""The summary of a run: one dictionary, `mutualize/run@1`, from which every report is worded.

It is plain data with sorted keys when written, and the same bytes for the same run. docs/summary.md
documents each key; a key is added freely, and renamed or removed only under a new schema number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from mutualize.book import Book
from mutualize.projections.board import Board
from mutualize.projections.expectations import KINDS, Outcome, decimals_of
from mutualize.projections.frame import Frame
from mutualize.projections.metrics import COUNT, NAMES, SECONDS, TIME, Figure
from mutualize.report.figures import Data, Figures, ratio, when
from mutualize.report.people import gains
from mutualize.report.text import moment, numeral
from mutualize.report.troves import troves_data
from mutualize.report.vaults import auctions_data

SCHEMA: Final = "mutualize/run@1"


def summarize(
    about: Data, ledger: Data, board: Board, book: Book, outcomes: Sequence[Outcome], spread: Data | None
) -> Data:
    """Return the summary of a run that has ended.

    `about` is what the scenario says, `ledger` what the file says (digest, state, events, ended), `spread`
    what is known over many seeds. Raises InvariantBroken where gains and losses do not sum to zero.
    """
    figures = Figures(board)
    return {
        "schema": SCHEMA,
        **about,
        "ledger": ledger,
        "waterfalls": figures.waterfalls(),
        "unused_tiers": [{"venue": row.venue, "tier": row.tier} for row in board.waterfalls.unused()],
        "rescues": figures.rescues(),
        "gains": gains(board, book),
        "liquidations": figures.liquidations(),
        "auctions": auctions_data(board),
        "troves": troves_data(board),
        "positions": figures.positions(),
        "prices": figures.prices(),
        "refusals": figures.refusals(),
        "time": figures.time(),
        "pooling": figures.pooling(),
        "expectations": expectations(
            [outcome_data(outcome, board.frame) for outcome in outcomes], spread, about
        ),
        "agents_failed": [{"agent": agent, "problem": problem} for agent, problem in board.failed],
        "spread": spread,
        "ties": None,
    }


def dumps(summary: Data) -> str:
    """Write a summary (or any part of one) as JSON: sorted keys, two spaces, one newline at the end."""
    return json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def expectations(results: Sequence[Data], spread: Data | None, about: Data) -> Data:
    """Return every expectation met or missed, and the three kinds counted apart beside the inputs.

    One that holds over seeds is judged by the median of `spread`; without a fresh one its `met` is None.
    """
    medians = {one["id"]: one["met"] for one in (spread or {}).get("outcomes", ()) if one["id"] is not None}
    judged = [
        {**result, "met": medians.get(result["id"])} if result["over"] == "seeds" else result
        for result in results
    ]
    return {
        "results": judged,
        **_counts(judged),
        "kinds": {kind: _counts([one for one in judged if one["kind"] == kind]) for kind in KINDS},
        "calibrated": about["inputs"]["counts"]["calibrated"],
        "assumed": about["inputs"]["counts"]["assumed"],
    }


def _counts(results: Sequence[Data]) -> Data:
    met = [result["met"] for result in results]
    return {"met": met.count(True), "missed": met.count(False), "open": met.count(None)}


def outcome_data(outcome: Outcome, frame: Frame) -> Data:
    """Return one expectation: what was published, what was computed, and by how much they differ."""
    decimals = decimals_of(outcome.asked, frame)
    unit, share = outcome.asked.unit, outcome.deviation_share
    return {
        "id": outcome.id,
        "metric": outcome.asked.name,
        "unit": unit,
        "asset": outcome.asked.asset,
        "kind": outcome.kind,
        "compare": outcome.op,
        "published": list(outcome.order) or [figure(value, unit, decimals) for value in outcome.published],
        "computed": figure(outcome.computed, unit, decimals),
        "deviation": None
        if outcome.deviation is None
        else numeral(outcome.deviation, 0 if unit == TIME else decimals),
        "deviation_share": None if share is None else ratio(share),
        "tolerance": numeral(outcome.tolerance, 0 if unit == TIME else decimals),
        "tolerance_share": None if outcome.tolerance_share is None else ratio(outcome.tolerance_share),
        "met": outcome.met,
        "over": outcome.over,
        "at": when(outcome.at),
        "source": outcome.source,
        "remark": outcome.remark,
    }


def figure(value: Figure, unit: str, decimals: int) -> object:
    """Write a metric's figure: counts and seconds as numbers, moments as UTC, all else as exact numerals."""
    if value is None or unit in (COUNT, SECONDS):
        return value
    if isinstance(value, tuple):
        assert unit == NAMES, "only lists of names are tuples"
        return list(value)
    return moment(value) if unit == TIME else numeral(value, decimals)
