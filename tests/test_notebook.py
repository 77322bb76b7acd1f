"""The notebook of the tutorial runs from its first cell to its last, and its figures are the tutorial's.

`pytest tests/test_notebook.py --update-golden` writes what its cells print anew.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from notebooks import Cell, cells_of, needed, outputs_of, played, problems, source_of, written

KEPT_MAX = 20_000
"""Bytes of a notebook: it keeps what cells print, no page and no picture."""


@pytest.fixture(scope="module")
def notebook(checkout: Path) -> Path:
    """Return where the notebook is."""
    return checkout / "docs" / "tutorial.ipynb"


@pytest.fixture(scope="module")
def gave(notebook: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    """Return what its cells give, run in a fresh Python in an empty folder."""
    return played(notebook, tmp_path_factory.mktemp("notebook"))


def codes(notebook: Path) -> list[Cell]:
    """Return the cells that are run."""
    return [cell for cell in cells_of(notebook) if cell["cell_type"] == "code"]


def test_it_is_a_notebook(notebook: Path) -> None:
    """It has the format 4.5, is written as editors write it, and keeps nothing large."""
    text = notebook.read_text(encoding="utf-8")
    assert list(problems(json.loads(text))) == []
    assert written(json.loads(text)) == text
    assert len(text.encode()) <= KEPT_MAX


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"nbformat_minor": 4}, "it is not 4.5"),
        ({"more": 1}, "keys are"),
        ({"cells": [{"cell_type": "raw", "id": "a", "metadata": {}, "source": []}]}, "cell a: keys are"),
        ({"cells": [{"cell_type": "markdown", "id": "a b", "metadata": {}, "source": []}]}, "that is no id"),
        ({"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": []}] * 2}, "two cells"),
        ({"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["x", "y"]}]}, "together"),
        ({"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": [1]}]}, "is no text"),
        ({"metadata": {"kernelspec": {}}}, "the kernel has no name"),
    ],
)
def test_what_is_no_notebook_is_told(notebook: Path, change: dict[str, Any], said: str) -> None:
    """Each requirement of the format can fail."""
    changed = json.loads(notebook.read_text(encoding="utf-8")) | change
    assert any(said in problem for problem in problems(changed))


@pytest.mark.slow
def test_every_cell_runs_and_prints_what_it_keeps(
    notebook: Path, gave: list[Cell], pytestconfig: pytest.Config
) -> None:
    """No cell fails, so every assertion holds; what the file shows of a cell is what the cell prints."""
    whole = json.loads(notebook.read_text(encoding="utf-8"))
    now = {one["id"]: outputs_of(one["printed"]) for one in gave if not one["missing"]}
    kept = [cell for cell in whole["cells"] if cell["cell_type"] == "code"]
    assert [one["id"] for one in gave] == [cell["id"] for cell in kept]
    assert {cell["id"] for cell in kept if not needed(cell)} <= now.keys()
    if pytestconfig.getoption("--update-golden"):
        for number, cell in enumerate(kept, 1):
            cell |= {"execution_count": number, "outputs": now.get(cell["id"], cell["outputs"])}
        notebook.write_text(written(whole), encoding="utf-8")
    assert {cell["id"]: cell["outputs"] for cell in kept if cell["id"] in now} == now


@pytest.mark.slow
def test_last_values_show_a_page_and_a_picture(gave: list[Cell]) -> None:
    """A run that ends a cell shows its page; a figure, where it can be drawn, a picture."""
    shown = {one["id"]: one["shown"][1:] for one in gave if one["shown"]}
    assert shown["crash-show"] == ["_repr_html_"]
    assert shown.get("crash-plot", ["_repr_png_"]) == ["_repr_png_"]


def figures(text: str) -> Iterator[str]:
    """Yield the texts with a digit in them that a cell asserts."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert):
            texts = [part.value for part in ast.walk(node.test) if isinstance(part, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str) and re.search(r"\d", text))


def test_its_figures_are_those_of_the_tutorial(notebook: Path, checkout: Path) -> None:
    """Every figure that a cell asserts stands in the tutorial as well, to the letter."""
    tutorial = " ".join((checkout / "docs" / "tutorial.md").read_text(encoding="utf-8").split())
    found = [figure for cell in codes(notebook) for figure in figures(source_of(cell))]
    assert len(found) > 15
    assert [figure for figure in found if figure not in tutorial] == []


def test_its_story_is_that_of_the_tutorial(notebook: Path, checkout: Path) -> None:
    """Both have the same parts in the same order, and as many questions."""
    told = "\n".join(source_of(cell) for cell in cells_of(notebook) if cell["cell_type"] == "markdown")
    tutorial = (checkout / "docs" / "tutorial.md").read_text(encoding="utf-8")
    parts = re.findall(r"^#+ (\d\. .*|One hour.*)$", tutorial, re.MULTILINE)
    assert re.findall(r"^#+ (.*)$", told, re.MULTILINE) == parts
    assert told.count("**Question.**") == tutorial.count("**Question.**") == 5


def test_a_cell_that_fails_is_told(tmp_path: Path) -> None:
    """An assertion that does not hold ends the notebook, and its cell is named."""
    cell = {"cell_type": "code", "id": "wrong", "metadata": {}, "source": ["assert 1 == 2"]}
    path = tmp_path / "wrong.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(AssertionError, match="<cell wrong>"):
        played(path, tmp_path)


def test_a_cell_whose_extra_is_missing_is_left_out(tmp_path: Path) -> None:
    """What is not installed is named, and its cell is not run."""
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["needs-no_such_module"]}, "source": ["1/0"]}
    path = tmp_path / "extra.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    assert played(path, tmp_path)[0]["missing"] == ["no_such_module"]
