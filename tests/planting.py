"""How a bug is planted: one change of the program's source, compiled in the module's own namespace.

The rule: what is tested is the shipped code but for that one change, wherever in the module the function has
got to: a bug is found by its text, which must occur once in the functions of the place that it names.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import attrs


@attrs.frozen
class Bug:
    """Replace `old` by `new` in `place`: 'module', or 'module:function' where the text occurs more often.

    `laws` are those that may notice it first; `setups` where it is looked for.
    """

    name: str
    place: str
    old: str
    new: str
    laws: tuple[str, ...]
    setups: tuple[str, ...] = ("three-tiers",)


@attrs.frozen
class Function:
    """A function of the program: its module, the path to it ('Class.method'), its source."""

    module: Any
    path: str
    source: str
    line: int
    """The number of its first line in the file."""


def functions_of(module: Any) -> list[Function]:
    """Return the functions and methods that a module defines."""
    found: list[Function] = []
    text = inspect.getsource(module)
    lines = text.splitlines(keepends=True)

    def visit(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                visit(child, f"{path}{child.name}.")
            elif isinstance(child, ast.FunctionDef):
                first = min([child.lineno, *(x.lineno for x in child.decorator_list)])
                source = textwrap.dedent("".join(lines[first - 1 : child.end_lineno]))
                found.append(Function(module, f"{path}{child.name}", source, first))

    visit(ast.parse(text), "")
    return found


def find(bug: Bug) -> Function:
    """Return the one function that a bug's text is in. Raises LookupError where there is none, or several."""
    module_name, _, path = bug.place.partition(":")
    module = importlib.import_module(f"mutualize.{module_name}")
    functions = functions_of(module)
    named = [function for function in functions if function.path == path]
    places = [function for function in named or functions for _ in range(function.source.count(bug.old))]
    if len(places) != 1:
        raise LookupError(f"{bug.name}: {bug.old!r} occurs {len(places)} times in {bug.place}")
    return places[0]


@contextlib.contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the program have the bug for a while."""
    function = find(bug)
    with replaced(function, function.source.replace(bug.old, bug.new)):
        yield


@contextlib.contextmanager
def replaced(function: Function, source: str) -> Iterator[None]:
    """Let a function have another source for a while, for everybody who knows it."""
    holder: Any = function.module
    *classes, name = function.path.split(".")
    for part in classes:
        holder = getattr(holder, part)
    good = holder.__dict__[name]
    # a method may say super(): what it means by that is the cell of an enclosing `__class__`
    text = f"from __future__ import annotations\ndef _make(__class__):\n{textwrap.indent(source, '    ')}\n"
    made: dict[str, Any] = {}
    code = compile(f"{text}    return {name}\n", f"<{function.path}>", "exec")
    exec(code, function.module.__dict__, made)  # noqa: S102 - the program's own source, but for one change
    bad = made["_make"](holder)
    users = [holder] if classes else _users(good, name)
    for user in users:
        setattr(user, name, bad)
    try:
        yield
    finally:
        for user in users:
            setattr(user, name, good)


def _users(good: Any, name: str) -> list[Any]:
    """Return all modules of the program that know a function by its name."""
    modules = [module for key, module in sorted(sys.modules.items()) if key.startswith("mutualize")]
    return [module for module in modules if module.__dict__.get(name) is good]
