"""A run folder: everything that is needed to check a run, read it, and run it again.

ledger.jsonl     sealed; streamed while the run goes on
summary.json     `mutualize/run@1`; written when the run has ended
scenario.toml    as it was run (variant and overrides applied), with the tables it names beside it; written
                 before the first event, so that a run which dies can be resumed
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

from mutualize import locked_file
from mutualize.errors import Exit, MutualizeError
from mutualize.report.figures import Data
from mutualize.report.summary import dumps
from mutualize.scenario.dump import dump
from mutualize.scenario.model import Scenario

LEDGER: Final = "ledger.jsonl"
SUMMARY: Final = "summary.json"
SCENARIO: Final = "scenario.toml"
SPREAD: Final = "spread.json"
"""What is known over many seeds: copied with the scenario, where it is there."""


class Folder:
    """Where one run is written. Nothing that stands there already is replaced without `force`."""

    def __init__(self, path: str | Path, *, force: bool = False, resumed: bool = False) -> None:
        """Make the folder; with `resumed`, find that of a run which is there (or of its ledger).

        Raises MutualizeError where it cannot be made, or holds a run already (74), or holds none (4).
        """
        self.path = Path(path)
        if resumed and not self.path.is_dir():
            self.path = self.path.parent
        self.force = force
        self._made = not self.path.exists()
        self._written: list[Path] = []
        taken = [name for name in (LEDGER, SUMMARY, SCENARIO) if (self.path / name).exists()]
        if resumed:
            for name in (LEDGER, SCENARIO):
                if name not in taken:
                    problem = "does not exist: this is not the folder of a run."
                    remedy = "Run a scenario into one: mutualize run NAME --out DIR."
                    raise MutualizeError(str(self.path / name), problem, remedy, code=Exit.MISSING)
            return
        if taken and not force:
            remedy = "Choose another place, or replace it with --force."
            raise MutualizeError(str(self.path), f"{taken[0]} exists already.", remedy, code=Exit.IO)
        try:
            new = [each for each in (self.path, *self.path.parents) if not each.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            for each in new:
                locked_file.flush_folder(each.parent)
        except OSError as error:
            raise _io_error(self.path, "cannot be created", error) from error

    @property
    def ledger(self) -> Path:
        """Where the ledger is written."""
        return self.path / LEDGER

    @property
    def scenario(self) -> Path:
        """Where the scenario is written, as it was run."""
        return self.path / SCENARIO

    @property
    def summarized(self) -> str:
        """The digest of the run that the summary is of; empty where there is no summary that can be read."""
        try:
            summary = json.loads((self.path / SUMMARY).read_bytes())
            return str(summary["ledger"]["digest"])
        except (OSError, ValueError, TypeError, KeyError):
            return ""

    def write_summary(self, summary: Data) -> None:
        """Write the summary, whole or not at all. Raises MutualizeError (74)."""
        try:
            locked_file.replace(self.path / SUMMARY, dumps(summary).encode())
        except OSError as error:
            raise _io_error(self.path / SUMMARY, "cannot be written", error) from error

    def write_scenario(self, scenario: Scenario) -> None:
        """Write the scenario and its tables, each whole or not at all; a summary of another run goes.

        For whoever holds the ledger: it is locked, so nobody else writes here. Raises MutualizeError (74).
        """
        try:
            (self.path / SUMMARY).unlink(missing_ok=True)
            beside = [file.name for file in scenario.files]
            for name in [*beside, *([SPREAD] if (scenario.folder / SPREAD).is_file() else [])]:
                source, target = scenario.folder / name, self.path / name
                if source.resolve() != target.resolve():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._replace(target, source.read_bytes())
            self._replace(self.scenario, dump(scenario).encode())
        except OSError as error:
            raise _io_error(Path(error.filename or self.path), "cannot be written", error) from error

    def discard(self) -> None:
        """Take away what a run left that never began: what it wrote, and the folder if it was made for it."""
        for file in (self.ledger, *self._written):
            file.unlink(missing_ok=True)
        if self._made:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def _replace(self, path: Path, data: bytes) -> None:
        if not path.exists():
            self._written.append(path)
        locked_file.replace(path, data)


def _io_error(path: Path, problem: str, error: OSError) -> MutualizeError:
    return MutualizeError(str(path), f"{problem}: {error.strerror}.", code=Exit.IO)
