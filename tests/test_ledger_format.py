"""The format is what docs/ledger-format.md says, for the vectors and for the verifier that stands alone."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from ledger_samples import VECTORS, judge, vectors

from mutualize import verify_ledger
from mutualize.ledger_audit import verify_deep
from mutualize.ledger_reader import verify

ROW = re.compile(r"\| `(\w+\.jsonl)` \| (\w+) \| (\d) \| (\d+) \| (\d+) \| `(\w{64})` \| `(\w{64})` \|")


@pytest.fixture(scope="session")
def page(checkout: Path) -> str:
    """Return the page that describes the format."""
    return (checkout / "docs" / "ledger-format.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", vectors())
def test_a_vector_is_what_the_script_makes(name: str) -> None:
    """The files in tests/ledgers are those that `python tests/ledger_samples.py` writes."""
    assert (VECTORS / name).read_bytes() == vectors()[name]


def test_the_table_of_vectors_is_true(page: str) -> None:
    """Condition, exit code, events, batches, root and digest of each vector stand in the page's table."""
    told = {row[0]: row[1:] for row in ROW.findall(page)}
    found = {}
    for path in sorted(VECTORS.glob("*.jsonl")):
        verdict = verify(path)
        figures = str(int(verdict.code)), str(verdict.events), str(verdict.batches), verdict.root
        found[path.name] = (verdict.condition.word, *figures, hashlib.sha256(path.read_bytes()).hexdigest())
    assert told == found
    assert {row[0] for row in told.values()} == {"sealed", "torn", "unsealed", "corrupt"}


def test_the_worked_example_is_a_vector(page: str) -> None:
    """The example is the file, and its three digests are those that the page works out."""
    data = vectors()["tiny.jsonl"]
    assert f"```json\n{data.decode()}```" in page
    lines = data.splitlines(keepends=True)
    commit, seal = json.loads(lines[3]), json.loads(lines[4])
    assert commit["h"] == hashlib.sha256(b"".join(lines[:3])).hexdigest() == seal["root"]
    assert commit["len"] == len(lines[1]) + len(lines[2])
    assert f"{len(lines[1])} + {len(lines[2])} bytes" in page
    balances = re.search(r"these four lines:\n\n```\n(.*?)```", page, re.DOTALL)
    assert balances is not None
    assert seal["state"] == hashlib.sha256(balances[1].encode()).hexdigest()
    assert seal["sum"] == hashlib.sha256(lines[4].partition(b',"sum"')[0]).hexdigest()
    assert f"{commit['h']}  -" in page
    assert f"{seal['sum']}  -" in page


@pytest.mark.parametrize("name", vectors())
def test_the_verifier_that_stands_alone_is_a_script(name: str) -> None:
    """Run as a script in an interpreter without any package, it says what the program says."""
    path = VECTORS / name
    command = [sys.executable, "-I", "-S", verify_ledger.__file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict = verify_deep(path)
    assert done.returncode == verdict.code
    word = verdict.condition.word
    assert (
        done.stdout == f"{word}: {verdict.events} events in {verdict.batches} batches, root {verdict.root}\n"
    )


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["none.jsonl"], 4), (["."], 74)])
def test_the_script_has_the_programs_exit_codes(tmp_path: Path, arguments: list[str], code: int) -> None:
    """Without a file, with a missing one and with a folder it ends as the command line does, in words."""
    command = [sys.executable, verify_ledger.__file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == code
    assert "verify_ledger.py run.jsonl" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_verifier_is_a_module_too() -> None:
    """`python -m mutualize.verify_ledger` does the same."""
    command = [sys.executable, "-m", "mutualize.verify_ledger", str(VECTORS / "torn.jsonl")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 6


def test_the_verifier_fits_on_a_page() -> None:
    """It has fewer than a hundred lines, and imports nothing but the standard library."""
    text = Path(verify_ledger.__file__).read_text(encoding="utf-8")
    assert text.count("\n") < 100
    imported = re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)
    assert set(imported) <= sys.stdlib_module_names


def test_another_format_is_nothing_that_the_script_knows() -> None:
    """A header of another format is no header to the script, which reads this one alone."""
    data = vectors()["empty.jsonl"].replace(b"mutualize-ledger/1", b"mutualize-ledger/2")
    assert verify_ledger.check(BytesIO(data))[0] == 8
    assert judge(vectors()["empty.jsonl"]).code == 0
