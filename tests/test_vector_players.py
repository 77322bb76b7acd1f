"""Players of vectors: what a file may leave open, spell otherwise, or show where there is no answer.

The figures of the pool's revision of 2025, of which no file is here, are worked out by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_vectors import FAMILIES, HERE
from vector_player_liquity import player_of
from vector_players import Differs, play

from mutualize.trove_events import TroveAdjusted
from mutualize.units import UINT256_MAX

E18 = 10**18


def write(place: Path, name: str, data: dict[str, Any]) -> Path:
    """Write a file of vectors."""
    path = place / name
    path.write_text(json.dumps(data))
    return path


def read(name: str) -> dict[str, Any]:
    """Read one of the files here."""
    data: dict[str, Any] = json.loads((HERE / name).read_text())
    return data


def pool(total: int, coll: int, numbers: dict[str, int], ann: tuple[int, int, int]) -> dict[str, Any]:
    """Return a pool as a file shows it, with the one depositor ann: first put in, left, gained."""
    state = {name: str(value) for name, value in {"total_deposits": total, "eth": coll, **numbers}.items()}
    names = ("initial", "compounded", "eth_gain")
    shown = {name: str(value) for name, value in zip(names, ann, strict=True)}
    return {**state, "depositors": {"ann": {**shown, "eth_paid": "0"}}}


@pytest.mark.parametrize("epoch", [{}, {"epoch": None}], ids=["not-there", "nothing"])
def test_the_revised_pool_has_no_epochs_and_keeps_one_coin(tmp_path: Path, epoch: dict[str, None]) -> None:
    """Of ten coins nine may go, and not a unit more; the loss is rounded up by one unit in 10¹⁸."""
    fresh = {"P": E18, "scale": 0, "last_eth_error": 0, "last_loss_error": 0, "S_current": 0}
    after = {"P": 10**17 - 1, "scale": 0, "last_eth_error": 0, "last_loss_error": 10**19, "S_current": 10**35}
    first = pool(10 * E18, 0, fresh, (10 * E18, 10 * E18, 0)) | epoch
    last = pool(E18, E18, after, (10 * E18, E18 - 10, E18)) | epoch
    told: list[tuple[str, dict[str, str], bool, dict[str, Any]]] = [
        ("provide", {"user": "ann", "amount": str(10 * E18)}, True, first),
        ("offset", {"debt": str(9 * E18 + 1), "coll": str(E18)}, False, first),
        ("offset", {"debt": str(9 * E18), "coll": str(E18)}, True, last),
        ("withdraw", {"user": "ann", "amount": "1"}, False, last),
    ]
    ops = [{"op": op, "args": args, "ok": ok, "state": state} for op, args, ok, state in told]
    data = {"meta": {"commit": "39f1f7f8"}, "name": "sp", "ops": ops}
    path = write(tmp_path, "liquity_v1rev2025_sp_by_hand.json", data)
    assert play(path, words=True, players=FAMILIES) == len(ops)


@pytest.mark.parametrize("nothing", [None, [], ""])
def test_what_returns_nothing_is_compared_with_nothing(tmp_path: Path, nothing: object) -> None:
    """A file may say so of functions without a value in any of three ways."""
    data = read("compound2_opening_71.json")
    data["ops"] = [{**op, "ret": nothing} for op in data["ops"][:3]]
    path = write(tmp_path, "compound2_short.json", data)
    assert play(path, words=True, players=FAMILIES) == len(data["ops"])


def test_a_state_that_cannot_be_worked_out_is_a_difference(tmp_path: Path) -> None:
    """At a price at which the contract's own sums have no room the message names the operation."""
    data = read("liquity_v1_sys_directed.json")
    last = {"i": 1, "op": "set_price", "args": {"price": str(UINT256_MAX)}, "ok": True, "state": {}}
    data["ops"] = [data["ops"][0], last]
    path = write(tmp_path, "liquity_v1_sys_dear.json", data)
    with pytest.raises(Differs, match="operation 1 set_price: state: what is shown cannot be worked out"):
        play(path, words=True, players=FAMILIES)


@pytest.mark.parametrize("word", ["1", "true", "True", True, 1])
def test_a_debt_rises_however_a_file_spells_it(word: object) -> None:
    """Debt is drawn, not repaid, where the flag is on."""
    data = read("liquity_v1_sys_directed.json")
    player = player_of(data)
    assert player.play(data["ops"][0])
    change = {"user": "t0", "lusd_change": str(100 * E18), "is_debt_increase": word}
    event = player.play({"op": "adjust", "args": change}).event(TroveAdjusted)
    assert isinstance(event, TroveAdjusted)
    assert event.debt_change == 100 * E18 + 100 * E18 // 200
