"""Our venues answer as the deployed contracts did, to the last unit.

`pytest tests/test_vectors.py --vectors DIR` plays every file of a known family in DIR instead of those here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vector_player_compound import CometPlayer, Compound2Player
from vector_player_isolated import IsolatedPlayer
from vector_player_liquity import player_of
from vector_player_maker import MakerPlayer
from vector_players import PLAYERS, Differs, play

FAMILIES = {
    **PLAYERS,
    "maker": MakerPlayer,
    "morpho": IsolatedPlayer,
    "compound2": Compound2Player,
    "comet": CometPlayer,
    "liquity": player_of,
}
HERE = Path(__file__).parent / "vectors"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each file."""
    if "vector" in metafunc.fixturenames:
        given = metafunc.config.getoption("--vectors")
        files = sorted(Path(given or HERE).glob("*.json"))
        metafunc.parametrize("vector", files, ids=[file.stem for file in files])


def test_agrees_with_the_contract(vector: Path, pytestconfig: pytest.Config) -> None:
    """Every operation of the file is answered as the contract answered it: ok, return, events, state."""
    family = vector.name.split("_")[0]
    if family not in FAMILIES:
        pytest.skip(f"no venue for the family {family!r} exists yet")
    words = pytestconfig.getoption("--vectors") is None
    try:
        assert play(vector, words=words, players=FAMILIES) > 0
    except Differs as difference:
        pytest.fail(str(difference), pytrace=False)


def test_a_wrong_figure_is_noticed(tmp_path: Path) -> None:
    """A file in which one unit of one field was changed fails, and the message names operation and field."""
    data = json.loads((HERE / "erc4626_attack_off0.json").read_text())
    data["ops"][2]["state"]["total_shares"] = "4"
    changed = tmp_path / "erc4626_changed.json"
    changed.write_text(json.dumps(data))
    with pytest.raises(Differs, match=r"operation 2 deposit: state: total_shares: ours '3'"):
        play(changed, words=True)
