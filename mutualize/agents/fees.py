"""Gas: what an action costs on the chain, as the commands that pay for it."""

from __future__ import annotations

from collections.abc import Callable

from mutualize.accounts import OUTSIDE
from mutualize.commands import Command, FailTransaction, PayGas
from mutualize.errors import Reason


class Fees:
    """Gas in the chain's native asset. Without a chain, transactions are free."""

    def __init__(self, native: str = "", cost: Callable[[str, int], int] | None = None) -> None:
        self.native = native
        self._cost = cost

    def cost(self, at: int, *actions: str) -> int:
        """Return what actions in one transaction cost now, in base units of the native asset."""
        return sum(self._cost(action, at) for action in actions) if self._cost is not None else 0

    def pay(self, account: str, at: int, *actions: str) -> tuple[Command, ...]:
        """Return the command that pays for a transaction, to go into it; none where it is free."""
        cost = self.cost(at, *actions)
        if not cost:
            return ()
        return (PayGas(venue=OUTSIDE, account=account, asset=self.native, amount=cost),)

    def fail(self, account: str, at: int, reason: Reason, *actions: str) -> tuple[Command, ...]:
        """Return the command that records an included and rejected transaction; none where it is free."""
        cost = self.cost(at, *actions)
        if not cost:
            return ()
        failed = FailTransaction(
            venue=OUTSIDE, account=account, reason=reason.name, asset=self.native, amount=cost
        )
        return (failed,)
