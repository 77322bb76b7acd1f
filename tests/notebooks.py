"""A notebook is a program in cells: each cell is run, in order, as one would run it, and says what it prints.

No kernel is needed: cells are plain Python in one namespace. Of a cell whose last line is an expression the
value is asked for what a notebook asks for (its page, its picture, its text). Run as a script in a folder,
with the notebook's path as its argument, it writes what each cell gave as JSON.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SHOWN = ("_repr_html_", "_repr_png_")
"""What a value is asked for, beside its text."""
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KEYS = {
    "markdown": {"cell_type", "id", "metadata", "source"},
    "code": {"cell_type", "id", "metadata", "source", "execution_count", "outputs"},
}
Cell = dict[str, Any]


def cells_of(path: Path) -> list[Cell]:
    """Return the cells of a notebook."""
    cells: list[Cell] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def source_of(cell: Cell) -> str:
    """Return what stands in a cell."""
    return "".join(cell["source"])


def needed(cell: Cell) -> list[str]:
    """Return the modules that a cell cannot do without."""
    tags = cell["metadata"].get("tags", ())
    return [tag.removeprefix("needs-") for tag in tags if tag.startswith("needs-")]


def problems(notebook: Any) -> Iterator[str]:
    """Say in what a notebook is none, by its format 4.5."""
    if set(notebook) != {"cells", "metadata", "nbformat", "nbformat_minor"}:
        yield f"keys are {sorted(notebook)}"
    if (notebook["nbformat"], notebook["nbformat_minor"]) != (4, 5):
        yield "it is not 4.5"
    if not {"display_name", "name"} <= set(notebook["metadata"]["kernelspec"]):
        yield "the kernel has no name"
    names = [cell.get("id", "") for cell in notebook["cells"]]
    yield from (f"two cells are called {name}" for name in set(names) if names.count(name) > 1)
    for cell in notebook["cells"]:
        if set(cell) != KEYS.get(cell["cell_type"]):
            yield f"cell {cell.get('id')}: keys are {sorted(cell)}"
        if not ID.fullmatch(cell.get("id", "")):
            yield f"cell {cell.get('id')!r}: that is no id"
        if not all(isinstance(line, str) for line in cell["source"]):
            yield f"cell {cell.get('id')}: a line is no text"
        if any(not line.endswith("\n") for line in cell["source"][:-1]):
            yield f"cell {cell.get('id')}: lines run together"


def outputs_of(printed: str) -> list[Cell]:
    """Return the outputs of a cell as they are kept: what was printed, and never a page or a picture."""
    lines = printed.splitlines(keepends=True)
    return [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []


def written(notebook: Any) -> str:
    """Return a notebook as its editors write it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def played(notebook: Path, folder: Path) -> list[Cell]:
    """Run a notebook in a fresh Python, in a folder; return what each code cell gave."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", __file__, str(notebook.resolve())],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert not done.returncode, done.stderr
    gave: list[Cell] = json.loads(done.stdout)
    return gave


def play(cell: Cell, names: dict[str, Any]) -> Cell:
    """Run one cell; return what it printed, and what its last value shows."""
    missing = [module for module in needed(cell) if find_spec(module) is None]
    gave: Cell = {"id": cell["id"], "printed": "", "missing": missing, "shown": []}
    if missing:
        return gave
    tree = ast.parse(source_of(cell))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    where = f"<cell {cell['id']}>"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, where, "exec"), names)  # noqa: S102 - a cell is there to be run
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)  # noqa: S307 - as above
            if value is not None:
                gave["shown"] = [repr(value)] + [ask for ask in SHOWN if getattr(value, ask, str)()]
    gave["printed"] = out.getvalue()
    return gave


if __name__ == "__main__":
    own: dict[str, Any] = {"__name__": "__main__"}
    all_of_them = [play(cell, own) for cell in cells_of(Path(sys.argv[1])) if cell["cell_type"] == "code"]
    sys.stdout.write(json.dumps(all_of_them))
