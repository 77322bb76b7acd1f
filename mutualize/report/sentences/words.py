"""What a sentence needs to know beside its event: units and prices, as the ledger has told them so far.

    for entry in read(path):
        print(sentence(entry.event, words))
        words.take(entry)

Its one rule: figures are exact. What is not known (an asset's decimals, a price) is not guessed: an amount
is then told in base units, or without its worth.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from mutualize.events import Entry, Event, ParameterChanged, PricePublished, ReserveListed, Staked
from mutualize.isolated_events import MarketCreated
from mutualize.report.text import clean, moment, money, numeral
from mutualize.tables import told_name
from mutualize.trove_events import TroveOpened
from mutualize.units import DECIMALS_MAX, PRICE_UNIT, format_decimal, mul_div_down
from mutualize.vault_events import CollateralListed

PLACES_MAX: Final = 18
"""So many decimal places are told; what a vault engine counts in has 45, and '…' says that there are more."""
RAD_DECIMALS: Final = 45
WAD_DECIMALS: Final = 18
RAY_DECIMALS: Final = 27
PRICE_DECIMALS: Final = 8
SYSTEM: Final = ".system"
"""How the name of a vault engine's own table ends."""
NAME_MAX: Final = 80
"""So many characters of a name are shown."""


@attrs.frozen
class Units:
    """The scenario's own units: decimals by asset, and the money of account."""

    decimals: Mapping[str, int] = attrs.field(factory=dict)
    currency: str = "USD"
    money: Mapping[str, str] = attrs.field(factory=dict)
    """What each asset is traded against; the money of account where it does not stand here."""


def units_beside(ledger: Path) -> Units:
    """Read the units in the scenario beside a ledger; none where there is no scenario that can be read.

    A ledger tells the decimals of a pool's reserves itself; those of all else stand in the scenario only.
    """
    try:
        data = tomllib.loads((ledger.parent / "scenario.toml").read_text(encoding="utf-8"))
        assets = data.get("assets", {})
        found = {name: _plain(asset.get("decimals")) for name, asset in assets.items()}
        markets = {name: _plain(market.get("money")) for name, market in data.get("markets", {}).items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return Units()
    decimals = {name: value for name, value in found.items() if _is_decimals(value)}
    money_of = {name: value for name, value in markets.items() if isinstance(value, str)}
    return Units(decimals, str(_plain(data.get("money", "USD"))), money_of)


def _plain(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else value


def _is_decimals(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= DECIMALS_MAX


class Words:
    """Amounts, money and names in words; `units` are of the scenario beside the ledger, if there is one."""

    def __init__(self, units: Units | None = None) -> None:
        units = units or Units()
        self.traded_against: Mapping[str, str] = units.money
        self.currency = clean(units.currency)[:NAME_MAX]
        self.decimals: dict[str, int] = dict(units.decimals)
        if units.decimals:  # the money of account may be traded against, and need be no asset
            self.decimals.setdefault(units.currency, PRICE_DECIMALS)
        self.prices: dict[str, int] = {}
        """What the oracle told last, 8 decimals, by asset."""
        self._ilks: dict[tuple[str, str], str] = {}
        self._stakes: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._troves: dict[str, None] = {}

    def take(self, entry: Entry) -> None:
        """Note what an entry tells of units and prices. Call it after the sentence, in the ledger's order."""
        event = entry.event
        if isinstance(event, PricePublished):
            self.prices[event.asset] = event.price
        elif isinstance(event, ReserveListed):
            if _is_decimals(event.decimals):
                self.decimals.setdefault(event.asset, event.decimals)
        elif isinstance(event, MarketCreated):
            self._market(event)
        elif isinstance(event, TroveOpened):
            self._troves[event.venue] = None
        elif isinstance(event, Staked):
            self._stakes[event.venue, event.stake] = event.asset
        elif isinstance(event, CollateralListed | ParameterChanged):
            self._engine(event)

    def _market(self, event: MarketCreated) -> None:
        """Note the decimals of a market's two assets."""
        for asset, told in ((event.asset, event.decimals), (event.collateral, event.collateral_decimals)):
            if _is_decimals(told):
                self.decimals.setdefault(asset, told)

    def _engine(self, event: CollateralListed | ParameterChanged) -> None:
        """Note what a vault engine's collateral, stablecoin and governance token are called."""
        if isinstance(event, CollateralListed):
            self._ilks[event.venue, event.ilk] = event.asset
        for table, key, value in event.cells:
            if table.endswith(SYSTEM) and key in ("stablecoin", "governance_token") and value > 0:
                name = told_name(value)
                self._names[event.venue, key] = name
                self.decimals.setdefault(name, RAD_DECIMALS if key == "stablecoin" else WAD_DECIMALS)

    # --- names -------------------------------------------------------------------------------------------

    def name(self, name: str) -> str:
        """Return a name as it may be shown: no character that steers a terminal, and not too long."""
        return _shown(name)

    def ilk(self, venue: str, ilk: str) -> str:
        """Return the collateral of an ilk."""
        return self._ilks.get((venue, ilk), ilk)

    def stake(self, venue: str, stake: str) -> str:
        """Return what a stake holds; empty where nobody has staked yet."""
        return self._stakes.get((venue, stake), "")

    def has_troves(self, venue: str) -> bool:
        """Say whether a venue is a trove system: a tier that pays there gets collateral for it."""
        return venue in self._troves

    def stablecoin(self, venue: str) -> str:
        """Return a vault engine's stablecoin."""
        return self._names.get((venue, "stablecoin"), "stablecoins")

    def governance(self, venue: str) -> str:
        """Return a vault engine's governance token."""
        return self._names.get((venue, "governance_token"), "governance tokens")

    # --- figures -----------------------------------------------------------------------------------------

    def amount(self, asset: str, value: int) -> str:
        """Return an amount with its asset, exactly: '64,991.795239 USDC'."""
        decimals = self.decimals.get(asset)
        if decimals is None:
            return f"{value:,} base units of {self.name(asset)}"
        return f"{exact(value, decimals)} {self.name(asset)}"

    def worth(self, asset: str, value: int, price: int | None = None) -> str:
        """Return ' (58,123 USD)': what it is worth at a price, or at the one told last.

        Empty where no price is known, or where it is exactly one.
        """
        price = self.prices.get(asset) if price is None else price
        decimals = self.decimals.get(asset)
        if not price or price == PRICE_UNIT or decimals is None:
            return ""
        return f" ({self.money(mul_div_down(value, price, 10**decimals))})"

    def full(self, asset: str, value: int, price: int | None = None) -> str:
        """Return an amount and what it is worth."""
        return self.amount(asset, value) + self.worth(asset, value, price)

    def money(self, value: int) -> str:
        """Return a sum of money (8 decimals): without decimals from a thousand on."""
        return money(numeral(value, PRICE_DECIMALS), self.currency)

    def price(self, value: int) -> str:
        """Return a price of 8 decimals, exactly."""
        return f"{exact(value, PRICE_DECIMALS)} {self.currency}"

    def shares(self, asset: str, value: int) -> str:
        """Return shares of a stake, which have the decimals of what it holds."""
        decimals = self.decimals.get(asset)
        return f"{value:,} units of share" if decimals is None else f"{exact(value, decimals)} shares"

    def moment(self, at: int) -> str:
        """Return a moment in UTC."""
        return moment_of(at)


def moment_of(at: int) -> str:
    """Return a moment in UTC; what no calendar has (a forged ledger's), as the number that it is."""
    try:
        return moment(at)
    except (ValueError, OverflowError, OSError):
        return f"{at:,} s"


@lru_cache(maxsize=65_536)
def _shown(name: str) -> str:
    """Clean a name. Kept, since the same few names stand in most sentences."""
    shown = clean(name)
    return (shown if len(shown) <= NAME_MAX else shown[: NAME_MAX - 1] + "…") or "nobody"


def exact(value: int, decimals: int) -> str:
    """Write an integer with `decimals` places for people, with all its digits (up to 18 places)."""
    text = format_decimal(value, decimals)
    whole, point, fraction = text.partition(".")
    if len(fraction) <= PLACES_MAX:
        return text
    kept = fraction[:PLACES_MAX].rstrip("0")
    return f"{whole}{point}{fraction[:PLACES_MAX]}…" if kept or whole.strip("-0") else f"{whole}.0…"


Teller = Callable[[Any, Words], str]
TELLERS: Final[dict[type[Event], Teller]] = {}
"""What tells each kind of event."""

T = TypeVar("T", bound=Callable[..., str])


def tells(kind: type[Event]) -> Callable[[T], T]:
    """Register the sentence of a kind of event."""

    def register(function: T) -> T:
        assert kind not in TELLERS, f"{kind.__name__} is told already"
        TELLERS[kind] = function
        return function

    return register
