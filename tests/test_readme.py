"""The README is true: two commands, a transcript of what the program prints, links that lead somewhere.

`pytest tests/test_readme.py --update-golden` writes the transcript anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN, END = "<!-- transcript -->\n", "<!-- /transcript -->"
LAST_SECTION = "\nRefusals\n"


@pytest.fixture
def readme(checkout: Path) -> Path:
    """Return the README of the source tree."""
    return checkout / "README.md"


def printed(checkout: Path) -> str:
    """Return what `mutualize run three-tiers` prints, up to the refusals."""
    done = subprocess.run(
        [sys.executable, "-m", "mutualize", "run", "three-tiers"],
        cwd=checkout,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    head, found, _ = done.stdout.partition(LAST_SECTION)
    assert found, "the report has lost its section on refusals"
    return head


def test_transcript_is_what_it_prints(readme: Path, checkout: Path, pytestconfig: pytest.Config) -> None:
    """The transcript is the beginning of the real output, to the letter."""
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    transcript, _, after = rest.partition(END)
    rest_of_it = "… refusals, time as a loss, what pooling did, expectations, inputs, digest"
    wanted = f"```text\n{printed(checkout).rstrip()}\n\n{rest_of_it}\n```\n"
    if pytestconfig.getoption("--update-golden"):
        readme.write_text(f"{before}{BEGIN}{wanted}{END}{after}", encoding="utf-8")
        transcript = wanted
    assert transcript == wanted


def test_first_two_blocks_are_one_command_each(readme: Path) -> None:
    """The first two fenced `sh` blocks are single lines: the main job, then the tests."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    run, test = blocks[:2]
    assert run.count("\n") == test.count("\n") == 1
    assert "mutualize run aave-crv-2022" in run
    assert "pytest" in test


def test_links_lead_somewhere(readme: Path, checkout: Path) -> None:
    """Every relative link of the README names a file or folder that is there."""
    links = re.findall(r"\]\(([^)#:]+)\)", readme.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (checkout / link).exists()] == []
