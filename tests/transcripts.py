"""What documents show of a terminal is what it prints: each command is run, and its output compared.

```console
$ command          run by a shell, all commands of a document in one folder, in their order
what it prints     compared to the letter; with --update-golden written anew
```
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = "100"


def transcript(text: str, folder: Path) -> str:
    """Return a document with what its commands print now."""
    return BLOCK.sub(lambda block: f"```console\n{''.join(_played(block[1], folder))}```", text)


def _played(block: str, folder: Path) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n"
            yield printed(line.removeprefix("$ "), folder)


def printed(command: str, folder: Path) -> str:
    """Return what a command prints, errors included, whatever its exit code."""
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": WIDTH,
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "PYTEST_ADDOPTS": "",
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, **here},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
