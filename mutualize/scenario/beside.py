"""The files beside a scenario, read for the tables that name them, each once; with digest and mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Final, TypeVar

import attrs

from mutualize.errors import MutualizeError
from mutualize.scenario.fields import Numeral
from mutualize.scenario.files import Loaded, read_beside
from mutualize.scenario.known import Known
from mutualize.scenario.leaves import Unknown, amount_of
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.market import Candle, Chain, Followed, Market, Space
from mutualize.scenario.marks import Mark
from mutualize.scenario.model import DataFile
from mutualize.scenario.place import Path, Problems, did_you_mean, shown
from mutualize.scenario.population import Position, PositionRow
from mutualize.scenario.scalars import read_decimal, read_name
from mutualize.scenario.tables import CsvTable, read_candles, read_demand, read_each, read_gas
from mutualize.scenario.troves import RATIO, Trove, TroveRows
from mutualize.scenario.vaults import PRICE, WEI, Vault, VaultRows

VAULT_COLUMNS: Final = ("debt", "liquidation_price")
TROVE_COLUMNS: Final = ("debt", "ratio")
T = TypeVar("T")
UNMARKED: Final = Mark("assumed", "")
"""Stands for a mark whose absence was noted already."""


@attrs.define
class Beside:
    """Reads files of one folder and keeps them: a variant does not read them again."""

    folder: FilePath
    limits: Limits = LIMITS
    kept: dict[str, Loaded] = attrs.field(factory=dict)

    def open(self, name: str, problems: Problems) -> CsvTable | None:
        """Read a file, or note why it cannot be read."""
        if name not in self.kept:
            try:
                self.kept[name] = read_beside(self.folder, name, problems.beside(name), self.limits)
            except MutualizeError as error:
                problems.add_error(error)
                return None
        return CsvTable(self.kept[name], problems, self.limits)


@attrs.define
class FileReader:
    """Reads what one scenario names: bars, gas prices, positions."""

    beside: Beside
    known: Known
    problems: Problems
    marks: dict[Path, Mark]
    files: dict[str, DataFile] = attrs.field(factory=dict)

    def note(self, table: CsvTable, rows: int, path: Path) -> None:
        """Record a file that was read."""
        mark = self.marks.get(path, UNMARKED)
        loaded = table.loaded
        self.files[loaded.name] = DataFile(loaded.name, loaded.sha256, rows, mark.kind, mark.why, table.notes)

    def candles(self, market: Market | Followed, path: Path) -> tuple[Candle, ...]:
        """Read a market's bars."""
        table = self.beside.open(market.prices.file, self.problems) if market.prices else None
        if table is None or market.prices is None:
            return ()
        candles = read_candles(table, market.prices.bar_s)
        self.note(table, len(candles), (*path, "prices", "file"))
        return candles

    def gas(self, chain: Chain) -> tuple[tuple[int, int], ...]:
        """Read the chain's gas prices."""
        table = self.beside.open(chain.gas_prices.file, self.problems) if chain.gas_prices else None
        if table is None or chain.gas_prices is None:
            return ()
        rows = read_gas(table, chain.gas_prices.column)
        self.note(table, len(rows), ("chain", "gas_prices", "file"))
        return rows

    def space(self, chain: Chain) -> Space | None:
        """Read what others bid for block space: rows of a table, or one that holds from the beginning on."""
        space = chain.space
        if space is None or not space.demand:
            return space
        if space.file is None:
            rows = ((0, tuple(demand.gwei or 0 for demand in space.demand)),)
            return attrs.evolve(space, rows=rows)
        columns = tuple(demand.column for demand in space.demand if demand.column is not None)
        table = self.beside.open(space.file, self.problems)
        if table is None or len(columns) < len(space.demand):
            return space
        read = read_demand(table, columns)
        self.note(table, len(read), ("chain", "space", "file"))
        return attrs.evolve(space, rows=read)

    def positions(self, row: PositionRow, path: Path) -> list[Position]:
        """Read the positions that one `[[positions]]` stands for."""
        if row.file is None:
            position = _single(row)
            return [position] if position is not None else []
        table = self.beside.open(row.file, self.problems)
        if table is None:
            return []
        columns = attrs.asdict(row.columns)
        given = {"collateral_asset": row.collateral, "debt_asset": row.debt}
        fixed = {meaning: asset for meaning, asset in given.items() if asset is not None}
        wanted = {meaning: column for meaning, column in columns.items() if meaning not in fixed}
        read = read_each(table, wanted, lambda cells: self.position(row.venue, {**cells, **fixed}, columns))
        self.note(table, len(read), (*path, "file"))
        return read

    def vaults(self, row: VaultRows, path: Path) -> list[Vault]:
        """Read the vaults of a table; one that stands in the scenario itself is drawn at the beginning."""
        table = self.beside.open(row.file, self.problems) if row.file is not None else None
        if table is None:
            return []
        columns = {name: name for name in ("owner", "collateral", table.first_of(VAULT_COLUMNS))}
        read = read_each(table, columns, lambda cells: vault_of(row, cells))
        self.note(table, len(read), (*path, "file"))
        return read

    def troves(self, row: TroveRows, path: Path) -> list[Trove]:
        """Read the troves of a table; one that stands in the scenario itself is drawn at the beginning."""
        table = self.beside.open(row.file, self.problems) if row.file is not None else None
        if table is None:
            return []
        columns = {name: name for name in ("owner", "collateral", table.first_of(TROVE_COLUMNS))}
        read = read_each(table, columns, lambda cells: trove_of(row, cells))
        self.note(table, len(read), (*path, "file"))
        return read

    def position(self, venue: str, cells: dict[str, str], columns: dict[str, str]) -> Position:
        """Read one row of a table of positions, cells by meaning. Raises ValueError with the column."""

        def cell(meaning: str, read: Callable[[str], T]) -> T:
            try:
                return read(cells[meaning])
            except ValueError as error:
                raise ValueError(f"{columns[meaning]}: {error}") from None

        collateral = cell("collateral_asset", lambda name: self.reserve(venue, name))
        debt = cell("debt_asset", lambda name: self.reserve(venue, name))
        if collateral == debt:
            raise ValueError(f"what is owed is what was put up: {collateral}")
        return Position(
            account=cell("account", read_name),
            venue=venue,
            collateral=collateral,
            collateral_amount=cell("collateral", lambda text: self.amount(text, collateral)),
            debt=debt,
            debt_amount=cell("debt", lambda text: self.amount(text, debt)),
        )

    def reserve(self, venue: str, asset: str) -> str:
        """Return the name of a reserve. Raises ValueError."""
        names = self.known.names("reserves", venue)
        if asset not in names:
            raise ValueError(
                f"there is no reserve {shown(asset)} in {shown(venue)}. {did_you_mean(asset, names)}"
            )
        return asset

    def amount(self, text: str, asset: str) -> int:
        """Read a quantity above zero. Raises ValueError."""
        try:
            return amount_of(text, asset, self.known, 1)
        except Unknown:
            raise ValueError(f"the decimals of {asset} are not known") from None


def vault_of(row: VaultRows, cells: Mapping[str, str]) -> Vault:
    """Read one row of a table of vaults. Raises ValueError with the column."""
    collateral = _cell(cells, "collateral", WEI)
    assert collateral is not None, "every row has the column"
    return Vault(
        owner=read_name(cells["owner"]),
        table=row.name,
        venue=row.venue,
        ilk=row.ilk,
        collateral=collateral,
        debt=_cell(cells, "debt", WEI),
        liquidation_price=_cell(cells, "liquidation_price", PRICE),
    )


def trove_of(row: TroveRows, cells: Mapping[str, str]) -> Trove:
    """Read one row of a table of troves. Raises ValueError with the column."""
    collateral = _cell(cells, "collateral", WEI)
    assert collateral is not None, "every row has the column"
    return Trove(
        owner=read_name(cells["owner"]),
        table=row.name,
        venue=row.venue,
        collateral=collateral,
        debt=_cell(cells, "debt", WEI),
        ratio=_cell(cells, "ratio", RATIO),
    )


def _cell(cells: Mapping[str, str], name: str, kind: Numeral) -> int | None:
    """Read the number of a column, above zero; None where there is no such column."""
    try:
        return read_decimal(cells[name], kind.places, max(1, kind.low), kind.high) if name in cells else None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _single(row: PositionRow) -> Position | None:
    """Return the position that stands in the scenario itself, if all of it is there."""
    values = attrs.asdict(row)
    del values["file"], values["columns"]
    return Position(**values) if all(value is not None for value in values.values()) else None
