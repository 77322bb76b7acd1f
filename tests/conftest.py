"""What all tests share: where the checkout is, no network, and the same property tests every time."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a test never judges by the wall clock. Derandomized: the same cases on every machine.
settings.register_profile(
    "mutualize", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mutualize")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of single test modules (they have to be known before any module is read)."""
    parser.addoption(
        "--vectors",
        type=Path,
        default=None,
        metavar="DIR",
        help="play the vector files in DIR",
    )
    parser.addoption("--update-golden", action="store_true", help="write the digests anew")
    parser.addoption(
        "--update-errors",
        action="store_true",
        help="write the texts of the error gallery anew, to be read and committed",
    )


def find_checkout() -> Path | None:
    """Return the root of the source tree: named by MUTUALIZE_CHECKOUT, or the folder above the tests."""
    named = os.environ.get("MUTUALIZE_CHECKOUT")
    root = Path(named) if named else Path(__file__).resolve().parent.parent
    return root if (root / "mutualize" / "units.py").exists() else None


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of the source tree; tests of it are skipped where only a wheel is at hand."""
    root = find_checkout()
    if root is None:
        pytest.skip("this is a test of the source tree: set MUTUALIZE_CHECKOUT to one")
    return root


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection: nothing that a user runs may need one."""

    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
