"""A plugin for pytest: `pytest scenarios/` runs each scenario, and each thing that was stated is a test.

    scenario.toml ─▶ itself and its variants ─▶ `run`, each expectation, each measure of the baseline

A scenario is a file `scenario.toml`, or any `.toml` that says so in its first lines. A run is made once, by
the first of its tests. Without a scenario nothing of mutualize is imported but its version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from mutualize.checker import Checker
    from mutualize.report.check_formats import Finding
    from mutualize.run import Run

FORMAT: Final = b'format = "mutualize-scenario/'
HEAD: Final = 4_096
"""How much of a .toml is looked at, in bytes."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options and settings."""
    group = parser.getgroup("mutualize", "scenarios of mutualize")
    group.addoption(
        "--mutualize-update", action="store_true", help="Write what scenarios measure into the baseline."
    )
    group.addoption(
        "--mutualize-baseline",
        metavar="FILE",
        help="What was approved; left out: the setting mutualize_baseline, or mutualize-baseline.json.",
    )
    group.addoption(
        "--mutualize-counterexamples",
        metavar="DIR",
        help="Write a file for each run that fails: `mutualize replay FILE` repeats it.",
    )
    parser.addini(
        "mutualize_baseline",
        "What was approved, seen from the root folder.",
        default="mutualize-baseline.json",
    )
    parser.addini("mutualize_fail_on", "Which verdicts fail.", default="worse,changed,gone")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to write one baseline from several processes: each knows its own runs, the last would win."""
    if config.getoption("--mutualize-update") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--mutualize-update writes one file: leave out -n")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenarios."""
    if file_path.suffix != ".toml" or not _is_scenario(file_path):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


def _is_scenario(path: Path) -> bool:
    if path.name == "scenario.toml":
        return True
    try:
        with path.open("rb") as file:
            return FORMAT in file.read(HEAD)
    except OSError:
        return False


class ScenarioFile(pytest.File):
    """A scenario, and its variants."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tests: what has to be looked at is known from the scenario's text."""
        from mutualize.errors import MutualizeError
        from mutualize.scenario.load import load

        try:
            scenario = load(self.path)
            for variant in (None, *scenario.variants):
                chosen = scenario if variant is None else load(self.path, variant=variant)
                runner = Runner(self.config, self.path, variant)
                for what in ("run", *(one.id for one in chosen.expected()), "baseline"):
                    name = f"{variant}::{what}" if variant else what
                    yield ScenarioItem.from_parent(self, name=name, runner=runner, what=what)
            names = [scenario.name, *(f"{scenario.name}/{variant}" for variant in scenario.variants)]
            for run in checker_of(self.config).missing(names):
                name = f"{run.partition('/')[2]}::baseline"
                yield GoneItem.from_parent(self, name=name, run=run)
        except MutualizeError as error:
            raise self.CollectError("\n".join(error.lines())) from None


class Failure(Exception):
    """What is wrong, for people: shown without a traceback."""


class Runner:
    """Runs one variant of a scenario, once, when it is first asked."""

    def __init__(self, config: pytest.Config, path: Path, variant: str | None) -> None:
        self._config, self._path, self._variant = config, path, variant
        self._found: list[Finding] | None = None
        self.name = ""
        self.counterexample = ""

    def findings(self) -> list[Finding]:
        """Return what was found. Raises MutualizeError."""
        if self._found is None:
            from mutualize.report.check_formats import findings

            checker = checker_of(self._config)
            checker.run(str(self._path), self._variant)
            row = checker.rows[-1]
            self.name, self.counterexample = row["run"], row.get("counterexample", "")
            self._found = findings([row])
        return self._found


class ScenarioItem(pytest.Item):
    """One thing that was stated of a scenario, or approved."""

    def __init__(self, *, runner: Runner, what: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._runner, self._what = runner, what

    def runtest(self) -> None:
        """Look at it."""
        from mutualize.errors import MutualizeError

        try:
            found = self._runner.findings()
        except MutualizeError as error:
            raise Failure("\n".join(error.lines())) from None
        wrong = [each for each in found if self._is_meant(each) and each.problem]
        if wrong:
            lines = [f"{each.what}: {each.problem}" for each in wrong]
            if self._runner.counterexample:
                lines.append(f"repeat it: mutualize replay {self._runner.counterexample}")
            raise Failure("\n".join([f"{self._runner.name}:", *lines]))

    def _is_meant(self, found: Finding) -> bool:
        is_baseline = found.what.startswith("baseline ")
        return is_baseline if self._what == "baseline" else found.what == self._what and not is_baseline

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what is wrong, without a traceback where it is a figure that is wrong."""
        if isinstance(excinfo.value, Failure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where it stands."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"


class GoneItem(pytest.Item):
    """A variant that the baseline knows and the scenario has not any more: it fails, as in a check."""

    def __init__(self, *, run: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._run = run

    def runtest(self) -> None:
        """Say so."""
        from mutualize.report.check_formats import findings

        (found,) = findings([], [self._run])
        update = "Approve that by --mutualize-update."
        raise Failure(f"{found.run}:\n{found.what}: {found.problem}\n{update}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show it without a traceback."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, Failure) else super().repr_failure(excinfo, style)
        )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where it stood."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"


_CHECKER: Final = pytest.StashKey["Checker"]()


def checker_of(config: pytest.Config) -> Checker:
    """Return what runs scenarios in this session, and keeps what became of them."""
    if _CHECKER not in config.stash:
        from mutualize.checker import Checker, failing_of

        named = config.getoption("--mutualize-baseline")
        update = bool(config.getoption("--mutualize-update"))
        baseline = Path(named) if named else config.rootpath / str(config.getini("mutualize_baseline"))
        folder = config.getoption("--mutualize-counterexamples")
        config.stash[_CHECKER] = Checker(
            baseline=baseline if named or update or baseline.is_file() else None,
            update=update,
            failing=failing_of(str(config.getini("mutualize_fail_on"))),
            counterexamples=Path(folder) if folder else None,
        )
    return config.stash[_CHECKER]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the baseline, where that was asked for."""
    checker = session.config.stash.get(_CHECKER, None)
    if checker is not None and checker.update and checker.rows:
        checker.result()


@pytest.fixture(scope="session")
def mutualize_run() -> Callable[..., Run]:
    """Run a scenario, as `mutualize.run` does: `mutualize_run("three-tiers", set={"seed": "8"})`.

    A run with the same arguments is made once in a session.
    """
    made: dict[str, Run] = {}

    def run(scenario: str | Path, **options: Any) -> Run:
        from mutualize.run import run as run_scenario

        key = repr((str(scenario), sorted(options.items(), key=lambda item: item[0])))
        if key not in made:
            made[key] = run_scenario(scenario, **options)
        return made[key]

    return run
