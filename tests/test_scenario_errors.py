"""The error gallery: every mistake in a scenario has a reproducer and a golden text.

tests/errors/<name>/ holds scenario.toml, expected.txt, and where needed options.txt and files beside it.
`pytest tests/test_scenario_errors.py --update-errors` writes the texts anew, to be read and committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mutualize.errors import Exit, MutualizeError
from mutualize.scenario.load import load

GALLERY = Path(__file__).parent / "errors"
NAMES = sorted(path.name for path in GALLERY.iterdir() if (path / "scenario.toml").is_file())


def options(folder: Path) -> tuple[list[tuple[str, str]], str | None]:
    """Read the options of a case, one a line: `--set path=value`, `--variant name`."""
    file = folder / "options.txt"
    overrides: list[tuple[str, str]] = []
    variant = None
    for line in file.read_text().splitlines() if file.exists() else ():
        option, _, value = line.partition(" ")
        if option == "--set":
            path, _, typed = value.partition("=")
            overrides.append((path, typed))
        else:
            variant = value
    return overrides, variant


def told(folder: Path) -> str:
    """Return the exit code and the lines that a user is told, from the folder's own point of view."""
    overrides, variant = options(folder)
    with pytest.raises(MutualizeError) as caught:
        load(folder, overrides, variant)
    return "\n".join([f"exit {int(caught.value.code)}", *caught.value.lines()]) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_told_as_in_the_gallery(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, problem and remedy, line by line, are those of the golden text."""
    folder = GALLERY / name
    monkeypatch.chdir(folder)
    golden = folder / "expected.txt"
    text = told(Path())
    if request.config.getoption("--update-errors"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_golden_text_is_one_line_an_error(name: str) -> None:
    """A golden text has an exit code and lines of printable characters that end a sentence."""
    first, *lines = (GALLERY / name / "expected.txt").read_text().splitlines()
    assert first in {f"exit {int(code)}" for code in (Exit.USAGE, Exit.MISSING, Exit.LIMIT)}
    assert lines
    assert all(line.isprintable() and line.endswith((".", "?", ":", '"')) for line in lines), lines
