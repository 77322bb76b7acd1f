"""Tables for Arrow and whoever reads it: Parquet, polars, pandas, DuckDB. pyarrow is taken when needed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from typing import Any, Final

from mutualize.errors import Exit, MutualizeError
from mutualize.report.export.tables import AMOUNT, MOMENT, TEXT, WHOLE, Row, Shape, Source, shape_of

ROWS: Final = 10_000
"""So many rows are held at a time."""
DIGITS_MAX: Final = 38
"""No decimal128 has more digits; a larger amount is there as text only."""
TOO_LARGE: Final = 10**DIGITS_MAX
WHOLE_MAX: Final = 2**63


def needed(module: str, extra: str = "mutualize[data]") -> Any:
    """Return a module that is installed on request only. Raises MutualizeError (4) where it is not."""
    try:
        return import_module(module)
    except ImportError:
        remedy = f"Install it: pip install '{extra}'"
        raise MutualizeError("", f"{module} is not installed.", remedy, code=Exit.MISSING) from None


def schema_of(shape: Shape, source: Source) -> Any:
    """Return a table's Arrow schema, with what is known of the run as metadata ('mutualize.digest', …)."""
    pa = needed("pyarrow")
    types = {WHOLE: pa.int64(), MOMENT: pa.timestamp("s", tz="UTC"), TEXT: pa.string()}
    fields = []
    for name, kind in shape.columns:
        if kind == AMOUNT:
            fields += [pa.field(name, pa.decimal128(DIGITS_MAX, 0)), pa.field(f"{name}_str", pa.string())]
        else:
            fields.append(pa.field(name, types[kind]))
    return pa.schema(fields, {f"mutualize.{key}": text for key, text in source.metadata(shape.name).items()})


def batches(shape: Shape, source: Source, schema: Any) -> Iterator[Any]:
    """Yield a table in record batches, as the ledger is read."""
    rows = shape.rows(source)
    while kept := list(islice(rows, ROWS)):
        yield _batch(shape, kept, schema)


def _batch(shape: Shape, rows: list[Row], schema: Any) -> Any:
    pa = needed("pyarrow")
    arrays: list[Any] = []

    def add(values: list[Any]) -> None:
        arrays.append(pa.array(values, schema.field(len(arrays)).type))

    for (_, kind), values in zip(shape.columns, zip(*rows, strict=True), strict=True):
        if kind == AMOUNT:
            add([None if v is None or abs(v) >= TOO_LARGE else v for v in values])
            add([None if v is None else str(v) for v in values])
        elif kind in (WHOLE, MOMENT):
            add([None if v is None or abs(v) >= WHOLE_MAX else v for v in values])
        else:
            add(list(values))
    return pa.record_batch(arrays, schema=schema)


def reader_of(table: str, source: Source) -> Any:
    """Return a pyarrow.RecordBatchReader over a table. Raises MutualizeError."""
    shape = shape_of(table)
    schema = schema_of(shape, source)
    return needed("pyarrow").RecordBatchReader.from_batches(schema, batches(shape, source, schema))


class Exported:
    """The face of a run towards other tools: an Arrow stream, and tables of pyarrow, polars and pandas."""

    __slots__ = ()

    def table_source(self) -> Source:
        """Return what tables are made of."""
        raise MutualizeError("", "there is no ledger to make tables of.")

    def to_arrow(self, table: str = "events") -> Any:
        """Return a table ('events', 'transfers' or 'tiers') as a pyarrow.Table.

        Amounts are base units, exactly; the metadata has the run's digest. Raises MutualizeError for another
        name (2), without pyarrow (4), and where no ledger was kept.
        """
        return reader_of(table, self.table_source()).read_all()

    def to_polars(self, table: str = "events") -> Any:
        """Return a table as a polars.DataFrame. Raises as `to_arrow`, and without polars (4)."""
        return needed("polars", "polars").from_arrow(self.to_arrow(table))

    def to_pandas(self, table: str = "events") -> Any:
        """Return a table as a pandas.DataFrame. Raises as `to_arrow`, and without pandas (4)."""
        needed("pandas", "pandas")
        return self.to_arrow(table).to_pandas()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the events as an Arrow C stream, for whatever library reads one."""
        return reader_of("events", self.table_source()).__arrow_c_stream__(requested_schema)
