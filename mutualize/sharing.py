"""Sharing an amount among many, exactly: the parts sum to it, and none is more than its cap.

    pro rata      by entitlement                    by weight     by weight, capped by entitlement
    ranked        highest rank first, whole         first-loss    lowest rank first, whole

Where caps bind for some, what they cannot bear is shared among the others, until nothing is left. Nothing
depends on the order in which claimants are given: names and numbers decide.
"""

from __future__ import annotations

from collections.abc import Mapping

from mutualize.tier import BY_WEIGHT, FIRST_LOSS, PRO_RATA, RANKED
from mutualize.units import split_pro_rata


def share(
    sharing: str, amount: int, caps: Mapping[str, int], by: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Share `amount` among claimants who bear at most their caps, in base units; parts of zero are left out.

    `by` holds weights (`by-weight`) or ranks (`ranked`, `first-loss`); who is not in it has 0. Raises
    ValueError where the amount is more than those who may bear it can, or the way is unknown.
    """
    numbers = by or {}
    match sharing:
        case "pro-rata":
            parts = _by_weight(amount, caps, caps)
        case "by-weight":
            parts = _by_weight(amount, caps, {name: numbers.get(name, 0) for name in caps})
        case "ranked" | "first-loss":
            sign = -1 if sharing == RANKED else 1
            order = sorted(caps, key=lambda name: (sign * numbers.get(name, 0), name))
            parts = _in_order(amount, caps, order)
        case _:
            raise ValueError(f"{sharing!r} is no way of sharing")
    return {name: part for name, part in sorted(parts.items()) if part}


def bearable(sharing: str, caps: Mapping[str, int], by: Mapping[str, int] | None = None) -> int:
    """Return the most that claimants can bear together: who has no weight bears nothing by weight."""
    if sharing == BY_WEIGHT:
        return sum(cap for name, cap in caps.items() if (by or {}).get(name, 0))
    assert sharing in (PRO_RATA, RANKED, FIRST_LOSS), sharing
    return sum(caps.values())


def _by_weight(amount: int, caps: Mapping[str, int], weights: Mapping[str, int]) -> dict[str, int]:
    """Share by weight; who would bear more than his cap bears that, and the others share the rest anew.

    Every round but the last takes at least one claimant out, and where no cap binds there is only one.
    """
    parts: dict[str, int] = {}
    free = {name: weight for name, weight in weights.items() if weight}
    left = amount
    while left:
        if not free:
            raise ValueError(f"{left} of {amount} cannot be borne by anybody")
        tried = split_pro_rata(left, list(free.items()))
        full = [name for name, part in tried if part > caps[name]]
        if not full:
            parts.update(tried)
            break
        for name in full:
            parts[name] = caps[name]
            left -= caps[name]
            del free[name]
    return parts


def _in_order(amount: int, caps: Mapping[str, int], order: list[str]) -> dict[str, int]:
    parts: dict[str, int] = {}
    left = amount
    for name in order:
        parts[name] = min(left, caps[name])
        left -= parts[name]
    if left:
        raise ValueError(f"{left} of {amount} cannot be borne by anybody")
    return parts
