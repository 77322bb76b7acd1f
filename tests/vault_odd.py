"""What nobody would ask of a vault engine: wishes that are bent at an edge, and a governance gone wild.

The rule: a bent wish is a usual one but for one field, so that a guard is met by what passes all before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from laws_of_vaults import CONTRACTS
from vault_oracle import BOUNDS, DEFAULTS, SYSTEM_BOUNDS, WORD

from mutualize import commands as c
from mutualize import vault_commands as v

if TYPE_CHECKING:
    from mutualize.randomness import Stream

LATER, NOWHERE = "ETH-B", "NO-A"
"""An ilk that is listed in the middle of a game, and one that cannot be."""

LIMITS: Final = ("Line", "box", "Hole", "lid", "sump")
LIMITS_OF_ILKS: Final = ("buf", "buf", "buf", "dust", "dust", "dunk", "hole", "line", "lump", "cusp")
"""Terms that bind, where they are set to little or nothing."""

WORDS: Final = {
    "account": ("u0", "governance", *CONTRACTS),
    "ilk": ("", "ETH-A", "BTC-A", LATER, LATER, NOWHERE),
    "auction": ("flip", "clip", "flop", "flap", "nothing"),
    "vault": ("u0", "nobody", *CONTRACTS),
    "to": ("u0", "nobody", *CONTRACTS),
    "asset": ("", "ETH-A", LATER, NOWHERE),
    "name": ("mat", "hump", "duty", "nonsense"),
}
"""What a field that is a name is bent to."""


class Wild:
    """A governance that sets anything to what is just allowed, or just not, and repents later."""

    def __init__(self, stream: Stream, own: dict[str, str], usual: dict[str, int]) -> None:
        self._stream, self._own = stream, own
        self._usual = {**DEFAULTS, **dict.fromkeys(SYSTEM_BOUNDS, 0), **usual}
        self._usual |= {name: DEFAULTS[name] for name in DEFAULTS if name not in usual}
        self._regrets: list[c.Command] = []

    @property
    def is_on(self) -> bool:
        """Say whether anything is other than it should be."""
        return bool(self._regrets)

    def command(self) -> c.Command:
        """Return what it does next."""
        s = self._stream
        if self._regrets and s.chance(2, 3):
            return self._regrets.pop()
        if s.chance(1, 12):
            return self._listing()
        if s.chance(1, 12):
            return v.MintGovernance(**self._own, to="kp0", amount=s.choice((0, 1, WORD // 2)))
        asset = s.choice(("", "", "ETH-A", "BTC-A"))
        bounds = BOUNDS if asset else SYSTEM_BOUNDS
        binds = s.chance(2, 3)
        name = s.choice((LIMITS_OF_ILKS if asset else LIMITS) if binds else tuple(bounds))
        least, most = bounds[name]
        usual = self._usual.get(name, least)
        values = (least, least, usual // 3, usual * 3) if binds else (least, most, least - 1, most + 1)
        value = s.choice(values)
        self._regrets.append(self._set(asset, name, usual))
        return self._set(asset, name, value)

    def _set(self, asset: str, name: str, value: int) -> c.Command:
        return c.SetParameter(**self._own, asset=asset, name=name, value=value)

    def _listing(self) -> c.Command:
        s = self._stream
        terms = (("mat", s.choice((0, WORD))), ("line", WORD), (s.choice(("duty", "nonsense")), 10**27))
        parameters = terms[: s.below(4)]
        return v.ListCollateral(**self._own, ilk=s.choice((LATER, NOWHERE)), parameters=parameters)
