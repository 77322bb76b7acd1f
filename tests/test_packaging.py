"""What is shipped, what it needs, and what it costs to start it."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mutualize

HEAVY = {"jinja2", "markupsafe", "simpy", "structlog", "numpy", "rich"}


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """Start Python with these arguments; return the top-level names of all that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_short_answer_imports_nothing_heavy(option: str, tmp_path: Path) -> None:
    """Asking for the version or for help imports no clock, log, arrays or terminal."""
    imported = imported_by("-m", "mutualize", option, cwd=tmp_path)
    assert "mutualize" in imported
    assert not imported & HEAVY


def test_the_package_itself_imports_nothing(tmp_path: Path) -> None:
    """`import mutualize` fetches no other package: each name is fetched when it is first used."""
    imported = imported_by("-c", "import mutualize", cwd=tmp_path)
    assert "mutualize" in imported
    assert not imported & (HEAVY | {"attr", "attrs", "cattrs", "click", "msgspec"})


def test_heavy_imports_are_seen(tmp_path: Path) -> None:
    """The two tests above would notice: what is imported on purpose is reported."""
    assert imported_by("-c", "import simpy", cwd=tmp_path) & HEAVY == {"simpy"}


# --- what is shipped -------------------------------------------------------------------------------------


def build(checkout: Path, target: str, to: Path) -> Path:
    """Build the wheel or the sdist without network; return its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", to],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    (built,) = to.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that was built from the checkout."""
    return build(checkout, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def shipped(wheel: Path) -> set[str]:
    """Return the names of all files of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files(checkout: Path, folder: str) -> set[str]:
    """Return the names of all files in a folder of the checkout, without what tools leave there."""
    found = [path.relative_to(checkout / folder) for path in (checkout / folder).rglob("*") if path.is_file()]
    return {
        f"{folder}/{path.as_posix()}"
        for path in found
        if not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }


def test_the_wheel_holds_the_whole_package(checkout: Path, shipped: set[str]) -> None:
    """Every file of the package is in the wheel, its types marker and its verifier among them."""
    assert files(checkout, "mutualize") <= shipped
    assert {"mutualize/py.typed", "mutualize/verify_ledger.py"} <= shipped


def test_the_wheel_holds_every_scenario(checkout: Path, shipped: set[str]) -> None:
    """Every file of a scenario is in the wheel, beside the package that looks for it."""
    scenarios = files(checkout, "scenarios")
    assert any(name.endswith("/scenario.toml") for name in scenarios)
    assert {f"mutualize/{name}" for name in scenarios} <= shipped


def test_the_wheel_holds_nothing_else(checkout: Path, shipped: set[str]) -> None:
    """Beside package, scenarios and metadata the wheel is empty: no tests, no benchmarks, no caches."""
    wanted = files(checkout, "mutualize") | {f"mutualize/{name}" for name in files(checkout, "scenarios")}
    rest = {name for name in shipped - wanted if ".dist-info/" not in name}
    assert not rest


def test_the_wheel_carries_licence_and_command(wheel: Path) -> None:
    """The wheel's metadata has the licence text, the SPDX expression and the `mutualize` command."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
        assert "licenses/LICENSE" in metadata
        assert "\nLicense-Expression: MIT\n" in archive.read(metadata["METADATA"]).decode()
        assert "mutualize = mutualize.cli:main" in archive.read(metadata["entry_points.txt"]).decode()


def test_the_wheel_is_the_same_twice(checkout: Path, wheel: Path, tmp_path: Path) -> None:
    """A wheel that is built again has the same bytes."""
    assert build(checkout, "wheel", tmp_path).read_bytes() == wheel.read_bytes()


def test_the_sdist_holds_what_the_tests_need(checkout: Path, tmp_path: Path) -> None:
    """From the sdist alone the package can be built, tested and measured."""
    with tarfile.open(build(checkout, "sdist", tmp_path)) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("mutualize", "scenarios", "tests", "benchmarks", ".ci")
    wanted = {name for folder in folders for name in files(checkout, folder)}
    assert wanted | {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"} <= held


# --- what it needs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    """Return the project table of pyproject.toml."""
    table = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert isinstance(table, dict)
    return table


def script(checkout: Path, name: str, function: str) -> Callable[..., Any]:
    """Return a function of one of the scripts in .ci."""
    found = runpy.run_path(str(checkout / ".ci" / name))[function]
    assert callable(found)
    return found  # type: ignore[no-any-return]  # a script has no types to offer


def test_dependencies_are_those_that_are_imported(checkout: Path, project: dict[str, Any]) -> None:
    """Every package that is imported is declared, and every one that is declared is imported."""
    imported: set[str] = set()
    for path in (checkout / "mutualize").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"mutualize"}
    declared = {re.split(r"[><=]", requirement)[0] for requirement in project["dependencies"]}
    extras = project["optional-dependencies"]
    asked_for = {
        re.split(r"[><=]", requirement)[0] for name in ("data", "plot") for requirement in extras[name]
    }
    assert declared <= foreign <= declared | asked_for | {"pytest"}  # who loads the plugin has pytest


def test_dependencies_have_lower_bounds_only(checkout: Path, project: dict[str, Any]) -> None:
    """Each dependency states the oldest version that works, and no newest one."""
    pins = script(checkout, "lowest.py", "pins")
    assert len(pins(project)) == len(project["dependencies"])
    with pytest.raises(SystemExit, match="no plain lower bound"):
        pins({"dependencies": ["attrs>=24.2,<25"]})


def test_the_version_is_told_once(project: dict[str, Any]) -> None:
    """The package and its metadata tell the same version."""
    assert mutualize.__version__ == project["version"]


# --- what is written about it ----------------------------------------------------------------------------


def test_the_readme_begins_with_two_commands(checkout: Path) -> None:
    """The README's first two shell blocks are one command each: the main job, then the tests."""
    command = script(checkout, "readme_block.py", "command")
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    assert "mutualize run aave-crv-2022" in command(readme, 1)
    assert "pytest" in command(readme, 2)


def test_a_readme_block_is_one_line(checkout: Path) -> None:
    """A block of two lines, and a block that is not there, are errors that say so."""
    command = script(checkout, "readme_block.py", "command")
    text = "```toml\nx = 1\n```\n\n```sh\none && two\n```\n\n```sh\nthree\nfour\n```\n"
    assert command(text, 1) == "one && two"
    with pytest.raises(SystemExit, match="block 2 has 2 lines"):
        command(text, 2)
    with pytest.raises(SystemExit, match="2 fenced sh blocks, but block 3"):
        command(text, 3)


def test_the_changelog_is_for_users(checkout: Path) -> None:
    """The changelog has a part for what is not released yet, and one for what changes results."""
    changelog = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## ")[0]
    assert "### Added" in unreleased
    assert "### Behaviour" in unreleased
