"""The plugin for pytest as a user meets it: in a folder of his own, with no conftest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SMALL = Path(__file__).parent / "small"
INSTALLED = any(point.value == "mutualize.pytest_plugin" for point in entry_points(group="pytest11"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one scenario."""
    folder = tmp_path / "scenarios" / "mine"
    folder.mkdir(parents=True)
    (folder / "scenario.toml").write_bytes((SMALL / "scenario.toml").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def outcome(project: Path, *words: str, code: int = 0) -> str:
    """Run pytest in a project; return what it printed."""
    plugin = [] if INSTALLED else ["-p", "mutualize.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *words]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=project, env=clean, check=False, timeout=300
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def change(project: Path, old: str, new: str) -> None:
    """Replace a text in the scenario."""
    file = project / "scenarios" / "mine" / "scenario.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_each_expectation_is_a_test(project: Path) -> None:
    """Variants are run as well; names say what is looked at."""
    listed = outcome(project, "--collect-only", "-q", "scenarios")
    assert "scenarios/mine/scenario.toml::some-shortfall" in listed
    assert "scenarios/mine/scenario.toml::par::run" in listed
    told = outcome(project, "scenarios", "-q")
    assert "failed" not in told


def test_a_missed_expectation_is_told_in_words(project: Path) -> None:
    """No traceback: what is expected, and what is."""
    change(project, 'id = "some-shortfall"\n', 'id = "some-shortfall"\ntolerance = "0"\n')
    file = project / "scenarios" / "mine" / "scenario.toml"
    text = file.read_text(encoding="utf-8")
    extra = '\n[[expect]]\nid = "none-at-all"\nmetric = "shortfall.USDC"\nequals = "0"\n'
    extra += 'kind = "held-out"\nsource = "BOOK"\n'
    file.write_text(text.replace('\ntolerance = "0"\n', "\n") + extra, encoding="utf-8")
    told = outcome(project, "scenarios", code=1)
    assert "none-at-all: shortfall.USDC is" in told
    assert "not 0.00 USDC" in told
    assert "Traceback" not in told


def test_a_worse_protocol_fails_and_an_update_approves_it(project: Path) -> None:
    """A baseline is written when asked for, holds, catches a smaller fund, and can be moved."""
    outcome(project, "scenarios", "--mutualize-update")
    baseline = project / "mutualize-baseline.json"
    assert set(json.loads(baseline.read_bytes())["runs"]) == {"small", "small/par"}
    outcome(project, "scenarios")
    change(project, 'USDC = "500"', 'USDC = "50"')
    told = outcome(project, "scenarios", "--mutualize-counterexamples", "failed", code=1)
    assert "baseline gain.depositors: was" in told
    assert "repeat it: mutualize replay failed/small.json" in told
    assert (project / "failed" / "small.json").is_file()
    outcome(project, "scenarios", "--mutualize-update")
    outcome(project, "scenarios")


def test_a_variant_that_is_gone_fails_and_an_update_approves_it(project: Path) -> None:
    """What was approved and cannot be run any more is a test of its own, unless that is let pass."""
    outcome(project, "scenarios", "--mutualize-update")
    change(project, "[variants.par]", "[variants.other]")
    told = outcome(project, "scenarios", code=1)
    assert "scenarios/mine/scenario.toml::par::baseline" in told
    assert "small/par:\nrun: is known from before, and there is no such run any more" in told
    assert "Traceback" not in told
    (project / "pytest.ini").write_text("[pytest]\nmutualize_fail_on = worse\n", encoding="utf-8")
    assert "par::baseline" not in outcome(project, "scenarios", "-v").replace("other::baseline", "")
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    outcome(project, "scenarios", "--mutualize-update")
    runs = json.loads((project / "mutualize-baseline.json").read_bytes())["runs"]
    assert set(runs) == {"small", "small/other"}
    outcome(project, "scenarios")


def test_a_baseline_is_not_written_by_several_processes(project: Path) -> None:
    """The runs of one would overwrite those of another: refused, and nothing is written."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    told = outcome(project, "scenarios", "-n", "2", "--mutualize-update", code=4)
    assert "passed" not in told
    assert not (project / "mutualize-baseline.json").exists()


def test_a_broken_scenario_is_an_error_of_collection(project: Path) -> None:
    """It names the place, and other tests are still collected."""
    change(project, 'payer = "fund"', 'payer = "found"')
    told = outcome(project, "scenarios", code=2)
    assert "is not a payer" in told or "found" in told
    assert "Traceback" not in told


def test_other_toml_is_left_alone(project: Path) -> None:
    """Only what says that it is a scenario is one."""
    (project / "scenarios" / "other.toml").write_text("a = 1\n", encoding="utf-8")
    (project / "scenarios" / "flat.toml").write_bytes((SMALL / "scenario.toml").read_bytes())
    listed = outcome(project, "--collect-only", "-q", "scenarios")
    assert "other.toml" not in listed
    assert "scenarios/flat.toml::some-shortfall" in listed


def test_the_fixture_runs_once(project: Path) -> None:
    """`mutualize_run` takes what `mutualize.run` takes."""
    (project / "test_own.py").write_text(
        "def test_own(mutualize_run):\n"
        "    ran = mutualize_run('scenarios/mine', seed=5)\n"
        "    assert ran.figure('shortfall.USDC') > 0\n"
        "    assert mutualize_run('scenarios/mine', seed=5) is ran\n"
        "    assert mutualize_run('scenarios/mine', seed=6) is not ran\n",
        encoding="utf-8",
    )
    outcome(project, "test_own.py")


def test_nothing_is_imported_where_there_is_no_scenario(project: Path) -> None:
    """Who has mutualize installed pays nothing for it in other projects."""
    (project / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    heavy = {'simpy', 'structlog', 'msgspec', 'mutualize.run', 'mutualize.checker'}\n"
        "    assert not heavy & set(sys.modules)\n",
        encoding="utf-8",
    )
    outcome(project, "test_own.py")
