"""radCAD: a model of state, policy and state update functions, with the engine's defaults.

    python benchmarks/peers/radcad_model.py N STEPS [--idiom pairs | --idiom "deepcopy off"]

By default radCAD copies the state (through pickle) for the policy and for every state update function, and
runs in a process of its own pool, whose memory counts. `deepcopy off` is its own advice for speed: no copies,
no record of substeps, one process. The state and its functions are in crowd_state.py, which cadCAD shares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from radcad import Backend, Engine, Experiment, Model, Simulation

from peers.crowd_state import BLOCKS, DICTS, PAIRS, initial_state, outcome, params
from peers.measure import Outcome, Prepare, main
from peers.workload import Borrower


def prepare(layout: Sequence[Any], engine: Callable[[], Any] | None = None) -> Prepare:
    """Return what builds the experiment, with an engine of its own or radCAD's default."""

    def build(crowd: list[Borrower], steps: int) -> Callable[[], Outcome]:
        model = Model(
            initial_state=initial_state(crowd, layout),
            params=params(steps, layout),
            state_update_blocks=BLOCKS,
        )
        experiment = Experiment(Simulation(model=model, timesteps=steps, runs=1))
        if engine:
            experiment.engine = engine()

        def run() -> Outcome:
            return outcome(experiment.run())

        return run

    return build


def lean() -> Any:
    """Return the engine without copies."""
    return Engine(deepcopy=False, drop_substeps=True, backend=Backend.SINGLE_PROCESS)


IDIOMS = {
    "documented": prepare(DICTS),
    "pairs": prepare(PAIRS),
    "deepcopy off": prepare(DICTS, lean),
}

if __name__ == "__main__":
    main("radcad", IDIOMS, __doc__)
