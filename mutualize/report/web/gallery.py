"""A gallery: pages of runs in one folder, and an index of them that opens by a double click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.page import sentences
from mutualize.report.web.page import environment, policy, style

INDEX = "index.html"


def page_name(summary: Data) -> str:
    """Return the name of a run's page: its scenario's, and its variant's behind a dot."""
    about = summary["scenario"]
    return f"{about['name']}.{about['variant']}.html" if about["variant"] else f"{about['name']}.html"


def write_index(folder: Path, summaries: Sequence[Data], *, force: bool = False) -> Path:
    """Write the index of the pages that lie in a folder; return its place. Raises MutualizeError (74)."""
    path = folder / INDEX
    if path.exists() and not force:
        remedy = "Choose another folder, or replace it with --force."
        raise MutualizeError(str(path), "exists already.", remedy, code=Exit.IO)
    sheet = style()
    page: str = (
        environment()
        .get_template("gallery.html")
        .render(
            policy=policy(sheet),
            style=sheet,
            version=summaries[0]["ledger"]["version"] if summaries else "",
            cards=[_card(summary) for summary in summaries],
        )
    )
    try:
        locked_file.replace(path, page.encode())
    except OSError as error:
        raise MutualizeError(str(path), f"cannot be written: {error.strerror}.", code=Exit.IO) from error
    return path


def _card(summary: Data) -> Data:
    about, counts, expected = summary["scenario"], summary["inputs"]["counts"], summary["expectations"]
    variant = f", variant {about['variant']}" if about["variant"] else ""
    return {
        "file": page_name(summary),
        "run": f"{about['name']}{variant}",
        "title": about["title"],
        "answer": sentences(summary),
        "summary": about["summary"],
        "start": about["start"],
        "end": about["end"],
        "events": summary["ledger"]["events"],
        "facts": counts["fact"],
        "calibrated": counts["calibrated"],
        "assumed": counts["assumed"],
        "met": expected["met"],
        "missed": expected["missed"],
    }
