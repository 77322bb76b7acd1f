"""What another interpreter is asked to do: run scenarios, write their ledgers, and say what it is.

    python probe.py FOLDER [--without-msgspec] [--path FOLDER-OR-WHEEL]… SCENARIO…

Ledgers go into FOLDER, and one JSON object to stdout. 'template' is the scenario that `mutualize init`
writes: fifty borrowers drawn from distributions, interest, gas, a crash. It needs nothing but the standard
library, an importable mutualize, and what that imports.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    folder, names, rest = Path(arguments[0]), [], arguments[1:]
    while rest:
        word = rest.pop(0)
        if word == "--without-msgspec":
            sys.modules["msgspec"] = None  # type: ignore[assignment]  # an import of it fails from now on
        elif word == "--path":
            sys.path.insert(0, rest.pop(0))
        else:
            names.append(word)
    print(json.dumps(answer(folder, names), sort_keys=True))


def answer(folder: Path, names: list[str]) -> dict[str, Any]:
    """Run the scenarios, and return what ran them and which digests came out."""
    import mutualize
    from mutualize import encoding

    digests = {name: mutualize.run(chosen(name), ledger=folder / f"{name}.jsonl").digest for name in names}
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": platform.machine(),
        "pointer": "64 bits" if sys.maxsize > 2**32 else "32 bits",
        "encoder": encoding.LIBRARY,
        "digests": digests,
    }


def chosen(name: str) -> Any:
    """Return a scenario: a shipped one by its name, or the template."""
    from mutualize.scenario.load import loads
    from mutualize.scenario.template import template

    return loads(template("small-crash"), Path()) if name == "template" else name


if __name__ == "__main__":
    main(sys.argv[1:])
