"""The shipped scenarios give the same bytes everywhere: golden digests, under many conditions.

`pytest tests/test_digests.py --update-golden` writes new ones (and CHANGELOG.md has to say why).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mutualize

GOLDEN = Path(__file__).parent / "golden.json"
RUNS = [
    ("three-tiers", None),
    ("three-tiers", "par"),
    ("aave-crv-2022", None),
    ("aave-crv-2022", "january"),
]
CONDITIONS = {
    "another hash seed": ({"PYTHONHASHSEED": "1"}, []),
    "a third hash seed": ({"PYTHONHASHSEED": "4294967295"}, []),
    "another time zone and locale": ({"TZ": "Pacific/Apia", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}, []),
    "a second time zone": ({"TZ": "America/St_Johns", "LANG": "C", "PYTHONHASHSEED": "7"}, []),
    "asserts off": ({"PYTHONHASHSEED": "0"}, ["-O"]),
}
CODE = "import sys, mutualize; print(mutualize.run(sys.argv[1], variant=sys.argv[2] or None).digest)"


def name_of(scenario: str, variant: str | None) -> str:
    """Return how a run is called in the golden file."""
    return f"{scenario}@{variant}" if variant else scenario


@pytest.mark.parametrize(("scenario", "variant"), RUNS, ids=[name_of(*run) for run in RUNS])
def test_digest_is_golden(scenario: str, variant: str | None, pytestconfig: pytest.Config) -> None:
    """A shipped scenario still gives the bytes that it gave when its digest was written down."""
    digest = mutualize.run(scenario, variant=variant).digest
    golden: dict[str, str] = json.loads(GOLDEN.read_text())
    if pytestconfig.getoption("--update-golden"):
        golden[name_of(scenario, variant)] = digest
        GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
    assert digest == golden[name_of(scenario, variant)]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("scenario", ["three-tiers", "aave-crv-2022"])
def test_digest_is_the_same_under_other_conditions(scenario: str, condition: str) -> None:
    """Hash seeds, time zones, locales and `-O` change nothing."""
    changed, flags = CONDITIONS[condition]
    done = subprocess.run(
        [sys.executable, *flags, "-c", CODE, scenario, ""],
        env={**os.environ, **changed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == json.loads(GOLDEN.read_text())[scenario]


def test_observers_change_nothing() -> None:
    """A replay check, a file on disk and a progress callback leave the bytes as they are."""
    seen: list[object] = []
    watched = mutualize.run("three-tiers", check_replay=True, progress=lambda *args: seen.append(args))
    assert watched.digest == json.loads(GOLDEN.read_text())["three-tiers"]


def test_another_seed_gives_other_bytes() -> None:
    """The digest is the run's identity: another seed is another run."""
    assert mutualize.run("three-tiers", seed=8).digest != mutualize.run("three-tiers").digest
