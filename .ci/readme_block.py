"""Print one of the README's two commands: `readme_block.py README.md 1`. A block is one line of `sh`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def command(text: str, number: int) -> str:
    """Return the command in the `number`-th fenced `sh` block (from 1). Raises SystemExit where none is."""
    blocks: list[str] = BLOCK.findall(text)
    if len(blocks) < number:
        raise SystemExit(f"README: {len(blocks)} fenced sh blocks, but block {number} is asked for")
    lines = [line for line in blocks[number - 1].splitlines() if line.strip()]
    if len(lines) != 1:
        raise SystemExit(f"README: sh block {number} has {len(lines)} lines; it must be one command")
    return lines[0]


if __name__ == "__main__":
    print(command(Path(sys.argv[1]).read_text(encoding="utf-8"), int(sys.argv[2])))
