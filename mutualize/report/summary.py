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

SCHEMA: Final = "mutualize/run@1"


def summarize(about: Data, ledger: Data, board: Board, book: Book, outcomes: Sequence[Outcome]) -> Data:
    """Return the summary of a run that has ended.

    `about` is what the scenario says, `ledger` what the file says (digest, state, events, ended). Raises
    InvariantBroken where gains and losses do not sum to zero.
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
        "positions": figures.positions(),
        "prices": figures.prices(),
        "refusals": figures.refusals(),
        "time": figures.time(),
        "pooling": figures.pooling(),
        "expectations": expectations(outcomes, board.frame, about),
        "agents_failed": [{"agent": agent, "problem": problem} for agent, problem in board.failed],
        "band": None,
        "ties": None,
    }


def dumps(summary: Data) -> str:
    """Write a summary (or any part of one) as JSON: sorted keys, two spaces, one newline at the end."""
    return json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def expectations(outcomes: Sequence[Outcome], frame: Frame, about: Data) -> Data:
    """Return every expectation met or missed, and the three kinds counted apart beside the inputs."""
    return {
        "results": [outcome_data(outcome, frame) for outcome in outcomes],
        "met": sum(outcome.met for outcome in outcomes),
        "missed": sum(not outcome.met for outcome in outcomes),
        "kinds": {
            kind: {
                "met": sum(outcome.met for outcome in outcomes if outcome.kind == kind),
                "missed": sum(not outcome.met for outcome in outcomes if outcome.kind == kind),
            }
            for kind in KINDS
        },
        "calibrated": about["inputs"]["counts"]["calibrated"],
        "assumed": about["inputs"]["counts"]["assumed"],
    }


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
