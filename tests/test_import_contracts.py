"""Who may import whom: the contracts of pyproject.toml hold, and each is seen to break when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest


class Plant(NamedTuple):
    """An import that a contract forbids: the contract's name, and who imports what."""

    contract: str
    importer: str
    imported: str


PLANTS = (
    Plant("imports point downwards", "mutualize.units", "mutualize.world"),
    Plant("imports point downwards", "mutualize.events", "mutualize.report.text"),
    Plant("the simulation's clock is wound by the world alone", "mutualize.market.path", "simpy"),
    Plant("the ledger's bytes are made in one place", "mutualize.events", "msgspec"),
    Plant("only who meets people knows a terminal", "mutualize.world", "click"),
    Plant("only who meets people knows a terminal", "mutualize.projections.tiers", "rich"),
    Plant("only the world and the command line speak to the operator", "mutualize.protocol", "structlog"),
    Plant("the verifier stands alone: standard library only", "mutualize.verify_ledger", "mutualize.units"),
    Plant("the verifier stands alone: standard library only", "mutualize.verify_ledger", "msgspec"),
    Plant("projections know events only", "mutualize.projections.prices", "mutualize.venues.pool"),
    Plant("the core knows no wall clock, no chance, no file and no float", "mutualize.book", "time"),
    Plant(
        "the core knows no wall clock, no chance, no file and no float", "mutualize.venues.pool", "decimal"
    ),
    Plant("nothing anywhere draws unnamed chance", "mutualize.report.text", "numpy"),
)


def lint(root: Path) -> tuple[int, str]:
    """Check the contracts of a tree; return the exit code and what was printed, on unbroken lines."""
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "lint-imports", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "500", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def copy(checkout: Path, to: Path) -> Path:
    shutil.copy(checkout / "pyproject.toml", to)
    shutil.copytree(checkout / "mutualize", to / "mutualize", ignore=shutil.ignore_patterns("__pycache__"))
    return to


@pytest.fixture(scope="module")
def broken(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what is said of a tree in which every planted import stands."""
    root = copy(checkout, tmp_path_factory.mktemp("broken"))
    for plant in PLANTS:
        file = root / f"{plant.importer.replace('.', '/')}.py"
        file.write_text(f"{file.read_text(encoding='utf-8')}\nimport {plant.imported}\n", encoding="utf-8")
    code, said = lint(root)
    assert code == 1, said
    return said


def test_the_contracts_hold(checkout: Path, tmp_path: Path) -> None:
    """No import of the tree breaks a contract."""
    code, said = lint(copy(checkout, tmp_path))
    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.importer}-{plant.imported}")
def test_a_broken_contract_is_noticed(plant: Plant, broken: str) -> None:
    """A planted import breaks its contract, and is named."""
    verdicts = [line for line in broken.splitlines() if line.startswith(plant.contract)]
    assert any(" BROKEN" in line for line in verdicts), broken
    assert f"{plant.importer} -> {plant.imported} (l." in broken
