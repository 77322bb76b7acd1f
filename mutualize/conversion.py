"""What a tier's money is worth where it pays in another asset than the loss.

    proceeds(q) = q · price · (1 − discount) · (1 − impact · q / (2 · depth))

The last factor is the average slippage of a sale that moves the price by `impact` per `depth` sold. It
rises up to q* = depth / impact and is not used beyond.
"""

from __future__ import annotations

import attrs

from mutualize.units import WAD, mul_div_down


@attrs.frozen(kw_only=True)
class Conversion:
    """Terms of turning one asset into another. Prices with 8 decimals, `discount` and impact in WAD."""

    price: int
    decimals: int
    loss_price: int
    loss_decimals: int
    discount: int = 0
    depth: tuple[int, int] | None = None

    def useful(self, left: int) -> int:
        """Return how much of `left` can be sold before more brings in less."""
        if self.depth is None or not self.depth[1]:
            return left
        return min(left, mul_div_down(self.depth[0], WAD, self.depth[1]))

    def worth_down(self, left: int) -> int:
        """Return what `left` base units of the paying asset bring, in base units of the loss; down."""
        if not self.loss_price:
            return 0
        sold = self.useful(left)
        above = sold * self.price * (WAD - self.discount) * int(10**self.loss_decimals)
        below = WAD * self.loss_price * int(10**self.decimals)
        if self.depth is not None:
            amount, impact = self.depth
            above *= 2 * amount * WAD - impact * sold
            below *= 2 * amount * WAD
        return mul_div_down(above, 1, below)

    def needed_up(self, amount: int, left: int) -> int:
        """Return the least number of base units that bring at least `amount`. `amount` ≤ worth_down(left)."""
        low, high = 0, self.useful(left)
        while low < high:
            middle = mul_div_down(low + high, 1, 2)
            if self.worth_down(middle) >= amount:
                high = middle
            else:
                low = middle + 1
        return low
