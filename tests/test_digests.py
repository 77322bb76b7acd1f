"""The same scenarios give the same bytes everywhere: golden digests, under many conditions.

`pytest tests/test_digests.py --update-golden` writes new ones (and CHANGELOG.md has to say why). Where a
condition changes anything, the failure names the first event that differs and the chain of its causes; where
a version does, `mutualize check --against LEDGER` does so, with a ledger of the older version.
"""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from interpreters.probe import chosen

import mutualize
from mutualize.report.difference import first_difference
from mutualize.scenario.load import loads
from mutualize.scenario.template import template

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.json"
PROBE = HERE / "interpreters" / "probe.py"
RUNS = [
    ("three-tiers", None),
    ("three-tiers", "par"),
    ("aave-crv-2022", None),
    ("aave-crv-2022", "january"),
    ("umbrella-2025", None),
    ("umbrella-2025", "below-offset"),
    ("umbrella-2025", "at-offset"),
    ("umbrella-2025", "above-offset"),
    ("umbrella-2025", "leave-in-time"),
    ("umbrella-2025", "offset-cleared-by-dao"),
    ("umbrella-2025", "more-than-is-staked"),
    ("black-thursday-2020", None),
    ("crv-2024", None),
    ("mango-2022", None),
    ("mango-2022", "by-the-rules"),
    ("usdc-depeg-2023", None),
    ("usdc-depeg-2023", "paused"),
    ("usdc-depeg-2023", "one-dollar"),
    ("venus-luna-2022", None),
    ("venus-luna-2022", "no-fund"),
    ("venus-luna-2022", "worth-nothing"),
    ("venus-xvs-2021", None),
    ("venus-xvs-2021", "factor-60"),
    ("template", None),
]
SCENARIOS = ("three-tiers", "aave-crv-2022", "template")
CONDITIONS: dict[str, tuple[dict[str, str], list[str]]] = {
    "hash seed 0, a day ahead": ({"PYTHONHASHSEED": "0", "TZ": "Pacific/Kiritimati"}, []),
    "hash seed 1, a Turkish locale": (
        {"PYTHONHASHSEED": "1", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
        [],
    ),
    "hash seed 4294967295, asserts off": ({"PYTHONHASHSEED": "4294967295", "TZ": "America/St_Johns"}, ["-O"]),
    "a random hash seed, docstrings off": (
        {"PYTHONHASHSEED": "random", "TZ": "AAA-13:37BBB,M3.2.0"},
        ["-OO"],
    ),
    "no locale": ({"LANG": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, []),
    "UTF-8 mode, developer mode": ({"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}, ["-X", "dev"]),
    "another home and temporary folder": ({"HOME": "-", "TMPDIR": "-", "USER": "somebody"}, ["-B"]),
    "no msgspec": ({}, []),
}


def name_of(scenario: str, variant: str | None) -> str:
    """Return how a run is called in the golden file."""
    return f"{scenario}@{variant}" if variant else scenario


def golden(name: str) -> str:
    """Return a golden digest."""
    digest: str = json.loads(GOLDEN.read_text())[name]
    return digest


@pytest.mark.parametrize(("scenario", "variant"), RUNS, ids=[name_of(*run) for run in RUNS])
def test_digest_is_golden(scenario: str, variant: str | None, pytestconfig: pytest.Config) -> None:
    """A scenario still gives the bytes that it gave when its digest was written down."""
    digest = mutualize.run(chosen(scenario), variant=variant).digest
    name = name_of(scenario, variant)
    known: dict[str, str] = json.loads(GOLDEN.read_text())
    if pytestconfig.getoption("--update-golden"):
        known[name] = digest
        GOLDEN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    assert digest == known[name], (
        f"mutualize check {scenario} --against LEDGER (of the older version) shows why"
    )


# --- another process, under other conditions -------------------------------------------------------------


def probed(folder: Path, environment: dict[str, str], flags: list[str], *options: str) -> dict[str, Any]:
    """Run the scenarios in a process of its own, ledgers into `folder`, and return what it says."""
    command = [sys.executable, *flags, str(PROBE), str(folder), *options, *SCENARIOS]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ"))}
    done = subprocess.run(
        command, env={**kept, **environment}, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of ledgers that were written under no condition."""
    folder = tmp_path_factory.mktemp("ours")
    for name in SCENARIOS:
        mutualize.run(chosen(name), ledger=folder / f"{name}.jsonl")
    return folder


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_bytes_are_the_same_under_other_conditions(condition: str, ours: Path, tmp_path: Path) -> None:
    """Hash seeds, time zones, locales, `-O`, `-OO` and the JSON library change nothing."""
    environment, flags = CONDITIONS[condition]
    environment = {name: str(tmp_path) if value == "-" else value for name, value in environment.items()}
    options = ["--without-msgspec"] if condition == "no msgspec" else []
    answer = probed(tmp_path, environment, flags, *options)
    for name in SCENARIOS:
        difference = first_difference(ours / f"{name}.jsonl", tmp_path / f"{name}.jsonl")
        assert not difference, "\n".join([f"{name}, {condition}:", *difference])
        assert answer["digests"][name] == golden(name)


# --- whoever watches, and wherever the ledger goes -------------------------------------------------------


@pytest.mark.parametrize("ledger", ["memory", "none", "file", "durable file", "folder"])
def test_the_digest_does_not_depend_on_where_the_ledger_goes(ledger: str, tmp_path: Path) -> None:
    """In memory, nowhere, streamed to a file, flushed to the disk, in a run folder: one digest."""
    places: dict[str, dict[str, Any]] = {
        "memory": {"ledger": "memory"},
        "none": {"ledger": "none"},
        "file": {"ledger": tmp_path / "run.jsonl"},
        "durable file": {"ledger": tmp_path / "run.jsonl", "durable": True},
        "folder": {"out": tmp_path / "run"},
    }
    assert mutualize.run("three-tiers", **places[ledger]).digest == golden("three-tiers")


def test_observers_change_nothing() -> None:
    """A replay check, a progress callback and the draws of ties leave the bytes as they are."""
    seen: list[object] = []
    watched = mutualize.run("three-tiers", check_replay=True, progress=lambda *args: seen.append(args))
    watched.shuffle_ties(1, workers=1)
    assert len(seen) > 10
    assert watched.digest == golden("three-tiers")


@pytest.fixture
def talkative() -> Iterator[list[str]]:
    """Set up structlog so that all is logged, from the lowest level on."""
    said: list[str] = []

    def keep(_: Any, __: str, event: structlog.typing.EventDict) -> str:
        said.append(str(event["event"]))
        raise structlog.DropEvent

    structlog.configure(
        processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET)
    )
    yield said
    structlog.reset_defaults()


def test_the_level_of_the_log_changes_nothing(talkative: list[str]) -> None:
    """Who logs everything gets the bytes of who logs nothing."""
    assert mutualize.run("three-tiers").digest == golden("three-tiers")
    assert "run ended" in talkative


def on_a_terminal(command: list[str], out: Path) -> tuple[str, str]:
    """Run a command whose stderr is a terminal, and return what it printed on stdout and stderr."""
    ours_end, theirs = pty.openpty()
    shown = b""
    with out.open("wb") as stdout, subprocess.Popen(command, stdout=stdout, stderr=theirs) as running:
        os.close(theirs)
        while piece := read_terminal(ours_end):
            shown += piece
    os.close(ours_end)
    assert running.returncode == 0, shown
    return out.read_text(), shown.decode(errors="replace")


def read_terminal(descriptor: int) -> bytes:
    """Return what was printed; nothing once the other end is closed, which Linux calls an error."""
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""


def test_a_progress_bar_changes_nothing(tmp_path: Path) -> None:
    """With a bar on the terminal and without one the summary is the same, byte for byte."""
    at_once = "from mutualize.report import progress; progress.PATIENCE_S = 0"
    arguments = ["run", "aave-crv-2022", "--json"]
    code = f"{at_once}; from mutualize.cli import main; main({arguments})"
    command = [sys.executable, "-c", code]
    with_bar, shown = on_a_terminal(command, tmp_path / "out")
    without = subprocess.run(command, capture_output=True, text=True, check=True)
    assert with_bar == without.stdout
    assert json.loads(with_bar)["ledger"]["digest"] == golden("aave-crv-2022")
    assert shown
    assert not without.stderr


SPREAD = """
[[spread.vary]]
path = "liquidators[0].min_profit"
low = "5"
high = "50"
"""


def test_the_number_of_processes_changes_nothing() -> None:
    """A spread has the same figures with one process and with two, and the run its digest."""
    scenario = loads(template("small-crash") + SPREAD, Path())
    runs = [mutualize.run(scenario) for _ in range(2)]
    one, two = (ran.over_seeds(3, 2, workers=workers) for ran, workers in zip(runs, (1, 2), strict=True))
    assert one == two
    assert runs[0].summary == runs[1].summary
    assert one is not None
    assert (one["seeds"], one["draws"]["count"], one["draws"]["failed"]) == (3, 2, 0)
    assert runs[0].digest == runs[1].digest == mutualize.run(scenario, ledger="none").digest


def test_another_seed_gives_other_bytes() -> None:
    """The digest is the run's identity: another seed is another run."""
    assert mutualize.run("three-tiers", seed=8).digest != mutualize.run("three-tiers").digest
