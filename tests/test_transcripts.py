"""Guides are true: their commands are run, and print what they show.

`pytest tests/test_transcripts.py --update-golden` writes what they print anew.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from transcripts import BLOCK, printed, transcript

GUIDES = ("ci.md",)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="guides are written for a POSIX shell")
@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_prints_what_it_shows(
    name: str, checkout: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Every command of a guide, in order, in one empty folder."""
    guide = checkout / "docs" / name
    text = guide.read_text(encoding="utf-8")
    assert BLOCK.search(text)
    now = transcript(text, tmp_path)
    if pytestconfig.getoption("--update-golden"):
        guide.write_text(now, encoding="utf-8")
        text = now
    assert now == text


@pytest.mark.slow
def test_the_workflow_and_the_hook_run(checkout: Path, tmp_path: Path) -> None:
    """What a workflow or a hook runs passes where nothing changed, and fails where depositors pay more."""
    text = (checkout / "docs" / "ci.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?:run|entry): (mutualize .*)$", text, re.MULTILINE)
    assert len(commands) == 3
    printed("mutualize init my-protocol", tmp_path)
    printed("mutualize check my-protocol --baseline baseline.json --update", tmp_path)
    ended = []
    for fund in ("10000", "2000"):
        printed(f'sed -i \'s/^USDC = "10000"/USDC = "{fund}"/\' my-protocol/scenario.toml', tmp_path)
        for command in commands:
            told = printed(f'GITHUB_STEP_SUMMARY=summary.md; {command}; echo "ended $?"', tmp_path)
            ended.append(told.splitlines()[-1])
    assert ended == ["ended 0"] * 3 + ["ended 1"] * 3
    assert "### mutualize check" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert subprocess.run(["ls", "failed"], cwd=tmp_path, capture_output=True, check=True).stdout
