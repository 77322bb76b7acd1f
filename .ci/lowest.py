"""Print the lower bound of each run-time dependency as a pin: `lowest.py pyproject.toml`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def pins(project: dict[str, object]) -> list[str]:
    """Return 'attrs==24.2' for 'attrs>=24.2'; what follows a semicolon stays.

    Raises SystemExit for anything but one lower bound.
    """
    found: list[str] = []
    requirements = project["dependencies"]
    assert isinstance(requirements, list)
    for requirement in requirements:
        match = re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)(; .+)?", requirement)
        if match is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} is no plain lower bound")
        found.append(f"{match[1]}=={match[2]}{match[3] or ''}")
    return found


if __name__ == "__main__":
    print("\n".join(pins(tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"])))
