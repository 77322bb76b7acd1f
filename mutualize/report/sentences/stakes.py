"""The sentences of stakes: who staked, who left, who was slashed."""

from __future__ import annotations

from mutualize import events as e
from mutualize.report.sentences.words import Words, tells
from mutualize.report.text import duration


def _window(window: int) -> str:
    return f"for {duration(window)}" if 0 <= window < 10**12 else f"for {window:,} s"


@tells(e.Staked)
def _(event: e.Staked, w: Words) -> str:
    shares = w.shares(event.asset, event.shares)
    put = w.full(event.asset, event.assets)
    return f"{w.name(event.account)} staked {put} in {w.name(event.stake)}, for {shares}."


@tells(e.Unstaked)
def _(event: e.Unstaked, w: Words) -> str:
    shares = w.shares(event.asset, event.shares)
    got = w.full(event.asset, event.assets)
    return f"{w.name(event.account)} left {w.name(event.stake)} with {got}, for {shares}."


@tells(e.CooldownStarted)
def _(event: e.CooldownStarted, w: Words) -> str:
    return (
        f"{w.name(event.account)} announced to leave {w.name(event.stake)} with"
        f" {w.shares(w.stake(event.venue, event.stake), event.shares)}: from {w.moment(event.ends)} on,"
        f" {_window(event.window)}."
    )


@tells(e.CooldownOpened)
def _(event: e.CooldownOpened, w: Words) -> str:
    return (
        f"{w.name(event.account)} had announced at {w.moment(event.began)} to leave {w.name(event.stake)}"
        f" with {w.shares(w.stake(event.venue, event.stake), event.shares)}: from {w.moment(event.ends)} on,"
        f" {_window(event.window)}."
    )


@tells(e.StakeTransferred)
def _(event: e.StakeTransferred, w: Words) -> str:
    shares = w.shares(w.stake(event.venue, event.stake), event.shares)
    return f"{w.name(event.account)} gave {w.name(event.to)} {shares} of {w.name(event.stake)}."


@tells(e.Slashed)
def _(event: e.Slashed, w: Words) -> str:
    taken = w.full(event.asset, event.assets)
    return f"{taken} was taken from all stakers of {w.name(event.stake)}, each by the same share."


@tells(e.SlashingSettled)
def _(event: e.SlashingSettled, w: Words) -> str:
    return f"The slash of {w.name(event.stake)} is settled: staking and leaving are as before."


@tells(e.FundsReturned)
def _(event: e.FundsReturned, w: Words) -> str:
    back = w.full(event.asset, event.assets)
    return f"{w.name(event.account)} gave {back} to all stakers of {w.name(event.stake)}."


@tells(e.AssetsLost)
def _(event: e.AssetsLost, w: Words) -> str:
    return f"{w.full(event.asset, event.assets)} of {w.name(event.stake)} was lost, to all its stakers."
