"""The smallest scenario, and what it takes to change it: shared by the tests of scenario files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mutualize.errors import MutualizeError
from mutualize.scenario.load import loads
from mutualize.scenario.model import Scenario

HERE = Path(__file__).parent
GALLERY = HERE / "errors"
TINY = (GALLERY / "end-before-start" / "scenario.toml").read_text().replace('end = "2023-', 'end = "2024-')
"""One pool, two assets, two tiers; 57 lines. Its one mistake is repaired."""


def tiny(*edits: tuple[str, str], add: str = "", folder: Path = HERE, **options: Any) -> Scenario:
    """Load the smallest scenario after some edits, each of which must apply."""
    text = TINY
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return loads(f"{text}\n{add}", folder, **options)


def problems(*edits: tuple[str, str], **options: Any) -> list[str]:
    """Return the lines that a user is told."""
    with pytest.raises(MutualizeError) as caught:
        tiny(*edits, **options)
    return caught.value.lines()
