"""What is done with a fuzzed input, and what may come of it: a word that is counted, or a `Finding`.

The same functions are called as by the commands show, run, check, verify, verify --deep and replay. Whatever
they raise beside an error that says place, problem and remedy is a finding.
"""

from __future__ import annotations

import re
import traceback
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import attrs
from fuzz_inputs import LEDGER, TABLES, Case
from fuzz_ledgers import ledgers
from fuzz_toml import SEEDS

from mutualize import verify_ledger
from mutualize.ending import Ending
from mutualize.errors import Exit, InvariantBroken, MutualizeError
from mutualize.invariants import check as check_laws
from mutualize.ledger import MemoryLedger
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import Condition, Verdict, read, verify
from mutualize.report.check import checked
from mutualize.report.failure import explain
from mutualize.report.page import page
from mutualize.report.plain import plain
from mutualize.report.show import scenario_data, scenario_page
from mutualize.report.state import state_at, state_data, state_page
from mutualize.run import Run, run
from mutualize.scenario.dump import dump
from mutualize.scenario.find import FILE
from mutualize.scenario.limits import Limits
from mutualize.scenario.load import load, loads
from mutualize.scenario.model import Scenario

LIMITS: Final = Limits(members=200, agents=20, steps=2_000, draws=3)
"""What the fuzzer calls large: a run below it takes less than a second."""
LINE_MAX: Final = 2_000
"""No line of an error is longer."""
LAWFUL: Final = ("crash", "empty", "tiny")
"""Ledgers that keep all laws; the others are invented, and keep those of the format."""
PLACES: Final = re.compile(
    r"(?:.*/)?scenario\.toml(?::\d+)?"
    r"|/.*/scenario/[\w./-]+(?::\d+)?"
    r"|--(?:set|limit|variant)( .*)?"
    r"|\[\[?[a-z_.A-Z0-9-]+\]\]?( .*)?"
    r"|(?:.*/)?ledger\.jsonl"
    r"|spread\.metrics|metric .*|expect.*"
)
"""What an error may name as its place: a file with or without line, an option, a table, or a metric."""


class Finding(Exception):
    """Something that must not be: `kind` says which promise is broken, `where` tells findings apart."""

    def __init__(self, kind: str, where: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.where = where
        self.detail = detail


def of_error(error: BaseException) -> Finding:
    """Return an unexpected exception as a finding, told apart by its type and the innermost of our frames."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "mutualize" in Path(frame.filename).parts]
    last = ours[-1] if ours else frames[-1]
    where = f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
    return Finding("traceback", where, f"{where}:{last.lineno}: {error}"[:400])


@attrs.define
class Target:
    """A folder that is written anew for each input, and the judgement of what came of it."""

    folder: Path
    dirty: list[str] = attrs.field(factory=list)

    @classmethod
    def made(cls, root: Path) -> Target:
        """Make the scenario's folder, with links out of it and in circles, and a file beyond it."""
        folder = root / "scenario"
        folder.mkdir()
        (root / "secret.csv").write_text("account,collateral_asset,collateral,debt_asset,debt\n")
        for name in TABLES:
            (folder / name).write_bytes((SEEDS / name).read_bytes())
        (folder / "out.csv").symlink_to(root / "secret.csv")
        (folder / "in.csv").symlink_to(folder / "prices.csv")
        (folder / "loop.csv").symlink_to(folder / "loop.csv")
        (folder / "up").symlink_to(root)
        return cls(folder)

    def put(self, case: Case) -> None:
        """Write the files of an input."""
        for name in self.dirty:
            (self.folder / name).write_bytes((SEEDS / name).read_bytes())
        self.dirty.clear()
        (self.folder / case.name).write_bytes(case.data)
        if case.name in TABLES:
            self.dirty.append(case.name)
            (self.folder / FILE).write_bytes((SEEDS / f"{TABLES[case.name]}.toml").read_bytes())

    def judge(self, case: Case) -> str:
        """Return what became of an input, in a word or two. Raises Finding."""
        try:
            return self.ledger(case) if case.kind == "ledger" else self.scenario(case)
        except MutualizeError as error:
            raise of_error(error) from error  # one that none of the steps expects
        except (Finding, MemoryError):
            raise
        except Exception as error:
            raise of_error(error) from error

    # --- scenarios -----------------------------------------------------------------------------------------

    def scenario(self, case: Case) -> str:
        """Load a scenario as `show` and `run` do; what loads is shown, run, and checked as `check` does."""
        try:
            scenario = load(self.folder, case.options, limits=LIMITS)
        except MutualizeError as error:
            check_lines(error)
            return f"refused: {error.code.name}"
        if case.number % 4 == 0:
            _shown(scenario)
        if case.number % 16 == 0:
            again = loads(dump(scenario), self.folder, limits=LIMITS)
            if again.sha256 != scenario.sha256:
                raise Finding("dump", "dump", "what was written is not what was read")
        try:
            ran = run(scenario, ledger="memory", check_replay=case.number % 8 == 0)
        except MutualizeError as error:
            check_lines(error)
            return f"refused at the start: {error.code.name}"
        if ran.ended is not Ending.COMPLETE:
            raise Finding(
                "run", f"run {ran.ended.value}", f"the run ended {ran.ended.value}: {_failure(ran)}"
            )
        self.told(case, ran)
        return "ran, with losses" if ran.summary["waterfalls"] else "ran"

    def told(self, case: Case, ran: Run) -> None:
        """Do what follows a run: its report, its expectations, its band, and its ledger looked at again."""
        if case.number % 2 == 0:
            plain(page(ran.summary))
        checked(ran.summary, {})
        if case.number % 8 == 0 and ran.scenario.spread.vary:
            ran.over_seeds(2, 2, workers=1)
        if case.number % 32 == 0 and isinstance(ran.ledger, MemoryLedger):
            path = self.folder / LEDGER
            path.write_bytes(ran.ledger.data)
            verdict = verify_deep(path, check_laws, partial(check_laws, deep=True))
            if verdict.condition is not Condition.SEALED:
                raise Finding("verify", "own ledger", f"a run's own ledger is {verdict}")

    # --- ledgers -------------------------------------------------------------------------------------------

    def ledger(self, case: Case) -> str:
        """Verify, verify deeply, and replay a ledger; every verifier has to agree on what is there."""
        path = self.folder / LEDGER
        verdict = _verdict(verify, path)
        base, _, way = case.base.partition(" ")
        is_same = case.data == ledgers()[base]
        word = verdict.condition.word if verdict is not None else "another format"
        if word == "sealed" and not is_same and way != "rehashed":
            raise Finding("damage", f"accepted {way}", f"a damaged ledger is {verdict}")
        deep = _deep(path)
        if (
            verdict is not None
            and verdict.condition is Condition.CORRUPT
            and deep in {"sealed", "torn", "unsealed"}
        ):
            raise Finding("damage", "deep is kinder", f"verify says {verdict}, verify --deep {deep}")
        if is_same and deep != ("sealed" if base in LAWFUL else "unlawful"):
            raise Finding("damage", "sound refused", f"a sound ledger is {deep}")
        code, words = verify_ledger.check(BytesIO(case.data))
        if (code == 0) and word != "sealed":
            raise Finding("damage", "alone is kinder", f"the verifier alone says {words}, verify {word}")
        return f"{word}, deep {deep}, {_replayed(path)}"


def _verdict(look: Any, path: Path) -> Verdict | None:
    """Return a verdict; None for a sound ledger in another format."""
    try:
        verdict: Verdict = look(path)
    except MutualizeError as error:
        check_lines(error)
        if error.code != Exit.USAGE:
            raise
        return None
    if not str(verdict).isprintable():
        raise Finding("text", "verdict", f"a verdict cannot be printed: {verdict!r:.200}")
    return verdict


def _deep(path: Path) -> str:
    try:
        deep = partial(verify_deep, check=check_laws, at_end=partial(check_laws, deep=True))
        verdict = _verdict(deep, path)
    except InvariantBroken as error:
        if not all(line.isprintable() for line in explain(error)[0]):
            raise Finding("text", "law", f"a law's words cannot be printed: {error!r:.200}") from None
        return "unlawful"
    return "another format" if verdict is None else verdict.condition.word


def _replayed(path: Path) -> str:
    try:
        book = state_at(read(path))
        state_data(book)
        plain(state_page(book, "at the end"))
        state_at(read(path), seq=book.seq >> 1) if book.seq else None
    except MutualizeError as error:
        check_lines(error)
        return "not replayed"
    return "replayed"


def _shown(scenario: Scenario) -> None:
    plain(scenario_page(scenario, None))
    scenario_data(scenario, None)


def _failure(ran: Run) -> str:
    last = [entry.event for entry in ran.entries()][-1]
    return f"{last}"[:300]


def check_lines(error: MutualizeError) -> None:
    """Hold every line of an error to be one line, with a place, and of a length that can be read."""
    for each in (error, *error.others):
        line = each.line()
        if not line.isprintable():
            raise Finding("text", "unprintable", f"an error cannot be printed: {line!r:.300}")
        if len(line) > LINE_MAX:
            raise Finding("text", "long", f"an error has {len(line)} characters: {line:.200}")
        if not PLACES.fullmatch(each.place):
            raise Finding("text", f"place {each.place[:40]}", f"an error names no place: {line:.300}")
        if each.code is Exit.LIMIT and "--limit" not in each.remedy:
            raise Finding("text", "limit", f"a limit says not how to raise it: {line:.300}")
