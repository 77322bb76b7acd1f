"""mutualize: who pays when a protocol falls short? Replay a crash, and see every unit of money that moved.

    import mutualize
    run = mutualize.run("three-tiers")
    run                     # in a notebook: who paid, tier by tier
    run.tiers, run.digest, run.at(time="2024-01-01T12:00:00Z")

Importing this package imports nothing else: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mutualize.run import Run, run

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "run"]

_HOMES = {"Run": "mutualize.run"}


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module, the first time that it is used."""
    if name == "run":  # the module: it can be called, and is the same thing whoever imported it first
        return import_module("mutualize.run")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
