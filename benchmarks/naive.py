"""``python -m benchmarks.naive CASE THREADS``: trials of :mod:`.sweeping` as one would
write them by hand, one after another in one process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product

import resforge as rf
import torch
import torch.nn.functional as F
from resforge.training import DigitsSpec, Recipe, load_data
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .sweeping import BASE, CASES

Batches = DataLoader[tuple[Tensor, ...]]


def main(name: str, threads: int) -> None:
    case = CASES[name]
    recipe = Recipe(**case.recipe)
    torch.set_num_threads(threads)
    data = load_data(DigitsSpec())
    train = TensorDataset(data.train_x, data.train_y)
    test = TensorDataset(data.test_x, data.test_y)
    for number, (label, seed) in enumerate(product(case.arms, range(case.seeds)), start=1):
        torch.manual_seed(seed)
        model = rf.build(rf.load(BASE).replace(case.arms[label]), seed=seed)
        batches = DataLoader(train, recipe.batch_size, shuffle=True, drop_last=True)
        error = run(model, batches, DataLoader(test, 256), recipe)
        text = f"[{number}] {label}, seed {seed}: {error:.1%} test error"
        print(text, file=sys.stderr, flush=True)  # as a sweep does


def run(model: nn.Module, train: Batches, test: Batches, recipe: Recipe) -> float:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)
    batches, looks, error = endless(train), recipe.evaluation_steps(), 1.0
    for step in range(1, recipe.steps + 1):
        model.train()
        x, y = next(batches)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        loss.item()  # for the curve
        if step in looks:
            error = evaluate(model, test)
    return error


def endless(batches: Batches) -> Iterator[tuple[Tensor, ...]]:
    while True:
        yield from batches


@torch.no_grad()
def evaluate(model: nn.Module, test: Batches) -> float:
    model.eval()
    wrong = sum(int((model(x).argmax(1) != y).sum()) for x, y in test)
    return wrong / len(test.dataset)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
