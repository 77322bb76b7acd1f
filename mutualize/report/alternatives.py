"""Alternatives of a run: the same scenario with something changed, run again beforehand, beside the original.

Nothing here is recomputed: an alternative is the summary of a run of its own, with its digest and the command
that repeats it. People act on what they see, so in an alternative the losses themselves may be others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from mutualize.errors import Exit, MutualizeError
from mutualize.report.blocks import Table
from mutualize.report.compared import measured
from mutualize.report.compared_page import figures
from mutualize.report.figures import Data
from mutualize.report.text import clean

ALTERNATIVES_MAX: Final = 15
"""So many are shown beside a run."""
WAS, NOW = "as it was", "re-simulated"


@attrs.frozen
class Alternative:
    """One of them: what is changed, its summary, and its figures beside those of the original."""

    label: str
    summary: Data
    tables: tuple[Table, ...]


def alternatives_of(base: Data, summaries: Sequence[Data]) -> list[Alternative]:
    """Hold the summaries of alternatives against that of a run.

    Raises MutualizeError for one of another scenario, in other money, by other rules or that did not get to
    its end (2), and for too many of them (5).
    """
    if len(summaries) > ALTERNATIVES_MAX:
        problem = f"{len(summaries):,} alternatives are too many for one page: at most {ALTERNATIVES_MAX}."
        raise MutualizeError("alternatives", problem, code=Exit.LIMIT)
    return [_alternative(base, summary) for summary in summaries]


def _alternative(base: Data, summary: Data) -> Alternative:
    label = label_of(base, summary)
    for what, part in (("scenario", "name"), ("scenario", "money"), ("ledger", "rules")):
        was, now = base[what][part], summary[what][part]
        if was != now:
            told = {"name": "of another scenario", "money": "in other money", "rules": "by other rules"}[part]
            problem = f"is {told}: {now} instead of {was}. It is no alternative."
            raise MutualizeError(label, problem, "Compare them instead: mutualize compare A B")
    if summary["ledger"]["ended"] != "complete":
        raise MutualizeError(label, f"the run ended {summary['ledger']['ended']}.")
    found = measured(base, summary)
    return Alternative(label, summary, tuple(figures(found, base["scenario"]["money"], WAS, NOW)))


def label_of(base: Data, summary: Data) -> str:
    """Say in what a run is another than the original: variant, seed, and values that were set."""
    was, now = base["scenario"], summary["scenario"]
    words = []
    if was["variant"] != now["variant"]:
        words.append(f"variant {now['variant']}" if now["variant"] else "without a variant")
    if was["seed"] != now["seed"]:
        words.append(f"seed {now['seed']}")
    words += [
        f"{path}={value}"
        for path, value in now["set"].items()
        if was["set"].get(path) != value and path != "seed"
    ]
    words += [f"{path} as in the scenario" for path in was["set"] if path not in now["set"]]
    return clean(", ".join(words)) or "the same again"
