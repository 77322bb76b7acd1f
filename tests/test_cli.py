"""The command line as a user meets it: what goes where, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mutualize
from mutualize import cli

SMALL = str(Path(__file__).parent / "small")
HEAVY = (
    "simpy",
    "structlog",
    "numpy",
    "rich",
    "attr",
    "attrs",
    "msgspec",
    "mutualize.world",
    "mutualize.run",
)


def call(*words: str, code: int = 0, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, and hold it to its exit code."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "mutualize", *words],
        capture_output=True,
        text=True,
        env={**clean, "PYTHONUTF8": "1", **environment},
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def from_json(*words: str, code: int = 0) -> dict[str, Any]:
    """Return the JSON object that a command prints, and see that nothing else is printed."""
    done = call(*words, "--json", code=code)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stdout == json.dumps(found, indent=2, sort_keys=True) + "\n"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run folder that the command line wrote."""
    path = tmp_path_factory.mktemp("runs") / "small"
    call("run", SMALL, "--out", str(path))
    return path


# --- starting up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["--help"], ["-h"], ["run", "-h"], []])
def test_what_is_asked_for_at_first_loads_nothing_heavy(words: list[str]) -> None:
    """Versions and help come without the clock, the log, the tables or a single scenario class."""
    code = (
        "import sys\n"
        "from mutualize.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        f"finally:\n    sys.stderr.write(','.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == (0 if words else 2)
    assert not done.stderr.split("\n")[-1]


def test_the_version_names_what_matters() -> None:
    """One line: our own version, Python's and the clock's; it is the version of the package."""
    line = call("--version").stdout
    python = ".".join(str(part) for part in sys.version_info[:3])
    assert line.startswith(f"mutualize {mutualize.__version__} (python {python}, simpy 4")
    assert "unknown" not in line


def test_help_has_examples_and_exit_codes() -> None:
    """What can be copied stands there, and what each end means."""
    text = call("-h").stdout
    assert "mutualize run three-tiers" in text
    assert "an invariant broke" in text
    assert "NO_COLOR" in text


def test_without_a_command_there_is_a_short_help() -> None:
    """It goes to stderr, with exit code 2."""
    done = call(code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("usage: mutualize COMMAND")


# --- scenarios -------------------------------------------------------------------------------------------


def test_scenarios_are_listed_and_shown() -> None:
    """A list names what is shipped; a page of a scenario begins with the numbers that are no facts."""
    assert from_json("list")["schema"] == "mutualize/list@1"
    text = call("show", SMALL).stdout
    assert text.index("calibrated to: the headline") < text.index("assumed: invented")
    assert text.index("Inputs that are not published facts") < text.index("Who takes part")
    assert from_json("show", SMALL, "--set", "seed=9")["scenario"]["seed"] == "9"


def test_a_scenario_to_start_from_runs(tmp_path: Path) -> None:
    """What `init` writes can be shown and run as it is, and is never written over."""
    place = str(tmp_path / "my-pool")
    assert "mutualize run" in call("init", place).stdout
    assert from_json("run", place)["scenario"]["name"] == "my-pool"
    assert "exists already" in call("init", place, code=74).stderr
    assert "error: " in call("init", str(tmp_path / "No Good"), code=2).stderr


def test_the_schema_and_the_metrics_are_printed() -> None:
    """An editor gets a JSON Schema, an author the names of all metrics."""
    assert json.loads(call("schema").stdout)["type"] == "object"
    assert "tier.<tier>.paid.<asset>" in call("schema", "--metrics").stdout


# --- runs ------------------------------------------------------------------------------------------------


def test_a_run_reports_on_stdout_and_keeps_quiet_otherwise() -> None:
    """Without a terminal there is neither colour nor progress, and a spread is not made up."""
    done = call("run", SMALL)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Who paid: insurance-fund" in done.stdout
    assert "work it out: mutualize spread small" in done.stdout
    assert done.stdout.rstrip().split("\n")[-1].endswith("--out DIR")


def test_a_run_as_json_is_its_summary() -> None:
    """One object, the same for the same seed, with the digest that the report shows."""
    found = from_json("run", SMALL, "--seed", "3")
    assert found["schema"] == "mutualize/run@1"
    assert found["ledger"]["digest"] in call("run", SMALL, "--seed", "3").stdout


@pytest.mark.parametrize(
    ("environment", "color", "coloured"),
    [
        ({}, "auto", False),
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", False),
        ({"FORCE_COLOR": "1"}, "never", False),
    ],
)
def test_colour_is_asked_for(environment: dict[str, str], color: str, coloured: bool) -> None:
    """NO_COLOR beats what is forced, and both beat what the terminal could do."""
    done = call("--color", color, "show", SMALL, code=0, **environment)
    assert ("\x1b[" in done.stdout) is coloured


def test_an_ascii_terminal_gets_the_whole_report() -> None:
    """Where only ASCII can be written nothing fails, and no word is lost."""
    done = call("run", SMALL, PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.stdout.isascii()
    assert "Who lost and who gained" in done.stdout


@pytest.mark.parametrize("command", [f"show {SMALL}", f"run {SMALL}"])
def test_whoever_has_read_enough_ends_it_quietly(command: str) -> None:
    """A closed pipe is no error, whether it closes before the end or while a run still prints."""
    pipeline = f"{sys.executable} -m mutualize {command} | true"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipeline], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.returncode) == ("", 0)


# --- ledgers ---------------------------------------------------------------------------------------------


def test_a_ledger_is_verified(folder: Path) -> None:
    """Sealed, torn, unsealed and corrupt are four answers with four exit codes."""
    assert call("verify", str(folder)).stdout.startswith("sealed: ")
    assert from_json("verify", str(folder / "ledger.jsonl"), "--deep")["condition"] == "sealed"
    whole = (folder / "ledger.jsonl").read_bytes()
    other = folder.parent / "other.jsonl"
    other.write_bytes(whole[:-9])
    assert call("verify", str(other), code=6).stdout.startswith("torn: ")
    other.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert call("verify", str(other), code=7).stdout.startswith("unsealed: ")
    other.write_bytes(whole.replace(b'"amount":"1', b'"amount":"2', 1))
    assert from_json("verify", str(other), code=8)["condition"] == "corrupt"
    assert "does not exist" in call("verify", str(folder / "nothing.jsonl"), code=4).stderr


def test_a_ledger_is_replayed_to_a_moment(folder: Path) -> None:
    """The state then, from the file alone: in words, and as plain data."""
    found = from_json("replay", str(folder), "--at", "2024-01-01T00:30:00Z")
    assert found["schema"] == "mutualize/state@1"
    assert found["entries"] < from_json("replay", str(folder))["entries"]
    assert from_json("replay", str(folder), "--seq", "10")["entries"] == 11
    assert "aave:claims" in call("replay", str(folder)).stdout
    assert "--seq: " in call("replay", str(folder), "--seq", "99999", code=2).stderr
    assert (
        "error: " in call("replay", str(folder), "--seq", "1", "--at", "2024-01-01T00:30:00Z", code=2).stderr
    )


def test_a_state_from_a_damaged_ledger_says_so(folder: Path, tmp_path: Path) -> None:
    """A prefix is no whole run: on stderr, so that what is piped on stays one JSON object."""
    whole, file = (folder / "ledger.jsonl").read_bytes(), tmp_path / "ledger.jsonl"
    for damaged, word in (
        (whole[:-9], "torn"),
        (b"".join(whole.splitlines(keepends=True)[:-1]), "unsealed"),
        (whole + b"more\n", "corrupt"),
    ):
        file.write_bytes(damaged)
        done = call("replay", str(file), "--seq", "10", "--json")
        assert done.stderr.startswith(f"warning: {file}: {word}: ")
        assert json.loads(done.stdout)["entries"] == 11
    assert call("replay", str(folder), "--seq", "10").stderr == ""


def test_a_mistaken_option_names_its_commands_help() -> None:
    """The help that lists the options of this command, not of all."""
    assert "See 'mutualize list --help'." in call("list", "--nothing", code=2).stderr


def test_a_run_folder_is_not_replaced(folder: Path) -> None:
    """Without --force a second run into it ends with 74, and the first stays as it was."""
    before = (folder / "ledger.jsonl").read_bytes()
    assert "--force" in call("run", SMALL, "--out", str(folder), code=74).stderr
    assert (folder / "ledger.jsonl").read_bytes() == before
    call("run", SMALL, "--out", str(folder), "--force")
    assert (folder / "ledger.jsonl").read_bytes() == before


# --- checks ----------------------------------------------------------------------------------------------


def test_a_check_fails_where_an_expectation_is_missed(tmp_path: Path) -> None:
    """Exit code 1, and the line that says what was expected and what came out."""
    text = (Path(SMALL) / "scenario.toml").read_text("utf-8")
    wrong = text.replace('at_least = "1"', 'at_least = "1000000"')
    (tmp_path / "scenario.toml").write_text(wrong, "utf-8")
    done = call("check", str(tmp_path), code=1)
    assert "small: some-shortfall: shortfall.USDC is 9,99" in done.stdout
    assert "not at least 1,000,000.00 USDC" in done.stdout
    found = from_json("check", str(tmp_path), code=1)
    assert [row["run"] for row in found["runs"] if not row["ok"]] == ["small"]


def test_a_check_fails_where_a_digest_has_changed(tmp_path: Path) -> None:
    """Golden digests are written on demand, hold afterwards, and a changed one is exit code 1."""
    golden = tmp_path / "digests.txt"
    assert "there is no such file" in call("check", SMALL, "--golden", str(golden), code=4).stderr
    call("check", SMALL, "--golden", str(golden), "--update")
    assert [line.split()[0] for line in golden.read_text().splitlines()] == ["small", "small/par"]
    assert "same" in call("check", SMALL, "--golden", str(golden)).stdout
    golden.write_text(golden.read_text().replace("small/par ", "small/other "))
    gone = call("check", SMALL, "--golden", str(golden), code=1).stdout
    assert "small/other: is known from before, and there is no such run any more" in gone
    assert "new" in gone
    golden.write_text("small " + "0" * 64 + "\nelsewhere " + "1" * 64 + "\n")
    assert "DIFFERS" in call("check", SMALL, "--golden", str(golden), code=1).stdout
    golden.write_text("nonsense\n")
    assert f"{golden}:1" in call("check", SMALL, "--golden", str(golden), code=2).stderr


# --- many runs -------------------------------------------------------------------------------------------


def test_a_spread_is_written_with_its_picture(tmp_path: Path) -> None:
    """JSON and SVG beside each other, no partial file left; what a damaged one says is one line."""
    out, partial = tmp_path / "a.json", tmp_path / "a.json.partial"
    words = ["spread", SMALL, "--seeds", "1", "--draws", "1", "--jobs", "1", "--out", str(out)]
    partial.write_text("nonsense\n")
    said = call(*words, code=8).stderr
    assert said == f"error: {partial}: is no file of points. Delete it to begin anew.\n"
    partial.unlink()
    assert "Over 1 seed, variant par" in call(*words).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.svg"]
    assert json.loads(out.read_text("utf-8"))["schema"] == "mutualize/spread@1"


# --- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "no-such-thing"], 4, "error: there is no scenario 'no-such-thing'."),
        (["run", SMALL, "--set", "seed"], 2, "error: --set: 'seed' says no value. Write it as path=value."),
        (["run", SMALL, "--variant", "parr"], 2, "Did you mean 'par'?"),
        (["run"], 2, "error: mutualize run: Missing argument 'SCENARIO'."),
        (["run", SMALL, "--seed", "-1"], 2, "error: mutualize run: Invalid value for '--seed'"),
        (["runn", SMALL], 2, "error: mutualize: No such command 'runn'."),
        (["check", SMALL, "--update"], 2, "error: --update: there is no file to update."),
        (
            ["spread", SMALL, "--out", "x"],
            2,
            "error: --out: x does not end in .json. The picture is called like it, .svg.",
        ),
        (
            ["spread", "--out", "x.json"],
            2,
            "error: --out: one file holds one scenario. Name one, or write by --update.",
        ),
        (
            ["spread", SMALL, "--update", "--out", "x.json"],
            2,
            "error: --out: --update says another place. Leave one of them out.",
        ),
        (
            ["sensitivity", SMALL, "--update", "--set", "seed=2"],
            2,
            "error: --set: what lies beside a scenario is of its own values. Write by --out.",
        ),
        (
            ["sensitivity", SMALL, "--step", "2"],
            2,
            "error: --step: 2 is not between 0 and 1. Write a share, such as 0.05.",
        ),
    ],
)
def test_an_error_names_place_problem_and_remedy(words: list[str], code: int, said: str) -> None:
    """Whatever goes wrong is one line on stderr, and nothing on stdout."""
    done = call(*words, code=code)
    assert done.stdout == ""
    assert said in done.stderr
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())


def test_all_mistakes_of_a_scenario_are_told_at_once(tmp_path: Path) -> None:
    """A line for each, all with their places."""
    text = (Path(SMALL) / "scenario.toml").read_text("utf-8")
    broken = text.replace('kind = "pool"', 'kind = "pol"').replace('payer = "fund"', 'payer = "found"')
    (tmp_path / "scenario.toml").write_text(broken, "utf-8")
    lines = call("run", str(tmp_path), code=2).stderr.splitlines()
    assert len(lines) >= 2
    assert all("scenario.toml:" in line for line in lines)


def test_a_bug_of_ours_shows_no_traceback_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is one line that says what to do, with exit code 3; --debug raises it."""

    def broken(*_: object) -> None:
        raise RuntimeError("this cannot be")

    monkeypatch.setattr("mutualize.scenario.find.shipped", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main(["list"])
    assert ended.value.code == 3
    with pytest.raises(RuntimeError, match="this cannot be"):
        cli.main(["--debug", "list"])


def test_an_interrupt_is_told_in_a_line(tmp_path: Path) -> None:
    """Ctrl-C during a run ends with 130, SIGTERM with 143, and the ledger is sealed as interrupted."""
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        place = tmp_path / str(code)
        script = (
            "import os, sys\n"
            "from mutualize import cli\n"
            "from mutualize.report import progress\n"
            "seen = []\n"
            "def show(self, text):\n"
            "    seen.append(text)\n"
            f"    len(seen) == 20 and os.kill(os.getpid(), {int(number)})\n"
            "progress.Progress._show = show\n"
            "cli.main(sys.argv[1:])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, "run", SMALL, "--out", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("error: the run ended ")
        assert from_json("verify", str(place))["status"] == "interrupted"
