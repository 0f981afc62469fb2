"""Search a design space with Optuna, through ask and tell.

Optuna sees each free place as what it is, a number or a category. The objective is arithmetic, so
that the example runs in seconds. Replace it by training, such as `resforge.ablation.run_sweep` with
the spec as the base. Needs `pip install optuna`.
"""

from math import log
from typing import Any

import optuna
from resforge.generation import Architecture, Space, load_space

TRIALS = 60


def objective(network: Architecture) -> float:
    """Distance of a network from 500,000 parameters, 40 million MACs and depth 50."""
    wanted = ((network.params, 5e5), (network.macs, 4e7), (network.depth, 50))
    return sum(abs(log(cost / target)) for cost, target in wanted)


def suggest(trial: optuna.Trial, place: str, values: list[Any]) -> Any:
    """A value of a place: a whole number of a range, or one of several options."""
    first, last = values[0], values[-1]
    if len(values) > 2 and all(isinstance(value, int) for value in values):
        step = values[1] - first
        if values == [*range(first, last + 1, step)]:
            return trial.suggest_int(place, first, last, step=step)
    return values[trial.suggest_categorical(place, range(len(values)))]


def index(space: Space, trial: optuna.Trial) -> int:
    """The index of the point that a trial suggests."""
    values = {place: suggest(trial, place, every) for place, every in space.domains.items()}
    # Widths increase in this space: the least is that of the first stage.
    widths = [place for place in values if place.endswith("width")]
    ascending = sorted(values[place] for place in widths)
    return space.index_of(values | dict(zip(widths, ascending, strict=True)))


def main() -> None:
    space = load_space("cifar_resnets")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    for _ in range(TRIALS):
        trial = study.ask()
        network = space.look(index(space, trial))
        if isinstance(network, Architecture):
            trial.set_user_attr("index", str(network.index))
            study.tell(trial, objective(network))
        else:  # no legal network, or one outside the limits of the space
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    best = space.at(int(study.best_trial.user_attrs["index"]))
    print(f"{best.params:,} params, {best.macs:,} MACs, depth {best.depth}")
    print(best.spec.to_yaml(), end="")


if __name__ == "__main__":
    main()
