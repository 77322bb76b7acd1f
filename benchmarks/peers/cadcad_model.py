"""cadCAD: one state, a policy and state update functions, copied every step, as its documentation models it.

    python benchmarks/peers/cadcad_model.py N STEPS [--idiom pairs | --idiom "deepcopy off"]

The state and its functions are in crowd_state.py, which radCAD shares. `deepcopy off` is the switch that 0.5
added; the functions here never change what they are given, so it is sound.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cadCAD.configuration import Experiment
from cadCAD.configuration.utils import config_sim
from cadCAD.engine import ExecutionContext, ExecutionMode, Executor

from peers.crowd_state import BLOCKS, DICTS, PAIRS, initial_state, outcome, params
from peers.measure import Outcome, Prepare, main
from peers.workload import Borrower


def prepare(layout: Sequence[Any], options: dict[str, bool] | None = None) -> Prepare:
    """Return what configures the experiment, with cadCAD's additional options or without."""

    def build(crowd: list[Borrower], steps: int) -> Callable[[], Outcome]:
        experiment = Experiment()
        experiment.append_model(
            model_id="crash",
            sim_configs=config_sim({"N": 1, "T": range(steps), "M": params(steps, layout)}),
            initial_state=initial_state(crowd, layout),
            partial_state_update_blocks=BLOCKS,
        )
        context = ExecutionContext(context=ExecutionMode().local_mode, additional_objs=options)
        executor = Executor(exec_context=context, configs=experiment.configs, supress_print=True)

        def run() -> Outcome:
            rows, _, _ = executor.execute()
            return outcome(rows)

        return run

    return build


IDIOMS = {
    "documented": prepare(DICTS),
    "pairs": prepare(PAIRS),
    "deepcopy off": prepare(DICTS, {"deepcopy_off": True}),
}

if __name__ == "__main__":
    main("cadcad", IDIOMS, __doc__)
