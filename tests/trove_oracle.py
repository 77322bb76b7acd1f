"""A plain second opinion on trove systems: the contracts' functions, one after the other, on dictionaries.

The rule: it shares no code and no idea with the venue. Troves are a sorted list that is walked; each of the
four loops over liquidations is written out; tallies are moved at the end, as the contracts move them. A call
either answers why it is refused, and changes nothing, or changes the state.
"""

from __future__ import annotations

from typing import Any, Final

from mutualize import commands as c
from mutualize import trove_commands as t

E18: Final = 10**18
MOST: Final = 2**256 - 1
MCR, CCR, GAS, MIN_NET = 11 * 10**17, 15 * 10**17, 200 * E18, 1_800 * E18
KEPT: Final = {"liquity-v1": 0, "liquity-v1-2025": E18, "liquity-v2": E18}
TABLES: Final = ("coll", "debt", "stake", "status", "lc", "ld", "lusd", "surplus")
DEPOSITS: Final = ("dep", "dep_p", "dep_s", "dep_scale", "dep_epoch")


class No(Exception):
    """A refusal: the name of our reason for it."""


def need(condition: bool, reason: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise No(reason)


def add(a: int, b: int) -> int:
    """Add as a machine word of 256 bits, or refuse."""
    need(a + b <= MOST, "AMOUNT_IS_TOO_LARGE")
    return a + b


def sub(a: int, b: int) -> int:
    """Subtract, or refuse."""
    need(b <= a, "BALANCE_IS_INSUFFICIENT")
    return a - b


def mul(a: int, b: int) -> int:
    """Multiply, or refuse."""
    need(a * b <= MOST, "AMOUNT_IS_TOO_LARGE")
    return a * b


def cr(coll: int, debt: int, price: int) -> int:
    """Return collateral over debt at a price."""
    return mul(coll, price) // debt if debt else MOST


Values = dict[str, int]


class Plain:
    """A whole system. `s` maps the name of a table to its numbers."""

    def __init__(self, index: str) -> None:
        self.index, self.price = index, 0
        self.order: list[str] = []
        self.s: dict[str, dict[Any, int]] = {name: {} for name in (*TABLES, *DEPOSITS, "S", "n")}
        self.s["n"]["P"] = 10**36 if index == "liquity-v2" else E18

    def ask(self, command: c.Command) -> str | None:
        """Carry a command out; return why not, in which case nothing changed."""
        before = {name: dict(table) for name, table in self.s.items()}
        order = list(self.order)
        try:
            self._ask(command)
        except No as no:
            self.s, self.order = before, order
            return str(no)
        return None

    def _ask(self, command: Any) -> None:
        words = ("collateral", "amount", "collateral_in", "collateral_out", "debt", "count")
        given = [getattr(command, word, 0) for word in words]
        need(all(0 <= x <= MOST for x in given if isinstance(x, int)), "AMOUNT_IS_TOO_LARGE")
        own = (getattr(command, "asset", "LUSD"), bool(command.account), bool(getattr(command, "to", "x")))
        if isinstance(command, c.Liquidate):
            own = (command.debt, command.collateral == "ETH", bool(command.account))
        need(own == ("LUSD", True, True), "RESERVE_IS_UNKNOWN")
        who = command.account
        match command:
            case t.OpenTrove():
                self.open(who, command.collateral, command.amount)
            case t.AdjustTrove():
                self.adjust(who, command.collateral_in, command.collateral_out, command.debt, command.draws)
            case t.CloseTrove():
                self.close(who)
            case t.ClaimSurplus():
                need(self.of("surplus", who) > 0, "SURPLUS_IS_ZERO")
                self.s["surplus"][who] = 0
            case c.Liquidate():
                need(self.of("status", command.borrower) == 1, "TROVE_IS_NOT_ACTIVE")
                self.batch(who, [command.borrower])
            case t.LiquidateTroves(owners=()):
                self.riskiest(who, command.count)
            case t.LiquidateTroves():
                self.batch(who, list(command.owners))
            case _:
                self._ask_for_coins(who, command)

    def _ask_for_coins(self, who: str, command: Any) -> None:
        match command:
            case c.TransferClaims():
                self.s["lusd"][who] = sub(self.of("lusd", who), command.amount)
                self.s["lusd"][command.to] = add(self.of("lusd", command.to), command.amount)
            case c.Supply():
                self.provide(who, command.amount)
            case c.Withdraw():
                self.withdraw(who, command.amount)
            case c.ContributeToFund():
                need(command.amount > 0, "AMOUNT_IS_ZERO")
                need(command.tier not in ("stability-pool", "gas-pool"), "CALLER_IS_A_CONTRACT")
            case _:
                raise AssertionError(command)

    # --- numbers -----------------------------------------------------------------------------------------

    def of(self, table: str, key: Any) -> int:
        """Return one number."""
        return self.s[table].get(key, 0)

    def n(self, key: str) -> int:
        """Return one number of the whole."""
        return self.s["n"].get(key, 0)

    def put(self, **numbers: int) -> None:
        """Set numbers of the whole."""
        self.s["n"] |= numbers

    def system(self) -> tuple[int, int]:
        """Return (collateral, debt) of the whole."""
        return self.n("ac") + self.n("dc"), self.n("ad") + self.n("dd")

    def recovery(self) -> bool:
        """Say whether it is in recovery mode."""
        return cr(*self.system(), self.price) < CCR

    def pending(self, who: str) -> tuple[int, int]:
        """Return (collateral, debt) that a trove is yet to take."""
        if self.of("status", who) != 1:
            return 0, 0
        stake = self.of("stake", who)
        up = (sub(self.n("LC"), self.of("lc", who)), sub(self.n("LD"), self.of("ld", who)))
        return mul(stake, up[0]) // E18, mul(stake, up[1]) // E18

    def entire(self, who: str) -> tuple[int, int]:
        """Return (collateral, debt) of a trove."""
        coll, debt = self.pending(who)
        return self.of("coll", who) + coll, self.of("debt", who) + debt

    def icr(self, who: str) -> int:
        """Return a trove's ratio."""
        return cr(*self.entire(who), self.price)

    # --- borrowers ---------------------------------------------------------------------------------------

    def take(self, who: str) -> None:
        """Apply what is pending."""
        if self.of("status", who) != 1 or self.of("lc", who) >= self.n("LC"):
            return
        coll, debt = self.pending(who)
        self.s["coll"][who] += coll
        self.s["debt"][who] += debt
        self.s["lc"][who], self.s["ld"][who] = self.n("LC"), self.n("LD")
        self.to_active(coll, debt)

    def to_active(self, coll: int, debt: int) -> None:
        """Move from the default pool to the active one."""
        self.put(dd=sub(self.n("dd"), debt), dc=sub(self.n("dc"), coll))
        self.put(ad=self.n("ad") + debt, ac=self.n("ac") + coll)

    def restake(self, who: str) -> None:
        """Set a trove's stake."""
        stake = self.of("coll", who)
        if self.n("csnap"):
            need(self.n("ssnap") > 0, "POOL_IS_EXHAUSTED")
            stake = mul(stake, self.n("ssnap")) // self.n("csnap")
        self.put(stakes=self.n("stakes") - self.of("stake", who) + stake)
        self.s["stake"][who] = stake

    def insert(self, who: str) -> None:
        """Put a trove into the list: before the first that is no safer."""
        own = cr(self.s["coll"][who], self.s["debt"][who], 10**20)
        need(own > 0, "COLLATERAL_IS_INSUFFICIENT")
        place = len(self.order)
        for at, other in enumerate(self.order):
            if cr(*self.entire(other), 10**20) <= own:
                place = at
                break
        self.order.insert(place, who)

    def safe_system(self, coll: int, debt: int) -> None:
        """Refuse what leads to recovery mode."""
        need(cr(coll, debt, self.price) >= CCR, "SYSTEM_WOULD_BE_CRITICAL")

    def open(self, who: str, coll: int, lusd: int) -> None:
        """Open a trove."""
        recovery = self.recovery()
        need(self.of("status", who) != 1, "TROVE_IS_ACTIVE")
        fee = 0 if recovery else mul(5 * 10**15, lusd) // E18
        net = add(lusd, fee)
        need(net >= MIN_NET, "TROVE_DEBT_IS_TOO_SMALL")
        debt = add(net, GAS)
        ratio = cr(coll, debt, self.price)
        cr(coll, debt, 10**20)
        if recovery:
            need(ratio >= CCR, "TROVE_WOULD_BE_CRITICAL")
        else:
            need(ratio >= MCR, "TROVE_WOULD_BE_UNSAFE")
            whole = self.system()
            self.safe_system(add(whole[0], coll), add(whole[1], debt))
        self.s["status"][who], self.s["coll"][who], self.s["debt"][who] = 1, coll, debt
        self.s["lc"][who], self.s["ld"][who] = self.n("LC"), self.n("LD")
        self.restake(who)
        self.insert(who)
        self.put(ac=self.n("ac") + coll, ad=self.n("ad") + debt)
        self.put(fees=self.n("fees") + fee, gas=self.n("gas") + GAS)
        self.s["lusd"][who] = self.of("lusd", who) + lusd

    def adjust(self, who: str, more: int, less: int, change: int, draws: bool) -> None:
        """Change a trove."""
        recovery = self.recovery()
        need(not draws or change > 0, "DEBT_CHANGE_IS_ZERO")
        need(more == 0 or less == 0, "COLLATERAL_GOES_BOTH_WAYS")
        need(more + less + change > 0, "ADJUSTMENT_IS_EMPTY")
        need(self.of("status", who) == 1, "TROVE_IS_NOT_ACTIVE")
        self.take(who)
        fee = mul(5 * 10**15, change) // E18 if draws and not recovery else 0
        coll, debt = self.s["coll"][who], self.s["debt"][who]
        grown = add(change, fee) if draws else 0
        new_coll = sub(add(coll, more), less)
        new_debt = add(debt, grown) if draws else sub(debt, change)
        old, new = cr(coll, debt, self.price), cr(new_coll, new_debt, self.price)
        if recovery:
            need(less == 0, "COLLATERAL_IS_HELD")
            if draws:
                need(new >= CCR, "TROVE_WOULD_BE_CRITICAL")
                need(new >= old, "TROVE_WOULD_BE_WORSE")
        else:
            need(new >= MCR, "TROVE_WOULD_BE_UNSAFE")
            whole = self.system()
            self.safe_system(
                sub(add(whole[0], more), less), sub(add(whole[1], grown), 0 if draws else change)
            )
        if not draws and change:
            need(sub(sub(debt, GAS), change) >= MIN_NET, "TROVE_DEBT_IS_TOO_SMALL")
            need(self.of("lusd", who) >= change, "STABLECOINS_ARE_INSUFFICIENT")
        self.s["coll"][who], self.s["debt"][who] = new_coll, new_debt
        self.restake(who)
        self.order.remove(who)
        self.insert(who)
        self.put(ac=self.n("ac") + new_coll - coll, ad=self.n("ad") + new_debt - debt)
        self.put(fees=self.n("fees") + fee)
        self.s["lusd"][who] = self.of("lusd", who) + (change if draws else -change)

    def close(self, who: str) -> None:
        """Repay all."""
        need(self.of("status", who) == 1, "TROVE_IS_NOT_ACTIVE")
        need(not self.recovery(), "SYSTEM_IS_IN_RECOVERY")
        self.take(who)
        coll, debt = self.s["coll"][who], self.s["debt"][who]
        need(self.of("lusd", who) >= sub(debt, GAS), "STABLECOINS_ARE_INSUFFICIENT")
        whole = self.system()
        self.safe_system(sub(whole[0], coll), sub(whole[1], debt))
        self.remove(who, 2)
        self.s["lusd"][who] = self.of("lusd", who) - debt + GAS
        self.put(ad=self.n("ad") - debt, ac=self.n("ac") - coll, gas=self.n("gas") - GAS)

    def remove(self, who: str, status: int) -> None:
        """Take stake and trove away."""
        self.put(stakes=self.n("stakes") - self.s["stake"][who])
        need(len(self.order) > 1, "TROVE_IS_THE_LAST")
        self.s["status"][who] = status
        for table in ("stake", "coll", "debt", "lc", "ld"):
            self.s[table][who] = 0
        self.order.remove(who)

    # --- liquidations ------------------------------------------------------------------------------------

    def in_pool(self) -> int:
        """Return what the pool can pay."""
        total = self.n("T")
        most = total - min(total, KEPT[self.index])
        if self.index == "liquity-v1-2025" and mul(most, E18) <= self.n("eL"):
            return 0
        return most

    def normal(self, who: str, left: int) -> Values:
        """Liquidate in normal mode."""
        coll, debt = self.entire(who)
        self.to_active(*self.pending(who))
        gas = coll // 200
        values = self.split(debt, coll - gas, left)
        self.remove(who, 3)
        return {**values, "debt": debt, "coll": coll, "gas": gas, "lusd": GAS}

    def split(self, debt: int, coll: int, left: int) -> Values:
        """Say what the pool pays, and what is redistributed."""
        offset = min(debt, left)
        sent = coll * offset // debt
        return {"offset": offset, "sent": sent, "rd": debt - offset, "rc": coll - sent}

    def recovering(self, who: str, ratio: int, left: int, total: int) -> Values:
        """Liquidate in recovery mode; nothing comes of it where the trove stays."""
        if len(self.order) <= 1:
            return {}
        coll, debt = self.entire(who)
        gas = coll // 200
        pending = self.pending(who)
        if ratio <= E18:
            values = {"offset": 0, "sent": 0, "rd": debt, "rc": coll - gas}
        elif ratio < MCR:
            values = self.split(debt, coll - gas, left)
        elif ratio < total and debt <= left:
            capped = mul(debt, MCR) // self.price
            gas = capped // 200
            values = {"offset": debt, "sent": capped - gas, "rd": 0, "rc": 0, "surplus": sub(coll, capped)}
        else:
            return {}
        self.to_active(*pending)
        self.remove(who, 3)
        surplus = values.get("surplus", 0)
        self.s["surplus"][who] = self.of("surplus", who) + surplus
        return {**values, "debt": debt, "coll": coll, "gas": gas, "lusd": GAS}

    def riskiest(self, who: str, count: int) -> None:
        """Liquidate so many, from the end of the list."""
        if not self.recovery():
            self.move(who, self.riskiest_normal(count))
            return
        totals: list[Values] = []
        left, (coll, debt) = self.in_pool(), self.system()
        back = False
        first = self.order[0] if self.order else ""
        at = len(self.order) - 1
        while count > 0 and at >= 0 and self.order[at] != first:
            user, ratio = self.order[at], self.icr(self.order[at])
            at, count = at - 1, count - 1
            if back:
                if ratio >= MCR:
                    break
                totals.append(self.normal(user, left))
                left -= totals[-1]["offset"]
                continue
            if ratio >= MCR and left == 0:
                break
            values = self.recovering(user, ratio, left, cr(coll, debt, self.price))
            left, coll, debt = tracked(values, left, coll, debt)
            totals.append(values)
            back = cr(coll, debt, self.price) >= CCR
        self.move(who, totals)

    def riskiest_normal(self, count: int) -> list[Values]:
        """Liquidate the last of the list, again and again."""
        totals: list[Values] = []
        left = self.in_pool()
        while count > 0 and self.order and self.icr(self.order[-1]) < MCR:
            totals.append(self.normal(self.order[-1], left))
            left -= totals[-1]["offset"]
            count -= 1
        return totals

    def batch(self, who: str, users: list[str]) -> None:
        """Liquidate those who are named, as far as they may be."""
        totals: list[Values] = []
        left, (coll, debt) = self.in_pool(), self.system()
        back = not self.recovery()
        for user in users:
            if self.of("status", user) != 1:
                continue
            ratio = self.icr(user)
            if back and ratio < MCR:
                totals.append(self.normal(user, left))
                left -= totals[-1]["offset"]
            elif not back and (ratio < MCR or left):
                values = self.recovering(user, ratio, left, cr(coll, debt, self.price))
                left, coll, debt = tracked(values, left, coll, debt)
                totals.append(values)
                back = cr(coll, debt, self.price) >= CCR
        self.move(who, totals)

    def move(self, who: str, totals: list[Values]) -> None:
        """Move what was tallied."""
        total = {
            key: sum(values.get(key, 0) for values in totals)
            for key in ("debt", "coll", "gas", "lusd", "offset", "sent", "rd", "rc", "surplus")
        }
        need(total["debt"] > 0, "NOTHING_IS_UNSAFE")
        self.offset(total["offset"], total["sent"])
        if total["offset"]:
            self.put(ad=self.n("ad") - total["offset"], ac=self.n("ac") - total["sent"])
        if total["rd"]:
            need(self.n("stakes") > 0, "POOL_IS_EXHAUSTED")
            for up, error, amount in (("LC", "eC", total["rc"]), ("LD", "eD", total["rd"])):
                numerator = add(mul(amount, E18), self.n(error))
                each = numerator // self.n("stakes")
                self.put(**{up: self.n(up) + each, error: numerator - each * self.n("stakes")})
            self.put(ad=self.n("ad") - total["rd"], ac=self.n("ac") - total["rc"])
            self.put(dd=self.n("dd") + total["rd"], dc=self.n("dc") + total["rc"])
        self.put(ac=self.n("ac") - total["surplus"])
        self.put(ssnap=self.n("stakes"), csnap=self.n("ac") - total["gas"] + self.n("dc"))
        self.put(gas=self.n("gas") - total["lusd"], ac=self.n("ac") - total["gas"])
        self.s["lusd"][who] = self.of("lusd", who) + total["lusd"]

    # --- the stability pool ------------------------------------------------------------------------------

    def offset(self, debt: int, coll: int) -> None:
        """Let deposits pay."""
        total = self.n("T")
        if not total or not debt:
            return
        need(debt < total or (debt == total and self.index == "liquity-v1"), "POOL_IS_EXHAUSTED")
        if self.index == "liquity-v2":
            self.offset_v2(debt, coll)
        else:
            self.offset_v1(debt, coll)
        need(self.n("P") > 0, "POOL_IS_EXHAUSTED")
        need(total - debt >= KEPT[self.index], "POOL_WOULD_BE_EMPTY")
        self.put(T=total - debt, E=self.n("E") + coll)

    def offset_v2(self, debt: int, coll: int) -> None:
        """Lower P until it is to be scaled, without errors carried."""
        total, product, scale = self.n("T"), self.n("P"), self.n("scale")
        self.s["S"][0, scale] = add(self.of("S", (0, scale)), mul(product, coll) // total)
        numerator = mul(product, total - debt)
        while numerator // total < 10**27:
            numerator, scale = mul(numerator, 10**9), scale + 1
        self.put(P=numerator // total, scale=scale)

    def offset_v1(self, debt: int, coll: int) -> None:
        """Lower P by a loss per unit that is rounded up, and carry the errors."""
        total, product, place = self.n("T"), self.n("P"), (self.n("epoch"), self.n("scale"))
        numerator = add(mul(coll, E18), self.n("eE"))
        if debt == total:
            loss, error = E18, 0
        else:
            lost = mul(debt, E18)
            lost = sub(max(lost, self.n("eL")) if self.index == "liquity-v1-2025" else lost, self.n("eL"))
            loss = lost // total + 1
            error = loss * total - lost
        self.put(eL=error, eE=numerator % total)
        self.s["S"][place] = add(self.of("S", place), mul(numerator // total, product))
        left = sub(E18, loss)
        if left == 0 and self.index == "liquity-v1":
            self.put(P=E18, epoch=place[0] + 1, scale=0)
        elif product * left // E18 >= 10**9:
            self.put(P=product * left // E18)
        else:
            self.put(P=product * left * 10**9 // E18, scale=place[1] + 1)
            if self.n("P") < 10**9 and self.index == "liquity-v1-2025":
                self.put(P=product * left * 10**18 // E18, scale=place[1] + 2)

    def worth(self, who: str) -> int:
        """Return what is left of a deposit; of '' it is what all by no front end are together."""
        initial, steps = self.of("dep", who), self.n("scale") - self.of("dep_scale", who)
        if not initial or self.of("dep_epoch", who) < self.n("epoch"):
            return 0
        if self.index == "liquity-v2":
            if steps > 8:
                return 0
            return int(mul(initial, self.n("P")) // self.of("dep_p", who) // 10 ** (9 * steps))
        if steps > 1:
            return 0
        left = mul(initial, self.n("P")) // self.of("dep_p", who)
        left = left // 10**9 if steps else left
        return 0 if left < initial // 10**9 else left

    def gain(self, who: str) -> int:
        """Return what a deposit has gained."""
        initial, scale, epoch = (self.of(table, who) for table in ("dep", "dep_scale", "dep_epoch"))
        if not initial:
            return 0
        gained = sub(self.of("S", (epoch, scale)), self.of("dep_s", who))
        gained += self.of("S", (epoch, scale + 1)) // 10**9
        if self.index == "liquity-v2":
            gained += self.of("S", (epoch, scale + 2)) // 10**18
            return min(mul(initial, gained) // self.of("dep_p", who), self.n("E"))
        return mul(initial, gained) // self.of("dep_p", who) // E18

    def renew(self, who: str, amount: int) -> None:
        """Begin a deposit anew."""
        place = self.n("epoch"), self.n("scale")
        now = (amount, self.n("P"), self.of("S", place), place[1], place[0])
        for table, value in zip(DEPOSITS, now if amount else (0,) * 5, strict=True):
            self.s[table][who] = value

    def provide(self, who: str, amount: int) -> None:
        """Put stablecoins in."""
        need(amount > 0, "AMOUNT_IS_ZERO")
        gain, left = self.gain(who), self.worth(who)
        if self.index != "liquity-v2":
            self.renew("", add(self.worth(""), amount))
        self.put(T=add(self.n("T"), amount), E=sub(self.n("E"), gain))
        self.s["lusd"][who] = sub(self.of("lusd", who), amount)
        self.renew(who, left + amount)

    def withdraw(self, who: str, amount: int) -> None:
        """Take stablecoins out."""
        if amount:
            need(not self.order or self.icr(self.order[-1]) >= MCR, "TROVES_ARE_UNSAFE")
        need(self.of("dep", who) > 0, "DEPOSIT_IS_ZERO")
        gain, left = self.gain(who), self.worth(who)
        taken = min(amount, left)
        if self.index != "liquity-v2":
            self.renew("", sub(self.worth(""), taken))
        self.put(T=sub(self.n("T"), taken), E=sub(self.n("E"), gain))
        need(not taken or self.n("T") >= KEPT[self.index], "POOL_WOULD_BE_EMPTY")
        self.s["lusd"][who] = self.of("lusd", who) + taken
        self.renew(who, left - taken)


def tracked(values: Values, left: int, coll: int, debt: int) -> tuple[int, int, int]:
    """Return what the pool can pay, and what all troves have and owe, after a liquidation of the tally."""
    offset = values.get("offset", 0)
    gone = sum(values.get(key, 0) for key in ("sent", "gas", "surplus"))
    return left - offset, coll - gone, debt - offset
