"""A run folder: everything that is needed to check a run, read it, and run it again.

ledger.jsonl     sealed; streamed while the run goes on
summary.json     `mutualize/run@1`
scenario.toml    as it was run (variant and overrides applied), with the tables it names beside it
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Final

from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.summary import dumps
from mutualize.scenario.dump import dump
from mutualize.scenario.model import Scenario

LEDGER: Final = "ledger.jsonl"
SUMMARY: Final = "summary.json"
SCENARIO: Final = "scenario.toml"


class Folder:
    """Where one run is written. Nothing that stands there already is replaced without `force`."""

    def __init__(self, path: str | Path, *, force: bool = False) -> None:
        """Make the folder. Raises MutualizeError (74) where it cannot be, or holds a run already."""
        self.path = Path(path)
        self.force = force
        self._made = not self.path.exists()
        taken = [name for name in (LEDGER, SUMMARY, SCENARIO) if (self.path / name).exists()]
        if taken and not force:
            remedy = "Choose another place, or replace it with --force."
            raise MutualizeError(str(self.path), f"{taken[0]} exists already.", remedy, code=Exit.IO)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _io_error(self.path, "cannot be created", error) from error

    @property
    def ledger(self) -> Path:
        """Where the ledger is written."""
        return self.path / LEDGER

    def write_summary(self, summary: Data) -> None:
        """Write the summary, whole or not at all. Raises MutualizeError (74)."""
        try:
            _replace(self.path / SUMMARY, dumps(summary))
        except OSError as error:
            raise _io_error(self.path / SUMMARY, "cannot be written", error) from error

    def write(self, summary: Data, scenario: Scenario) -> None:
        """Write summary and scenario, each whole or not at all. Raises MutualizeError (74)."""
        try:
            for file in scenario.files:
                source, target = scenario.folder / file.name, self.path / file.name
                if source.resolve() != target.resolve():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, target)
            _replace(self.path / SCENARIO, dump(scenario))
        except OSError as error:
            raise _io_error(Path(error.filename or self.path), "cannot be written", error) from error
        self.write_summary(summary)

    def discard(self) -> None:
        """Take away what a run left that never began: its ledger, and the folder if it was made for it."""
        self.ledger.unlink(missing_ok=True)
        if self._made:
            with contextlib.suppress(OSError):
                self.path.rmdir()


def _replace(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)


def _io_error(path: Path, problem: str, error: OSError) -> MutualizeError:
    return MutualizeError(str(path), f"{problem}: {error.strerror}.", code=Exit.IO)
