"""Other interpreters write the same ledgers: other versions of CPython, WebAssembly, PyPy, whatever is here.

`.ci/interpreters` fetches what the registries have and runs this with all of it. By itself this takes the
CPythons that are on PATH, or that pyenv has. What is not here is skipped, with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attr
import pytest
import simpy
import structlog

import mutualize
from mutualize.report.difference import first_difference

HERE = Path(__file__).parent / "interpreters"
PACKAGE = Path(mutualize.__file__).parent.parent
SCENARIOS = ("three-tiers", "template")
OLDEST, NEWEST = 11, 16
"""CPythons 3.11 … 3.16 are looked for."""


def fetched() -> Path | None:
    """Return where `.ci/interpreters` has put what it fetched."""
    named = os.environ.get("MUTUALIZE_INTERPRETERS")
    return Path(named) if named else None


def wheels() -> list[Path]:
    """Return what interpreters import beside mutualize: fetched wheels, or packages that are here."""
    folder = fetched()
    found = sorted((folder / "wheels").glob("*.whl")) if folder else []
    return found or [Path(str(module.__file__)).parent.parent for module in (attr, simpy, structlog)]


def why_missing(name: str) -> str:
    """Return why something is not here, in the words of whoever tried to get it."""
    folder = fetched()
    if folder is None:
        return ".ci/interpreters fetches it"
    reason = folder / "missing" / name
    return reason.read_text().strip() if reason.exists() else "it was not fetched"


def version(program: Path) -> tuple[int, ...]:
    """Return the version of a Python; () where it does not start (pyenv has shims of nothing)."""
    code = "import hashlib, json, sys; print(*sys.version_info[:3])"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()


def native(minor: int) -> Path | None:
    """Return the oldest CPython of that minor version: on PATH, or among those that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", "-")).glob(f"versions/3.{minor}.*/bin")
    folders = [*map(Path, os.get_exec_path()), *kept]
    programs = [found for folder in folders if (found := folder / f"python3.{minor}").exists()]
    known = [(of, program) for program in dict.fromkeys(programs) if (of := version(program))]
    return min(known)[1] if known else None


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this interpreter's own ledgers."""
    folder = tmp_path_factory.mktemp("ours")
    answer = ask([sys.executable, str(HERE / "probe.py"), str(folder), "--path", str(PACKAGE), *SCENARIOS])
    assert answer["encoder"] == "msgspec"
    return folder


def ask(command: list[str]) -> dict[str, Any]:
    """Run an interpreter, and return what it says about itself."""
    changed = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**changed, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-2000:]}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def holds(answer: dict[str, Any], ours: Path, theirs: Path) -> None:
    """Compare the ledgers byte for byte; where they differ, say at which event, and what led to it."""
    for name in SCENARIOS:
        left, right = (folder / f"{name}.jsonl" for folder in (ours, theirs))
        if left.read_bytes() != right.read_bytes():
            raise AssertionError("\n".join([f"{name}, {answer['python']}:", *first_difference(left, right)]))
    print({name: value for name, value in answer.items() if name != "digests"})  # noqa: T201 (shown by -rP)


def probed(program: Path | str, theirs: Path, *options: str) -> dict[str, Any]:
    """Have a program that is a Python run the probe."""
    paths = [word for path in (*wheels(), PACKAGE) for word in ("--path", str(path))]
    return ask([str(program), str(HERE / "probe.py"), str(theirs), *paths, *options, *SCENARIOS])


def test_another_ledger_is_found_and_told(ours: Path, tmp_path: Path) -> None:
    """A single byte that differs fails the comparison, which says at which event."""
    for name in SCENARIOS:
        (tmp_path / f"{name}.jsonl").write_bytes((ours / f"{name}.jsonl").read_bytes())
    holds({"python": "a copy"}, ours, tmp_path)
    changed = mutualize.run("three-tiers", seed=8, ledger=tmp_path / "changed.jsonl")
    assert changed.digest
    (tmp_path / "changed.jsonl").replace(tmp_path / "three-tiers.jsonl")
    with pytest.raises(AssertionError, match=r"(?s)three-tiers, a copy.*they part at event .*because of"):
        holds({"python": "a copy"}, ours, tmp_path)


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_a_cpython_of_this_machine_writes_the_same(minor: int, ours: Path, tmp_path: Path) -> None:
    """Every version of CPython that is here writes the same ledgers, without msgspec."""
    program = native(minor)
    if program is None:
        pytest.skip(f"there is no python3.{minor} on PATH")
    answer = probed(program, tmp_path, "--without-msgspec")
    assert answer["python"].startswith(f"CPython 3.{minor}.")
    assert answer["encoder"] == "mutualize.plain_json"
    holds(answer, ours, tmp_path)


@pytest.mark.parametrize("minor", range(OLDEST, NEWEST + 1))
def test_it_writes_the_same_with_msgspec(minor: int, ours: Path, tmp_path: Path) -> None:
    """Every version of CPython for which there is a msgspec writes the same ledgers with it."""
    folder, name = fetched(), f"3.{minor}"
    program = native(minor) or (folder and folder / "bin" / f"debian-python{name}")
    if program is None or not program.exists():
        pytest.skip(f"there is no python{name} here")
    compiled = folder and folder / f"msgspec-{name}"
    if compiled is None or not compiled.exists():
        pytest.skip(f"msgspec for {name}: {why_missing(f'msgspec-{name}')}")
    answer = probed(program, tmp_path, "--path", str(compiled))
    assert answer["encoder"] == "msgspec"
    holds(answer, ours, tmp_path)


def test_the_newest_cpython_writes_the_same(ours: Path, tmp_path: Path) -> None:
    """The newest CPython that Debian has writes the same ledgers."""
    folder = fetched()
    programs = sorted(folder.glob("bin/debian-python3.*")) if folder else []
    if not programs:
        pytest.skip(f"Debian's newest: {why_missing('debian')}")
    holds(probed(programs[-1], tmp_path), ours, tmp_path)


def test_pypy_writes_the_same(ours: Path, tmp_path: Path) -> None:
    """PyPy, an interpreter of its own, writes the same ledgers."""
    program = (fetched() or tmp_path) / "bin" / "debian-pypy3"
    if not program.exists():
        pytest.skip(f"PyPy: {why_missing('debian')}")
    answer = probed(program, tmp_path)
    assert answer["python"].startswith("PyPy ")
    holds(answer, ours, tmp_path)


def test_webassembly_writes_the_same(ours: Path, tmp_path: Path) -> None:
    """CPython compiled to WebAssembly, with another libm and integers of 32 bits, writes the same ledgers."""
    pyodide = (fetched() or tmp_path) / "npm" / "node_modules" / "pyodide"
    if not pyodide.exists() or shutil.which("node") is None:
        pytest.skip(f"Pyodide: {why_missing('wasm')}")
    paths = [word for path in (*wheels(), PACKAGE) for word in ("--path", f"/host{path}")]
    answer = ask(["node", str(HERE / "wasm.mjs"), str(pyodide), f"/host{tmp_path}", *paths, *SCENARIOS])
    assert answer["machine"] == "wasm32"
    assert answer["pointer"] == "32 bits"
    holds(answer, ours, tmp_path)
