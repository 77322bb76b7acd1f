"""What a field of a scenario may hold: kinds. The reader, the JSON Schema and paths all go by these.

A kind is data, not code: `reader.py` says how each is read, `schema.py` how each is described. So the three
cannot drift apart. Numbers are marked (see marks.py) unless their kind says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import attrs

from mutualize.units import AMOUNT_MAX, BPS, PRICE_UNIT, WAD

KIND: Final = "mutualize.kind"
DOC: Final = "mutualize.doc"
NAMED: Final = "mutualize.named"
WHOLE_MAX: Final = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly."""
SECONDS_MAX: Final = 100 * 365 * 86_400
TIME_MAX: Final = 253_402_300_799
"""9999-12-31T23:59:59Z."""


@attrs.frozen
class Key:
    """The name under which the table stands: in `[assets.CRV]` it is 'CRV'."""


@attrs.frozen
class Text:
    """Words for people: printable, NFC, at most `limit` characters."""

    limit: int = 200


@attrs.frozen
class Texts:
    """A list of words for people."""

    limit: int = 400


@attrs.frozen
class Name:
    """An identifier: a-z, 0-9, `_`, `-`, at most 64 characters."""


@attrs.frozen
class AssetName:
    """What an asset is called: letters, digits and dots, at most 16 characters."""


@attrs.frozen
class Ref:
    """The name of something defined elsewhere: an asset, a venue, one of a venue's stakes or reserves.

    `to` is 'assets', 'venues', 'sources', 'stakes' or 'reserves'; the last two are looked up in the venue
    that the field `venue` of the same table names, or in the venue that encloses the table.
    """

    to: str


@attrs.frozen
class Refs:
    """A list of names of things defined elsewhere, as in `Ref`; without `to`, of whatever names."""

    to: str = ""


@attrs.frozen
class Choice:
    """One of a few words; `noun` is what one is called, where that is not the field's name."""

    options: tuple[str, ...]
    noun: str = ""


@attrs.frozen
class Flag:
    """true or false."""


@attrs.frozen
class Time:
    """A moment: '2022-11-22T17:20:00Z', or seconds since 1970-01-01 UTC. Not a marked number."""


@attrs.frozen
class Whole:
    """A whole number, without quotes."""

    low: int = 0
    high: int = WHOLE_MAX
    marked: bool = True


@attrs.frozen
class Numeral:
    """A plain decimal numeral in quotes, kept as an integer with `places` decimals; bounds are inclusive."""

    places: int
    low: int = 0
    high: int = AMOUNT_MAX
    marked: bool = True
    added: int = 0
    """What is added to the integer: a bonus of 0.045 is kept as 10,450 bps."""
    also: tuple[str, ...] = ()
    """Words that may stand instead of a number."""


@attrs.frozen
class Amount:
    """A quantity in whole units of the asset that the field `of` names, kept in base units.

    `switch` = (field, word, other) takes the asset from `other` where `field` holds `word`.
    """

    of: str
    low: int = 0
    switch: tuple[str, str, str] | None = None


@attrs.frozen
class Amounts:
    """Quantities by asset: {USDC = "1000"}. Where `spread` is set, one numeral stands for each reserve."""

    spread: bool = False
    of: str = ""
    """With `spread`: a field that, where it is given, names the one asset that is meant."""


@attrs.frozen
class Distribution:
    """A number, or how to draw it: {uniform = [low, high]} and so on. `inner` is the number's kind."""

    inner: Whole | Numeral | Amount


@attrs.frozen
class Value:
    """A number or a moment that is compared later, kept as text. Not marked."""


@attrs.frozen
class Values:
    """Several numbers, moments or names, kept as text. Not marked."""


@attrs.frozen
class Tolerance:
    """'10%' of the expected value, or an absolute numeral. Not marked."""


@attrs.frozen
class Parameter:
    """The value of the reserve parameter that the field `of` names, in the pool's own unit."""

    of: str


@attrs.frozen
class Points:
    """A price as [moment, numeral] pairs in order of time, straight lines between."""


@attrs.frozen
class File:
    """The name of a file inside the scenario's folder."""


@attrs.frozen
class Path:
    """A dotted path to a value of the scenario: 'venues.aave.reserves.CRV.ltv'."""


@attrs.frozen
class Settings:
    """Dotted paths with the values that they are set to."""


@attrs.frozen
class Strings:
    """A table of texts with names chosen freely."""

    limit: int = 400


@attrs.frozen
class Funds:
    """Quantities by name and asset: [venues.aave.funds.insurance-fund] USDC = "1000".

    `levels` is how many names come before the asset: with two, [venues.house.members.default-fund.ann].
    """

    levels: int = 1


@attrs.frozen
class Weights:
    """Whole numbers by so many names: [venues.house.numbers.seniority] ann = 2."""

    levels: int = 2


@attrs.frozen
class Counts:
    """A table of whole numbers whose keys are a few given words."""

    options: tuple[str, ...]


@attrs.frozen
class Table:
    """One table, read as `cls`."""

    cls: type


@attrs.frozen
class Tables:
    """Tables by name, read as `cls`; `names` is how the names look, or of what they are the names."""

    cls: type
    names: Name | AssetName | Ref = Name()


@attrs.frozen
class Rows:
    """A list of tables, read as `cls`; `label` is the field by which a row is called, if any.

    `again`: several rows may be called alike; all but the first go by their number.
    """

    cls: type
    label: str = ""
    again: bool = False


Kind: TypeAlias = (
    Key
    | Text
    | Texts
    | Name
    | AssetName
    | Ref
    | Refs
    | Choice
    | Flag
    | Time
    | Whole
    | Numeral
    | Amount
    | Amounts
    | Distribution
    | Value
    | Values
    | Tolerance
    | Parameter
    | Points
    | File
    | Path
    | Settings
    | Strings
    | Counts
    | Funds
    | Weights
    | Table
    | Tables
    | Rows
)

SCALARS: Final = (
    Text, Name, Ref, Choice, Flag, Time, Whole, Numeral, Amount, Distribution, Value, Tolerance, Parameter,
    File, Path, Points, Refs, Texts, Values,
)  # fmt: skip
"""Kinds whose value may be written as { value = …, fact = … } as well."""


def of(kind: Kind, doc: str, *, named: str = "", **options: Any) -> Any:
    """Declare an attrs field of that kind; `doc` says what it means, and ends up in the schema.

    `named` is its name in the file where that differs from the attribute's.
    """
    return attrs.field(metadata={KIND: kind, DOC: doc, NAMED: named}, **options)


def computed(doc: str, **options: Any) -> Any:
    """Declare a field that is no part of the file: the loader fills it in."""
    return attrs.field(metadata={DOC: doc}, **options)


def whole(doc: str, low: int = 0, high: int = WHOLE_MAX, **options: Any) -> Any:
    """Declare a whole number."""
    return of(Whole(low, high), doc, **options)


def seconds(doc: str, low: int = 0, **options: Any) -> Any:
    """Declare a duration in whole seconds."""
    return of(Whole(low, SECONDS_MAX), doc, **options)


def ratio(doc: str, low: int = 0, high: int = WAD, **options: Any) -> Any:
    """Declare a share with 18 decimals, between 0 and 1 unless bounds are given."""
    return of(Numeral(18, low, high), doc, **options)


def bps(doc: str, low: int = 0, high: int = BPS, added: int = 0, **options: Any) -> Any:
    """Declare a share that a contract keeps in hundredths of a percent; finer ones are an error."""
    return of(Numeral(4, low, high, added=added), doc, **options)


def money(doc: str, **options: Any) -> Any:
    """Declare an amount of the money of account, 8 decimals."""
    return of(Numeral(8, 0, 10**18 * PRICE_UNIT), doc, **options)


def kind_of(attribute: attrs.Attribute[Any]) -> Kind | None:
    """Return the kind of an attrs field, or None where the field is no part of the file."""
    kind: Kind | None = attribute.metadata.get(KIND)
    return kind


@cache
def fields_of(cls: type) -> Mapping[str, attrs.Attribute[Any]]:
    """Return the fields of a table that stand in the file, by their name there and in order."""
    return {
        a.metadata[NAMED] or a.name: a
        for a in attrs.fields(cls)
        if kind_of(a) is not None and not isinstance(kind_of(a), Key)
    }


def is_required(attribute: attrs.Attribute[Any]) -> bool:
    """Say whether a field must be given."""
    return attribute.default is attrs.NOTHING


def key_field(cls: type) -> str | None:
    """Return the name of the field that takes the table's own name, if there is one."""
    return next((a.name for a in attrs.fields(cls) if isinstance(kind_of(a), Key)), None)
