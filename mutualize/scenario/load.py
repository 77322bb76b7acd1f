"""Load a scenario: read, set, check, and tell every problem at once.

bytes ─▶ text ─▶ TOML ─▶ + variant ─▶ + overrides ─▶ classes ─▶ files beside it ─▶ checks ─▶ Scenario
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any, Final

import attrs

from mutualize.errors import MutualizeError
from mutualize.scenario.beside import Beside, FileReader
from mutualize.scenario.checks import COMPARISONS, check_tables
from mutualize.scenario.crosschecks import check_whole, find_gaps
from mutualize.scenario.document import Document, parse, read_document
from mutualize.scenario.dump import OVERRIDES, canonical, digest
from mutualize.scenario.find import FILE, find
from mutualize.scenario.fork import blended, objections
from mutualize.scenario.known import Known
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.market import Chain, Followed, Market, Oracle
from mutualize.scenario.model import Expect, ExpectRow, Fork, Scenario
from mutualize.scenario.place import Path, Problems, TooManyError, did_you_mean, display, parse_path, shown
from mutualize.scenario.population import Position, PositionRow
from mutualize.scenario.presets import expand
from mutualize.scenario.reader import BAD, Reader
from mutualize.scenario.scalars import format_time, parse_time
from mutualize.scenario.settings import Setter, copied
from mutualize.scenario.tier_rows import CONTRACT_TIERS
from mutualize.scenario.troves import Trove, TroveRows
from mutualize.scenario.vaults import Vault, VaultRows
from mutualize.scenario.venue import Venue

APPLIED: Final = "applied"
FORK: Final = "fork"
Overrides = Sequence[tuple[str, str]]


def load(
    path: str | FilePath, overrides: Overrides = (), variant: str | None = None, *, limits: Limits = LIMITS
) -> Scenario:
    """Read a scenario (a folder, a `.toml` file, or the name of a shipped one) and check everything.

    `variant` is applied first, then `overrides` (dotted path, value as typed). Opens nothing outside of the
    scenario's folder, and nothing that is larger than `limits`. Raises MutualizeError with all problems, one
    line each, in the order of the file.
    """
    found = find(path)
    file = found / FILE if found.is_dir() else found
    document = read_document(file, display(file), limits)
    return load_document(document, file.parent, overrides, variant, limits=limits)


def loads(
    text: str,
    folder: FilePath,
    overrides: Overrides = (),
    variant: str | None = None,
    file: str = FILE,
    *,
    limits: Limits = LIMITS,
) -> Scenario:
    """Load a scenario from its text; `folder` holds the files beside it, `file` is how messages call it."""
    return load_document(parse(text, file, limits), folder, overrides, variant, limits=limits)


def load_document(
    document: Document,
    folder: FilePath,
    overrides: Overrides = (),
    variant: str | None = None,
    *,
    limits: Limits = LIMITS,
) -> Scenario:
    """Load a parsed scenario. Without variant and overrides, its variants are checked as well.

    Not those of a fork: what it sets is about the one run that it comes from.
    """
    beside = Beside(folder, limits)
    problems = Problems(document.file, lambda: document.lines)
    scenario = None
    with suppress(TooManyError):
        scenario = _read(document, beside, overrides, variant, problems)
        is_base = variant is None and not overrides and (scenario is None or scenario.applied is None)
        if scenario is not None and is_base and scenario.fork is None:
            for name in scenario.variants:
                _check_variant(document, beside, name, problems)
    problems.raise_if_any()
    assert scenario is not None, "a scenario that could not be read has problems"
    return attrs.evolve(scenario, folder=folder.resolve())


def _has_variants(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("variants"), dict)


def _check_variant(document: Document, beside: Beside, name: str, problems: Problems) -> None:
    """Add the problems that a variant has; the base has none."""
    own = Problems(document.file, lambda: document.lines)
    with suppress(TooManyError):
        _read(document, beside, (), name, own)
    for line, error in own.found:
        is_plain = error.problem.startswith("variants.")
        problem = error.problem if is_plain else f"in variant {name}: {error.problem}"
        problems.keep(line, MutualizeError(error.place, problem, error.remedy, code=error.code))


def _read(
    document: Document, beside: Beside, overrides: Overrides, variant: str | None, problems: Problems
) -> Scenario | None:
    """Read a scenario as far as it can be; returns None where problems were noted."""
    data = copied(document.data)
    setter = Setter(data, problems, beside.limits)
    if variant is not None:
        _apply(setter, variant)
    for path, typed in overrides:
        setter.override(path, typed)
    _note(setter)
    before = copied(data) if FORK in data else None
    scenario = _understood(data, setter.cuts, beside, problems)
    if scenario is None or scenario.fork is None or before is None:
        return scenario
    return _forked(scenario, scenario.fork, before, setter.cuts, beside, problems)


def _forked(
    scenario: Scenario,
    fork: Fork,
    data: dict[str, Any],
    cuts: list[Path],
    beside: Beside,
    problems: Problems,
) -> Scenario | None:
    """Return a scenario with what comes after its fork, or None where problems were noted."""
    del data[FORK]
    setter = Setter(data, problems, beside.limits, [*cuts])
    values = {path: _from_start(path, value, scenario.start, fork.at) for path, value in fork.set.items()}
    deeper_last = dict(sorted(values.items(), key=lambda item: _steps(item[0])))
    setter.settle(deeper_last, (FORK, "set"), {"override": f"set from {format_time(fork.at)} on"})
    after = None if problems.found else _understood(data, setter.cuts, beside, problems)
    if after is None:
        return None
    for place, problem, remedy in objections(scenario, after, fork.at):
        problems.add(place, problem, remedy)
    if problems.found:
        return None
    return attrs.evolve(
        blended(scenario, after, fork.at),
        sha256=digest(scenario.data, (*scenario.files, *(f for f in after.files if f not in scenario.files))),
    )


def _steps(path: str) -> int:
    """Return how deep a path leads: a table is set before what is in it, in whatever order they stand."""
    with suppress(ValueError):
        return len(parse_path(path))
    return 0


def _from_start(path: str, value: Any, start: int, at: int) -> Any:
    """Let the points of a price that begin at a fork reach back to the start, where nobody will see them."""
    with suppress(ValueError, TypeError, IndexError, KeyError):
        if path.startswith("markets.") and path.endswith(".points") and start < parse_time(value[0][0]) <= at:
            return [[format_time(start), value[0][1]], *value]
    return value


def _understood(
    data: dict[str, Any], cuts: Sequence[Path], beside: Beside, problems: Problems
) -> Scenario | None:
    """Read data that is settled; returns None where problems were noted."""
    expand(data, problems)
    known = Known(data, beside.limits)
    reader = Reader(known, problems, frozenset(cuts))
    made = reader.read(Scenario, data, (), None)
    check_tables(reader.built, problems)
    files = FileReader(beside, known, problems, reader.marks)
    read = _read_files(reader, files)
    if made is BAD or problems.found:
        return None
    scenario = _complete(made, read, reader)
    scenario = attrs.evolve(scenario, limits=beside.limits)
    check_whole(scenario, data, problems)
    gaps = find_gaps(scenario, problems)
    if problems.found:
        return None
    content = canonical(data)
    listed = tuple(files.files.values())
    return attrs.evolve(scenario, gaps=gaps, files=listed, data=content, sha256=digest(content, listed))


def _apply(setter: Setter, variant: str) -> None:
    """Apply a variant, once."""
    applied = setter.data.get(APPLIED)
    if applied == variant:
        return
    names = list(setter.data["variants"]) if _has_variants(setter.data) else []
    option = f"--variant {shown(variant)[1:-1]}"
    if applied is not None:
        setter.problems.add_option(option, f"this is already the variant {shown(applied)}")
    elif variant not in names:
        problem = f"there is no variant {shown(variant)}. {did_you_mean(variant, names)}".rstrip()
        setter.problems.add_option(option, problem)
    else:
        setter.variant(variant)
        setter.data[APPLIED] = variant


def _note(setter: Setter) -> None:
    """Let the data say what a user set in it: the copy of a run tells how to repeat it."""
    told = setter.data.get(OVERRIDES)
    if setter.typed and (told is None or isinstance(told, dict)):
        setter.data[OVERRIDES] = {**(told or {}), **setter.typed}


@attrs.define
class _Read:
    """What the files beside a scenario said."""

    markets: dict[str, Market] = attrs.field(factory=dict)
    followed: dict[Path, Followed] = attrs.field(factory=dict)
    chain: Chain | None = None
    positions: list[Position] = attrs.field(factory=list)
    vaults: list[Vault] = attrs.field(factory=list)
    troves: list[Trove] = attrs.field(factory=list)


def _read_files(reader: Reader, files: FileReader) -> _Read:
    """Read the files that sound tables name, even where other tables are not sound."""
    read = _Read()
    for path, made in reader.built:
        if isinstance(made, Market):
            read.markets[made.asset] = attrs.evolve(made, candles=files.candles(made, path))
        elif isinstance(made, Followed):
            read.followed[path] = attrs.evolve(made, candles=files.candles(made, path))
        elif isinstance(made, Chain):
            read.chain = attrs.evolve(made, gas_path=files.gas(made), space=files.space(made))
        elif isinstance(made, PositionRow):
            read.positions.extend(files.positions(made, path))
        elif isinstance(made, VaultRows):
            read.vaults.extend(files.vaults(made, path))
        elif isinstance(made, TroveRows):
            read.troves.extend(files.troves(made, path))
    return read


def _complete(made: Scenario, read: _Read, reader: Reader) -> Scenario:
    """Fill in what does not stand in the file itself."""
    return attrs.evolve(
        made,
        markets={asset: read.markets[asset] for asset in made.markets},
        oracles={asset: _following(oracle, read) for asset, oracle in made.oracles.items()},
        chain=read.chain,
        positions=tuple(read.positions),
        vaults=tuple(read.vaults),
        troves=tuple(read.troves),
        venues={name: _with_own_tiers(venue) for name, venue in made.venues.items()},
        expect=tuple(_expect(row) for row in made.expect_rows),
        inputs=tuple(reader.inputs),
    )


def _following(oracle: Oracle, read: _Read) -> Oracle:
    """Return an oracle with the prices of the place that it follows, if it follows one."""
    if oracle.follows is None:
        return oracle
    return attrs.evolve(oracle, follows=read.followed["oracles", oracle.asset, "follows"])


def _with_own_tiers(venue: Venue) -> Venue:
    """Return a venue with its waterfall: that of a vault engine is its contract's."""
    return attrs.evolve(venue, waterfall=CONTRACT_TIERS) if venue.kind == "cdp" else venue


def _expect(row: ExpectRow) -> Expect:
    """Turn a row with one comparison into an expectation."""
    op = next(name for name in COMPARISONS if getattr(row, name) is not None)
    value = getattr(row, op)
    values = value if isinstance(value, tuple) else () if value is True else (value,)
    shared = {field.name: getattr(row, field.name) for field in attrs.fields(ExpectRow)}
    kept = {name: value for name, value in shared.items() if name not in COMPARISONS}
    return Expect(op=op, values=values, **kept)
