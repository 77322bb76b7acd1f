"""Checking: scenarios are run, each with its variants, and held to what was stated and what was approved.

run ─▶ expectations · golden digest · baseline ─▶ a row ─▶ for people, JSON, JUnit, GitHub, Markdown
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import attrs

from mutualize import locked_file
from mutualize.counterexample import write
from mutualize.errors import Exit, MutualizeError
from mutualize.report import baseline as baselines
from mutualize.report import check_formats
from mutualize.report.baseline import FAILING, SAME, VERDICTS, Baseline, Tolerance
from mutualize.report.blocks import Block
from mutualize.report.check import (
    against_baseline,
    checked,
    checks_page,
    chosen_older,
    golden_text,
    gone,
    older,
    read_golden,
    run_name,
)
from mutualize.report.check_formats import Finding, findings
from mutualize.report.difference import first_difference
from mutualize.report.figures import Data
from mutualize.report.progress import Progress
from mutualize.run import Run
from mutualize.run import run as run_scenario
from mutualize.scenario.find import FILE, find
from mutualize.scenario.limits import limits_of
from mutualize.scenario.load import load

_TEXTS: Final[dict[str, Callable[[Sequence[Finding]], str]]] = {
    "junit": check_formats.junit,
    "github": check_formats.github,
    "markdown": check_formats.markdown,
}


def failing_of(text: str) -> tuple[str, ...]:
    """Read which verdicts fail. Raises MutualizeError for a word that is none."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in VERDICTS or word == SAME:
            known = ", ".join(each for each in VERDICTS if each != SAME)
            raise MutualizeError("--fail-on", f"{word[:40]!r} is no verdict.", f"They are: {known}.")
    return words


@attrs.frozen
class Checked:
    """What a check found: a row for each run, and who is missing."""

    rows: list[Data]
    lost: list[str]

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return all(row["ok"] for row in self.rows) and not self.lost

    def data(self) -> Data:
        """Return it as plain data, `mutualize/check@1`."""
        return {"schema": "mutualize/check@1", "gone": self.lost, "ok": self.ok, "runs": self.rows}

    def page(self) -> list[Block]:
        """Return it in words."""
        return checks_page(self.rows, self.lost)

    def findings(self) -> list[Finding]:
        """Return each thing that was checked."""
        return findings(self.rows, self.lost)

    def text(self, form: str) -> str:
        """Return it as 'junit', 'github' or 'markdown'."""
        return _TEXTS[form](self.findings())


@attrs.define(kw_only=True)
class Checker:
    """Runs one scenario after the other, and keeps what became of each. Use it in a `with` block.

    Files are read when it is made. Raises MutualizeError for those that are missing or malformed, and where
    there is nothing to update.
    """

    golden: Path | None = None
    baseline: Path | None = None
    update: bool = False
    rules: Sequence[Tolerance] = ()
    failing: Sequence[str] = FAILING
    against: Sequence[Path] = ()
    seeds: int | None = None
    workers: int | None = None
    limits: tuple[str, ...] = ()
    counterexamples: Path | None = None
    rows: list[Data] = attrs.field(factory=list, init=False)
    _summaries: dict[str, Data] = attrs.field(factory=dict, init=False)
    _before: dict[str, str] = attrs.field(factory=dict, init=False)
    _approved: Baseline = attrs.field(factory=Baseline, init=False)
    _olds: list[Any] = attrs.field(factory=list, init=False)
    _stack: ExitStack = attrs.field(factory=ExitStack, init=False)
    _kept: Path | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if self.update and self.golden is None and self.baseline is None:
            remedy = "Give it by --baseline FILE or --golden FILE."
            raise MutualizeError("--update", "there is no file to update.", remedy)
        if self.golden is not None and (self.golden.exists() or not self.update):
            self._before = read_golden(self.golden)
        if self.baseline is not None and (self.baseline.exists() or not self.update):
            self._approved = baselines.read(self.baseline)
        self._olds = [older(path) for path in self.against]

    def __enter__(self) -> Self:
        if self._olds:
            self._kept = Path(self._stack.enter_context(TemporaryDirectory()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def variants(self, name: str) -> tuple[str | None, ...]:
        """Return what of a scenario is run: itself (None), and its variants. Raises MutualizeError."""
        return (None, *load(name, limits=limits_of(self.limits)).variants)

    def run(self, name: str, variant: str | None, progress: Progress | None = None) -> Run:
        """Run one variant and note what became of it, the last of `rows`. Raises MutualizeError."""
        ledger = "none" if self._kept is None else self._kept / f"{len(self.rows)}.jsonl"
        ran = run_scenario(name, variant=variant, ledger=ledger, limits=self.limits, progress=progress)
        if self.seeds is not None and any(one.over for one in ran.scenario.expected()):
            told = None if progress is None else progress.points
            ran.over_seeds(self.seeds, workers=self.workers, told=told)
        run, about = run_name(ran.summary), ran.scenario
        known = {} if self.update else self._before
        old = chosen_older(self._olds, known.get(run), about.sha256, about.seed)
        row = checked(ran.summary, known if old is None else {**known, run: old.digest})
        if old is not None and old.digest != ran.digest:
            row["difference"] = first_difference(old.path, ledger)
        row["file"] = _file_of(name)
        if self.baseline is not None and not self.update:
            against_baseline(row, ran.summary, self._approved, self.rules, self.failing)
        if not row["ok"] and self.counterexamples is not None:
            approved = attrs.evolve(self._approved, tolerances=(*self._approved.tolerances, *self.rules))
            row["counterexample"] = str(write(self.counterexamples, ran, row, approved, tuple(self.failing)))
        self.rows.append(row)
        self._summaries[run] = ran.summary
        return ran

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the runs of the same scenarios that were approved and are not among `names`.

        There are none where that is let pass, or where the baseline is written anew.
        """
        return [] if self.update or "gone" not in self.failing else self._approved.gone(names)

    def result(self) -> Checked:
        """Return what was found; with `update`, write the files first. Raises MutualizeError (74)."""
        known = {} if self.update else self._before
        lost = gone(self.rows, known)
        if self.update:
            self._write()
        lost = sorted({*lost, *self.missing(list(self._summaries))})
        return Checked(self.rows, lost)

    def _write(self) -> None:
        for path, text in (
            (self.golden, golden_text(self.rows, self._before)),
            (self.baseline, baselines.written(self._approved, self._summaries, self.rules)),
        ):
            if path is None:
                continue
            try:
                locked_file.replace(path, text.encode())
            except OSError as error:
                raise MutualizeError(
                    str(path), f"cannot be written: {error.strerror}.", code=Exit.IO
                ) from error


def _file_of(name: str) -> str:
    """Return the file of a scenario, where it lies below this folder; empty for a shipped one elsewhere."""
    found = find(name)
    file = found if found.suffix == ".toml" else found / FILE
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return ""
