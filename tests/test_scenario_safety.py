"""Loading a scenario is safe: no path leads out, nothing is run, and no mutant gets a traceback."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_scenario import HERE, TINY

from mutualize.errors import Exit, MutualizeError
from mutualize.randomness import Stream
from mutualize.scenario.document import decode, parse
from mutualize.scenario.dump import dump
from mutualize.scenario.files import check_file_name, read_beside
from mutualize.scenario.find import FILE
from mutualize.scenario.load import load_document, loads
from mutualize.scenario.template import template

pytestmark = pytest.mark.slow

MUTANTS = 3_000

OUTSIDE = [
    "", ".", "..", "../crv.csv", "a/../../b.csv", "a/../b.csv", "/etc/passwd", "//server/share", "a/..",
    "\\\\server\\share", "..\\crv.csv", "a\\b.csv", "C:crv.csv", "C:" + "\\crv.csv", "~/crv.csv", "~root",
    "a/", "/a", "file:///etc/passwd", "https://example.org/x.csv", "crv.csv\0", "crv.csv\n", "crv .csv",
    "$HOME/x", "%TEMP%", "a//b", "-/..", "CON", "nul.csv", "a/LPT1", "com1.txt", ".hidden",
    "a/.git/config", "x" * 201, "crv*.csv", "crv.csv\u202e", "{0.__class__}", "c\u0430rv.csv", "`id`",
    "|cat", "<in>",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_only_names_inside_the_folder_are_names(name: str) -> None:
    """What could mean a place outside, or something else on another system, is refused by its looks."""
    with pytest.raises(ValueError, match="is not the name of a file"):
        check_file_name(name)


@pytest.mark.parametrize(
    "name", ["crv.csv", "prices/crv-2022_1h.csv", "a/b/c", "0", "console.csv", "A..B"[:1]]
)
def test_plain_names_are_names(name: str) -> None:
    """Letters, digits, dots and folders below are fine."""
    assert check_file_name(name) == name


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A link inside the folder may lead inside it and nowhere else; folders and pipes are no files."""
    folder = tmp_path / "scenario"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("secret")
    (folder / "prices.csv").write_text("prices")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "in.csv").symlink_to(folder / "prices.csv")
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    assert read_beside(folder, "in.csv", "in.csv").text == "prices"
    for name in ("out.csv", "up/secret.csv"):
        with pytest.raises(MutualizeError, match="leads out"):
            read_beside(folder, name, name)
    for name in ("up", "loop.csv", "none.csv"):
        with pytest.raises(MutualizeError):
            read_beside(folder, name, name)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """A named pipe in the folder is refused instead of waited for."""
    mkfifo = getattr(__import__("os"), "mkfifo", None)
    if mkfifo is None:
        pytest.skip("this system has no named pipes")
    mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(MutualizeError, match="not a regular file"):
        read_beside(tmp_path, "pipe.csv", "pipe.csv")


AUDITED = """
import os, sys
from pathlib import Path
from mutualize.errors import MutualizeError
from mutualize.scenario.load import load
folder = Path(sys.argv[1]).resolve()
load(folder / "sound")                     # whatever is imported, is imported now
reached = []
def watch(event, args):
    if event == "open" and not str(os.path.realpath(args[0])).startswith(str(folder)):
        reached.append((event, args[0]))
    elif event.partition(".")[0] in {"exec", "compile", "import", "socket", "subprocess", "os", "ctypes"}:
        if event not in {"os.listdir", "os.scandir"}:
            reached.append((event, args))
sys.addaudithook(watch)
load(folder / "sound")
load(folder / "sound", [("seed", "5"), ("markets.ETH.price", "3")])
try:
    load(folder / "hostile")
except MutualizeError as error:
    sys.stdout.write(f"{len(error.lines())} problems\\n")
else:
    sys.exit("the hostile scenario was loaded")
sys.exit(f"reached: {reached}" if reached else 0)
"""


def test_loading_runs_and_reaches_nothing(tmp_path: Path) -> None:
    """While loading, no code is compiled or imported, no socket or process made, no file outside opened."""
    rows = "timestamp_utc,open,high,low,close\n2024-01-01T00:00:00Z,1,1,1,1\n2024-01-01T01:00:00Z,1,1,1,1\n"
    sound = TINY.replace('price = "1"', 'prices = { file = "usd.csv", bar_s = 3600 }')
    hostile = sound.replace('"tiny"', '"{0.__class__}"').replace("usd.csv", "../../../../etc/passwd")
    hostile = hostile.replace("The smallest", "__import__('os').system('id')") + '"!!python" = "%n"\n'
    for name, text in (("sound", sound), ("hostile", hostile)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "usd.csv").write_text(rows)
        (tmp_path / name / "scenario.toml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", AUDITED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "3 problems\n"), done.stderr


# --- mutants ---------------------------------------------------------------------------------------------

PIECES = [
    '"', "'", '"""', "[", "]", "[[", "{", "}", "=", ",", ".", "#", "\n", "\r", "\r\n", "\0", "\ufeff",
    "\u202e", "\\", "\\u0000", "nan", "-inf", "1e400", "-0.0", "true", "1_000", "0x10", "9" * 50, "-1",
    '"-1"', '"1e9"', '"0"', '""', "[]", "{}", "1979-05-27", "[[1]]", '{ uniform = ["1", "2"] }',
    "{ value = 1 }", 'marked = { fact = "X" }', "é", "marked = {}", "value", "e\u0301",
    "{ value = { value = 1 } }", "[[]]", "{ histogram = [] }", "= = ", '"venues"', "venues",
    "[venues.pool]", "[variants.x]", '\nset = { "venues.pool" = 5, "a[0]" = 1 }\n', '"ETH"', '"pool"',
    '"stake"', "[" * 40, "a." * 20, "x" * 5_000,
]  # fmt: skip
RAW = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\0", b"\r", b"\xef\xbb\xbf"]


def mutant(text: str, stream: Stream) -> bytes:
    """Return the text after one to three changes: of words, of lines, of bytes."""
    for _ in range(1 + stream.below(3)):
        lines = text.split("\n")
        at = stream.below(len(lines))
        other = stream.below(len(lines))
        way = stream.below(8)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 2:
            lines.insert(at, lines[other])
        elif way == 3:
            key, _, value = lines[at].partition("=")
            lines[at] = f"{key}= {stream.choice(PIECES)}" if value else lines[at]
        elif way == 4:
            key, _, value = lines[other].partition("=")
            lines[at] = f"{lines[at].partition('=')[0]}={value}" if value else lines[at]
        elif way == 5:
            cut = stream.below(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + stream.choice(PIECES) + lines[at][cut:]
        elif way == 6:
            cut = stream.below(len(lines[at]) + 1)
            lines[at] = lines[at][:cut] + lines[at][cut + 1 + stream.below(3) :]
        else:
            key, _, value = lines[at].partition("=")
            lines[at] = f"{lines[other].partition('=')[0]}={value}" if value else lines[at]
        text = "\n".join(lines)
    raw = text.encode()
    if stream.chance(1, 10):
        cut = stream.below(len(raw) + 1)
        raw = raw[:cut] + stream.choice(RAW) + raw[cut:]
    return raw


@contextmanager
def one_second() -> Iterator[None]:
    """Stop what takes a second of the processor: thirty times what the slowest mutant needs."""
    if not hasattr(signal, "setitimer"):
        yield  # this system has no such alarm: a hang shows as one
        return

    def stop(*_: object) -> None:
        raise AssertionError("loading took more than a second")

    before = signal.signal(signal.SIGVTALRM, stop)
    gc.freeze()  # what other tests left behind is not the loader's to look through
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        gc.unfreeze()
        signal.signal(signal.SIGVTALRM, before)


def test_no_mutant_gets_a_traceback(tmp_path: Path) -> None:
    """Whatever a scenario is turned into, it loads, or says in plain lines why not, within a second."""
    sources = [template(), TINY, TINY, TINY]
    sound, told = 0, dict.fromkeys(Exit, 0)
    for number in range(MUTANTS):
        stream = Stream(7, f"mutant/{number}")
        raw = mutant(sources[number % 4], stream)
        try:
            with one_second():
                scenario = load_document(parse(decode(raw, FILE), FILE), tmp_path)
        except MutualizeError as error:
            told[error.code] += 1
            broken = [line for line in error.lines() if not line.isprintable()]
            assert not broken, number
        else:
            sound += 1
            if sound % 20 == 0:
                assert loads(dump(scenario), tmp_path).sha256 == scenario.sha256, number
    counts = {code.name: count for code, count in told.items() if count}
    sys.stdout.write(f"{MUTANTS} mutants: {sound} sound, {counts}\n")
    assert sound > MUTANTS >> 5
    assert told[Exit.USAGE] > MUTANTS >> 1
    assert told[Exit.LIMIT] > 0


def test_no_mutant_of_a_table_gets_a_traceback(tmp_path: Path) -> None:
    """A table of prices and one of positions, turned into anything, are read or refused in plain lines."""
    rows = [f"2024-01-{day:02}T00:00:00Z,1.5,2,1,1.75,1000" for day in range(1, 9)]
    prices = "\n".join(["# source: a test", "timestamp_utc,open,high,low,close,volume", *rows])
    owed = "\n".join(
        ["account,collateral_asset,collateral,debt_asset,debt", *[f"a{n},ETH,1,USDC,9" for n in range(8)]]
    )
    text = TINY.replace('price = "2000"', 'prices = { file = "eth.csv", bar_s = 86400 }')
    text += '\n[[positions]]\nfile = "owed.csv"\nvenue = "pool"\n'
    told = 0
    for number in range(MUTANTS >> 2):
        stream = Stream(7, f"table/{number}")
        is_prices = stream.chance(1, 2)
        (tmp_path / "eth.csv").write_bytes(mutant(prices, stream) if is_prices else prices.encode())
        (tmp_path / "owed.csv").write_bytes(owed.encode() if is_prices else mutant(owed, stream))
        try:
            with one_second():
                loads(text, tmp_path)
        except MutualizeError as error:
            told += 1
            broken = [line for line in error.lines() if not line.isprintable()]
            assert not broken, (number, broken)
    assert MUTANTS >> 4 < told < MUTANTS >> 1


PATHS = [
    "seed", "venues", "venues.pool", "venues.pool.waterfall", "venues.pool.waterfall[0]",
    "venues.pool.reserves.ETH.ltv", "venues.pool.waterfall.haircut", "borrowers", "borrowers[0].health",
    "borrowers.borrowers.count", "chain.gas", "markets", "chain.gas.trade", "assets.ETH.decimals",
    "variants.no-fund.set", "variants", "marked", "expect", "spread", "spread.vary", "venues.pool.funds",
    "venues.pool.funds.x", "venues.pool.funds.x.USDC", "sources.X", "not_modelled",
    "liquidators[0].capital.USDC", "markets.ETH.points", "markets.ETH.depth", "a", "", ".", "[0]",
    "seed[0]", "seed.x", '"', "a" * 5_000, "venues.new", "venues.pool.stakes.new",
    "borrowers[99999999999]", "applied", "conflicts",
]  # fmt: skip
VALUES = [
    "", "5", "-1", "0.5", "nan", "1e9", "true", "[]", "{}", "[1]", "[{}]", "{a=1}", "{value=1}",
    "{fact=1}", "\0", "'", '{value="1",assumed="x"}', '"text"', "x = 1\ny = 2", "1\n[a]", "9" * 5_000,
    "[" * 2_000, "{marked=5}", "\u202e", "1979-05-27", '[{tier="a",payer="fund"}]', '{set={"a"=1}}',
    "[[1,2]]", "{uniform=[1,2]}", "\ud800",
]  # fmt: skip


def test_no_override_gets_a_traceback() -> None:
    """Whatever a user types behind `--set` is set, or refused with a message."""
    told = sound = 0
    for path in PATHS:
        for value in VALUES:
            try:
                with one_second():
                    loads(TINY, HERE, [(path, value)])
                sound += 1
            except MutualizeError as error:
                told += 1
                broken = [line for line in error.lines() if not line.isprintable()]
                assert not broken, (path, value)
    assert sound > 20
    assert told > 500
