"""Where scenarios lie: a folder or file of the user's, or one that is shipped, by its name.

Shipped scenarios are data of the package; in a checkout, where the package has none, they lie beside it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.place import did_you_mean, shown

FILE: Final = "scenario.toml"
PACKAGE: Final = Path(__file__).resolve().parent.parent


def shelf(package: Path | None = None) -> Path:
    """Return the folder of shipped scenarios: in the package (a wheel), or beside it (a checkout)."""
    package = PACKAGE if package is None else package
    inside = package / "scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def shipped() -> list[str]:
    """Return the names of the shipped scenarios, sorted."""
    folder = shelf()
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / FILE).is_file())


def find(name_or_path: str | Path) -> Path:
    """Return the folder of a scenario, or its `.toml` file where that was named.

    A path of the user's goes before a shipped name. Raises MutualizeError (MISSING) with the nearest name.
    """
    text = str(name_or_path)
    path = Path(text)
    if _asked((path / FILE).is_file) or (path.suffix == ".toml" and _asked(path.is_file)):
        return path
    if text in shipped():
        return shelf() / text
    is_folder, is_there = _asked(path.is_dir), _asked(path.exists)
    if path.name == text and path.suffix != ".toml" and not is_there:
        problem = f"there is no scenario {shown(text)}."
        raise MutualizeError("", problem, did_you_mean(text, shipped()), code=Exit.MISSING)
    where = f"has no {FILE}." if is_folder else "is no scenario: there is no such folder or .toml file."
    raise MutualizeError("", f"{shown(text)} {where}", code=Exit.MISSING)


def all_in(name_or_path: str) -> list[str]:
    """Return the scenarios in the folders of a folder, sorted; a scenario stands for itself."""
    path = Path(name_or_path)
    if _asked((path / FILE).is_file) or not _asked(path.is_dir):
        return [name_or_path]
    found = sorted(str(each.parent) for each in path.glob(f"*/{FILE}") if each.is_file())
    return found or [name_or_path]


def _asked(question: Callable[[], bool]) -> bool:
    """Ask the file system; a name that no file can have (too long, with a NUL) is none.

    Raises OSError where the answer cannot be had: a disk that fails is not a file that is missing.
    """
    try:
        return question()
    except ValueError:
        return False
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EACCES, errno.EINVAL):
            return False
        raise
