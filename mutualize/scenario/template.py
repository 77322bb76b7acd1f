"""The scenario that `mutualize init` writes: small, commented, and ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mutualize.scenario.scalars import read_name

TEMPLATE: Final = Path(__file__).with_name("template.toml")


def template(name: str = "my-scenario") -> str:
    """Return the text of a scenario to start from, called `name` (a-z, 0-9, '_', '-').

    Raises ValueError for another name.
    """
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace('name = "my-scenario"', f'name = "{read_name(name)}"', 1)
