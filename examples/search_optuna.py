"""Search a design space with Optuna, through ask and tell.

The objective is arithmetic, so that the example runs in seconds. Replace it by training, such as
`resforge.ablation.run_sweep` with the spec as the base. Needs `pip install optuna`.
"""

from math import log

import optuna
from resforge.generation import Architecture, load_space

TRIALS = 60


def objective(network: Architecture) -> float:
    """Distance of a network from 500,000 parameters, 40 million MACs and depth 50."""
    wanted = ((network.params, 5e5), (network.macs, 4e7), (network.depth, 50))
    return sum(abs(log(cost / target)) for cost, target in wanted)


def main() -> None:
    space = load_space("cifar_resnets")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    for _ in range(TRIALS):
        trial = study.ask()
        chosen = {path: trial.suggest_int(path, 0, n - 1) for path, n in space.fields.items()}
        network = space.look(space.index(chosen))
        if isinstance(network, Architecture):
            study.tell(trial, objective(network))
        else:  # no legal network, or one outside the space's bounds
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    best = space.at(space.index(study.best_params))
    print(f"{best.params:,} params, {best.macs:,} MACs, depth {best.depth}")
    print(best.spec.to_yaml(), end="")


if __name__ == "__main__":
    main()
