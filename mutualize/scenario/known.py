"""What names a scenario defines, looked up in the parsed file while it is being read.

References and amounts need them (an amount's decimals are its asset's), whatever the order of tables and
whether or not other tables are sound. Nothing here notes problems: the place that defines a name does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.marks import KINDS
from mutualize.units import DECIMALS_MAX

MARKED: Final = "marked"
RESERVED: Final = (MARKED, *KINDS)
"""Keys that hold marks, in whatever table; no asset, venue or stake can be called so."""


def plain(raw: Any) -> Any:
    """Return the value itself where it is written as { value = …, fact = … }."""
    return raw["value"] if isinstance(raw, dict) and "value" in raw else raw


def table(raw: Any, *keys: str) -> Mapping[str, Any]:
    """Return the table under these keys; an empty one where there is none."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else {}


def _named(tables: Mapping[str, Any]) -> list[str]:
    return [name for name in tables if name not in RESERVED]


@attrs.frozen
class Known:
    """The names that a parsed scenario defines."""

    root: Mapping[str, Any]
    limits: Limits = LIMITS

    def names(self, to: str, venue: str = "") -> list[str]:
        """Return all names of assets, venues or sources; of stakes or assets (`reserves`) in `venue`."""
        if to not in {"stakes", "reserves", "ilks"}:
            return _named(table(self.root, to))
        found = _named(table(self.root, "venues", venue, to))
        if to != "reserves":
            return found
        about = table(self.root, "venues", venue)
        held = plain(about.get("holds"))
        if self.has_troves(venue):
            held = [plain(about.get("stablecoin"))]  # nothing else is put into a stability pool
        return found + [name for name in held if isinstance(name, str)] if isinstance(held, list) else found

    def has_venue(self, venue: str) -> bool:
        """Say whether there is such a venue."""
        return venue in self.names("venues")

    def has_troves(self, venue: str) -> bool:
        """Say whether a venue is a trove system, where nobody borrows but by a trove."""
        return bool(plain(table(self.root, "venues", venue).get("kind")) == "stability")

    def decimals(self, asset: Any) -> int | None:
        """Return an asset's decimals, or None where they are not known."""
        if not isinstance(asset, str):
            return None
        decimals = plain(table(self.root, "assets", asset).get("decimals"))
        is_sound = (
            isinstance(decimals, int) and not isinstance(decimals, bool) and 0 <= decimals <= DECIMALS_MAX
        )
        return decimals if is_sound else None

    def stake_asset(self, venue: str, stake: Any) -> str | None:
        """Return the asset of a venue's stake, or None."""
        if not isinstance(stake, str):
            return None
        asset = plain(table(self.root, "venues", venue, "stakes", stake).get("asset"))
        return asset if isinstance(asset, str) else None
