"""The house rules that no linter knows: searched for in the whole tree, and shown to find what they seek.

A rule is a function from a file to the places that break it. It comes with snippets that break it (`bad`)
and snippets that look like it and do not (`good`). An exception is listed here, with its reason.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest


class Source(NamedTuple):
    """A file: its path from the root, its text, and its syntax tree (empty where it is no Python)."""

    path: str
    text: str
    tree: ast.Module


class Rule(NamedTuple):
    """A house rule: the reason is its message, `where` the paths that it holds for."""

    name: str
    reason: str
    where: str
    search: Callable[[Source], Iterable[int]]
    bad: tuple[str, ...]
    good: tuple[str, ...] = ()
    exceptions: tuple[tuple[str, str], ...] = ()


PROGRAM = r"mutualize/.*\.py"
CORE = r"mutualize/(?!report/|cli/|run\.py|sweep\.py|__main__\.py).*\.py"
DECIDING = r"mutualize/(venues/.*|protocol|waterfall|staking|umbrella|rate_stake|conversion)\.py"
PYTHON = r".*\.py"
TESTS = r"tests/test_.*\.py"
OWN = "tests/test_house_rules.py"
FOLDERS = ("mutualize", "tests", "benchmarks", "scenarios", "docs", ".ci")


# --- what the rules look for -----------------------------------------------------------------------------


def dotted(node: ast.AST) -> str:
    """Return 'a.b.c' for a name or an attribute, else ''."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and dotted(node.value):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def calls(source: Source, *names: str) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func).removeprefix("builtins.") in names:
            yield node.lineno


def lines_matching(pattern: str) -> Callable[[Source], Iterator[int]]:
    def search(source: Source) -> Iterator[int]:
        for number, line in enumerate(source.text.splitlines(), 1):
            if re.search(pattern, line):
                yield number

    return search


def floats(source: Source) -> Iterator[int]:
    yield from calls(source, "float", "round", "complex", "decimal.Decimal", "fractions.Fraction")
    likeness = {  # how alike two words must be before one is suggested for the other
        keyword.value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and dotted(node.func).endswith("get_close_matches")
        for keyword in node.keywords
    }
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=float() | complex()) if node not in likeness:
                yield node.lineno
            case ast.ImportFrom(module="decimal" | "fractions"):
                yield node.lineno


def divisions(source: Source) -> Iterator[int]:
    yield from calls(source, "divmod")
    for node in ast.walk(source.tree):
        match node:
            case ast.BinOp(left=ast.Constant(value=str() | bytes()) | ast.JoinedStr()):
                continue  # '%' formats a text
            case ast.BinOp(op=ast.Mod(), right=ast.Constant(value=2)):
                continue  # odd or even: nothing is rounded
            case ast.BinOp(op=ast.FloorDiv() | ast.Mod()) | ast.AugAssign(op=ast.FloorDiv() | ast.Mod()):
                yield node.lineno
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()) if "pathlib" not in source.text:
                yield node.lineno  # a slash between paths is none; the core may not import pathlib at all


CHANCE = {
    "random", "secrets", "uuid", "uuid1", "uuid4", "deepcopy", "defaultdict", "hash", "id", "urandom",
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "perf_counter", "monotonic",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
}  # fmt: skip


def chance(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = {str(getattr(node, "module", "")), *(alias.name for alias in node.names)} - {"hash", "id"}
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            last = name.rpartition(".")[2]
            names = {name, ".".join(name.split(".")[-2:]), last if last not in {"hash", "id"} else name}
        else:
            continue
        if names & CHANCE:
            yield node.lineno


LIBM = {"gcd", "isqrt", "lcm", "comb"}


def libm(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        match node:
            case ast.ImportFrom(module="math" | "cmath", names=names):
                taken = {alias.name for alias in names}
            case ast.Attribute(value=ast.Name(id="math" | "cmath"), attr=name):
                taken = {name}
            case _:
                continue
        if taken - LIBM:
            yield node.lineno


def is_set(node: ast.AST, known: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(attr="union" | "intersection" | "difference", value=inner)):
            return is_set(inner, known)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return is_set(node.left, known) or is_set(node.right, known)
    return dotted(node) in known


def named_sets(tree: ast.Module) -> set[str]:
    """Return what the module assigns a set to, or annotates as one."""
    known: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value) if is_set(value, set()):
                known.add(dotted(target))
            case ast.AnnAssign(target=target, annotation=annotation):
                if re.match(r"(frozen)?set\b|(Mutable|Abstract)?Set\b", ast.unparse(annotation)):
                    known.add(dotted(target))
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                if re.match(r"(frozen)?set\b|(Mutable|Abstract)?Set\b", ast.unparse(annotation)):
                    known.add(name)
    return known - {""}


ORDERED = {"list", "tuple", "enumerate", "iter", "next", "zip", "map", "filter", "reversed", "dict.fromkeys"}


def set_order(source: Source) -> Iterator[int]:
    known = named_sets(source.tree)
    for node in ast.walk(source.tree):
        match node:
            case ast.For(iter=walked) | ast.comprehension(iter=walked) | ast.Starred(value=walked):
                if is_set(walked, known):
                    yield walked.lineno
            case ast.Call(func=func, args=args):
                takes_order = dotted(func) in ORDERED or (
                    isinstance(func, ast.Attribute) and func.attr == "join"
                )
                if takes_order and any(is_set(arg, known) for arg in args):
                    yield node.lineno


BALANCES = {"balances", "_balances"}


def postings(source: Source) -> Iterator[int]:
    """Find who writes into balances, other than the one function that posts."""
    posting = {
        inner
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and (source.path, node.name) == ("mutualize/book.py", "_post")
        for inner in ast.walk(node)
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Subscript) or isinstance(node.ctx, ast.Load) or node in posting:
            continue
        if dotted(node.value).split(".")[-1] in BALANCES:
            yield node.lineno


def generators(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            yield node.lineno


def sentences(docstring: str) -> int:
    """Count the sentences of the first paragraph (what follows a blank line or '---' is the story)."""
    first = re.split(r"\n\s*(?:\n|---)", docstring.strip(), maxsplit=1)[0]
    return len(re.findall(r"[.?!:][\"'`’)]*(?=\s+[\"'`(]*[A-Z0-9]|\s*$)", first))


def unlike_a_story(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test"):
                if sentences(ast.get_docstring(node) or "") != 1:
                    yield node.lineno


def module_docstring(source: Source) -> Iterator[int]:
    if not ast.get_docstring(source.tree):
        yield 1


def long_files(source: Source) -> Iterator[int]:
    length = source.text.count("\n")
    if length >= 450:
        yield length


def clocks(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if {getattr(node, "module", None), *(alias.name for alias in node.names)} & {"time", "timeit"}:
            yield node.lineno


RULES = (
    Rule(
        "no-float",
        "money and time are integers: take units.py, or parse_decimal at the edge",
        CORE,
        floats,
        bad=(
            "x = 0.5\n",
            "x = float(y)\n",
            "from decimal import Decimal\n",
            "x = round(y, 2)\n",
            "f(1e18)\n",
        ),
        good=(
            "x = '0.5'\n",
            "x = 10**18\n",
            "isinstance(x, float)\n",
            "difflib.get_close_matches(x, y, cutoff=0.6)\n",
        ),
    ),
    Rule(
        "one-place-divides",
        "only units.py divides: take mul_div_down, mul_div_up, div_down … whose name tells the rounding",
        CORE,
        divisions,
        bad=("x = a * b // c\n", "x %= 2\n", "x = a / b\n", "q, r = divmod(a, b)\n", "x //= 2\n"),
        good=("x = '%d' % y\n", "from pathlib import Path\nx = Path('a') / 'b'\n"),
        exceptions=(("mutualize/units.py", "this is the place"),),
    ),
    Rule(
        "no-chance",
        "no clock, no chance, no copies, no state by default: the same scenario gives the same bytes",
        CORE,
        chance,
        bad=(
            "import random\n",
            "from time import time\nimport time\nx = time.time()\n",
            "x = datetime.datetime.now()\n",
            "from uuid import uuid4\n",
            "x = copy.deepcopy(y)\n",
            "from collections import defaultdict\n",
            "x = hash(y)\n",
            "x = sorted(y, key=lambda z: id(z))\n",
        ),
        good=(
            "x = datetime.fromtimestamp(0, UTC)\n",
            "self.hash = 1\n",
            "from mutualize import randomness\n",
        ),
    ),
    Rule(
        "no-libm",
        "exp, log, pow and sin differ between machines: integers only in what feeds the ledger",
        CORE,
        libm,
        bad=("from math import log\n", "import math\nx = math.sqrt(2)\n"),
        good=("from math import gcd, isqrt\n", "import math\nx = math.isqrt(2)\n"),
    ),
    Rule(
        "no-set-order",
        "the order of a set is not the same twice: sort it, or keep a dict",
        PROGRAM,
        set_order,
        bad=(
            "for x in {1, 2}:\n    pass\n",
            "y = [x for x in set(z)]\n",
            "seen: set[str] = set()\nfor x in seen:\n    pass\n",
            "def f(self):\n    self.s = set()\ndef g(self):\n    return list(self.s)\n",
            "def f(a: frozenset[str]):\n    return ','.join(a | {'x'})\n",
            "x = [*{1, 2}]\n",
        ),
        good=("for x in sorted({1, 2}):\n    pass\n", "y = 1 in {1, 2}\n", "y = len(set(z))\n"),
    ),
    Rule(
        "one-place-posts",
        "balances are written by book._post alone; everybody else adds a Transfer to an event",
        PROGRAM,
        postings,
        bad=(
            "self._balances[a, b] += 1\n",
            "book._balances[a, b] = 1\n",
            "balances[x] -= 1\n",
            "del balances[x]\n",
        ),
        good=("x = balances[a]\n", "self._tables[a] = {}\n"),
        exceptions=(
            ("mutualize/projections/mirror.py", "sums of its own over the events that it was shown"),
            ("mutualize/verify_ledger.py", "it stands alone: it works the sums out again from the file"),
        ),
    ),
    Rule(
        "no-generators-while-deciding",
        "deciding returns lists: the reads of a generator would interleave with its caller's writes",
        DECIDING,
        generators,
        bad=("def f():\n    yield 1\n", "def f():\n    yield from x\n"),
        good=("def f():\n    return sum(x for x in y)\n",),
        exceptions=(("mutualize/venues/rules.py", "it walks the bits of one integer, and reads no state"),),
    ),
    Rule(
        "one-sentence",
        "a test is a story: its docstring is one sentence (what follows a blank line or '---' is the ledger)",
        TESTS,
        unlike_a_story,
        bad=(
            "def test_x():\n    pass\n",
            "def test_x():\n    'It works. It really does.'\n",
            "def test_x():\n    'no full stop'\n",
        ),
        good=(
            "def test_x():\n    'It works.'\n",
            "def test_x():\n    '''It works.\n    ---\n    bob   borrow 5. Then\n    '''\n",
            "def test_x():\n    'A fee of 0.5 % is paid at 10:15.'\n",
        ),
    ),
    Rule(
        "module-docstring",
        "a module opens with what it is, and its one rule",
        PYTHON,
        module_docstring,
        bad=("x = 1\n",),
        good=("'''What it is.'''\n",),
    ),
    Rule(
        "files-fit-a-head",
        "450 lines and more: two things live there",
        PROGRAM,
        long_files,
        bad=("x = 1\n" * 450,),
        good=("x = 1\n" * 449,),
        exceptions=(("mutualize/events.py", "a vocabulary: one small class for each thing that can happen"),),
    ),
    Rule(
        "no-clock-in-tests",
        "a test never judges by the wall clock: count what was done, and time it in benchmarks/",
        TESTS,
        clocks,
        bad=("import time\n", "from time import perf_counter\n", "import timeit\n"),
        good=("from mutualize.units import YEAR\n",),
    ),
    Rule(
        "no-place-of-one-machine",
        "the tree holds for every machine: no absolute paths, no package index by name",
        r".*",
        lines_matching(
            r"(?<![\w.:/-])/(home|root|tmp|opt|mnt|srv|Users|private)/\w"
            r"|\b[A-Z]:\\\\?\w|index-url"
        ),
        bad=("x = '/home/me/file'\n", "# cd /srv/x\n", "# --index-url y\n", "x = 'C:\\\\Users'\n"),
        good=(
            "#!/usr/bin/env bash\n",
            "# https://example.org/home/x\n",
            "x = '../shared/home/x'\n",
            "# >/dev/null\n",
        ),
        exceptions=(
            ("tests/errors/file-outside/scenario.toml", "shows that such a path is refused"),
            ("tests/errors/file-outside/expected.txt", "shows that such a path is refused"),
        ),
    ),
    Rule(
        "nothing-unfinished",
        "finish it, or leave it out",
        PYTHON,
        lines_matching(r"\b(TODO|FIXME|XXX|HACK|TBD)\b|NotImplementedError"),
        bad=("x = 1  # TODO: more\n", "raise NotImplementedError\n"),
        good=("return NotImplemented\n",),
    ),
    Rule(
        "silence-has-a-reason",
        "a silenced check tells why at the line: `# noqa: X123 - reason`",
        PROGRAM,
        lines_matching(
            r"# (noqa|type: ignore)(?!(: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*|\[[a-z-]+(, ?[a-z-]+)*\])\W+\w.{7,})"
            r"|pragma: no cover"
        ),
        bad=(
            "x = 1  # noqa\n",
            "x = 1  # noqa: F401\n",
            "x = 1  # type: ignore[misc]\n",
            "x = 1  # pragma: no cover\n",
        ),
        good=(
            "x = 1  # noqa: F401 - the face is shared\n",
            "x = 1  # type: ignore[misc]  # a book is no key\n",
        ),
    ),
)


# --- the tree --------------------------------------------------------------------------------------------


def read(path: str, text: str) -> Source:
    return Source(path, text, ast.parse(text) if path.endswith(".py") else ast.Module([], []))


@pytest.fixture(scope="session")
def tree(checkout: Path) -> list[Source]:
    """All files of the project that are text."""
    found = [path for folder in FOLDERS for path in sorted((checkout / folder).rglob("*")) if path.is_file()]
    found += [checkout / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml")]
    sources: list[Source] = []
    for path in found:
        name = path.relative_to(checkout).as_posix()
        if name == OWN or re.search(r"__pycache__|/\.", name) or not path.exists():
            continue
        try:
            sources.append(read(name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return sources


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_tree_keeps_the_rule(rule: Rule, tree: list[Source]) -> None:
    """No file breaks the rule, but for the exceptions that are listed with their reason."""
    excepted = dict(rule.exceptions)
    found = [
        f"{source.path}:{line}: {rule.name}: {rule.reason}"
        for source in tree
        if re.fullmatch(rule.where, source.path) and source.path not in excepted
        for line in rule.search(source)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.exceptions], ids=lambda rule: rule.name)
def test_an_exception_is_still_needed(rule: Rule, tree: list[Source]) -> None:
    """A file that is excepted from a rule does break it, else the exception has to go."""
    for path, reason in rule.exceptions:
        assert reason
        assert any(list(rule.search(source)) for source in tree if source.path == path), path


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [pytest.param(rule, bad, id=f"{rule.name}-{i}") for rule in RULES for i, bad in enumerate(rule.bad)],
)
def test_a_rule_finds_what_it_seeks(rule: Rule, snippet: str) -> None:
    """A planted snippet that breaks the rule is found."""
    assert list(rule.search(read("mutualize/planted.py", snippet)))


@pytest.mark.parametrize(
    ("rule", "snippet"),
    [pytest.param(rule, good, id=f"{rule.name}-{i}") for rule in RULES for i, good in enumerate(rule.good)],
)
def test_a_rule_lets_pass_what_is_sound(rule: Rule, snippet: str) -> None:
    """A snippet that only looks like a breach is let pass."""
    assert not list(rule.search(read("mutualize/planted.py", snippet)))


def test_functions_fit_a_screen(tree: list[Source]) -> None:
    """The median function has at most 10 lines, and 95 of 100 have at most 40."""
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for source in tree
        if source.path.startswith("mutualize/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
    )
    assert statistics.median(lengths) <= 10
    assert lengths[len(lengths) * 95 // 100] <= 40
