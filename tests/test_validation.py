"""Images that are set aside from the training images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import resforge as rf
from cifar_writer import write_cifar
from hypothesis import given
from mnist_writer import write_mnist
from pydantic import ValidationError
from resforge.ablation import Sweep, expand_sweep
from resforge.training import Cifar10Spec, DigitsSpec, MnistSpec, NpzSpec, Recipe, load_data, train
from resforge.training.data.split import set_aside
from torch import Tensor, nn

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=200)


@given(LABELS, st.data(), st.integers(0, 2**63 - 1))
def test_validation_images_are_disjoint_and_in_proportion(
    labels: list[int], data: st.DataObject, seed: int
) -> None:
    count = data.draw(st.integers(0, len(labels)))
    left, aside = set_aside(np.array(labels), count, seed)
    assert len(aside) == count
    assert sorted([*left, *aside]) == list(range(len(labels)))
    drawn = Counter(labels[row] for row in aside)
    for label, held in Counter(labels).items():
        assert abs(drawn[label] - count * held / len(labels)) < 1 + 1e-9


def test_the_seed_of_the_split_decides() -> None:
    labels = np.zeros(1000, np.int64)
    (_, one), (_, same), (_, other) = (set_aside(labels, 100, seed) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert 0 < len(set(one) & set(other)) < 40  # 10 are expected
    # Held as a literal: another machine, or another version, must set the same images aside.
    assert set_aside(labels, 5, seed=0)[1].tolist() == [221, 409, 423, 502, 748]


def sources(folder: Path) -> list[DigitsSpec | Cifar10Spec | MnistSpec | NpzSpec]:
    write_cifar(folder / "cifar")
    write_mnist(folder / "mnist")
    images, labels = np.random.default_rng(0).random((24, 8, 8)), np.arange(24) % 4
    parts = {"x_train": images[:20], "y_train": labels[:20], "x_test": images[20:]}
    np.savez(folder / "held.npz", y_test=labels[20:], **parts)
    return [
        NpzSpec(path=str(folder / "held.npz"), validation=6),
        DigitsSpec(train=200, test=50, validation=40),
        Cifar10Spec(path=str(folder / "cifar"), train=20, test=4, validation=6),
        MnistSpec(path=str(folder / "mnist"), train=20, test=4, validation=6),
    ]


def test_every_data_set_sets_images_aside(tmp_path: Path) -> None:
    for spec in sources(tmp_path):
        whole = spec.model_copy(update={"validation": 0, "normalize": "none"}).arrays()
        told = spec.model_copy(update={"normalize": "none"}) if spec.kind != "digits" else spec
        found = told.arrays()
        assert found.validation is not None
        pixels, labels = found.validation
        assert (len(found.train_y), len(labels)) == (spec.trained, spec.validation)
        assert whole.validation is None
        assert sorted([*found.train_y, *labels]) == sorted(whole.train_y)
        assert np.array_equal(found.test_y, whole.test_y)
        if spec.kind != "digits":  # which are scaled by what is left of them
            rows = sorted(row.tobytes() for row in [*found.train_x, *pixels])
            assert rows == sorted(row.tobytes() for row in whole.train_x)


def test_normalisation_does_not_use_validation_images(tmp_path: Path) -> None:
    for spec in sources(tmp_path):
        found = spec.arrays()
        mean = found.train_x.mean(axis=(0, 2, 3), dtype=np.float64)
        np.testing.assert_allclose(mean, 0, atol=1e-6)  # float32


class Watched(nn.Module):
    """Linear; remembers the images it is trained on."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, 10)
        self.seen: set[bytes] = set()

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen |= rows_of(x)
        scores: Tensor = self.linear(x.flatten(1))
        return scores


def rows_of(x: Tensor) -> set[bytes]:
    return {row.tobytes() for row in x.numpy()}


def test_no_image_set_aside_is_ever_trained_on(tmp_path: Path) -> None:
    for spec in sources(tmp_path):
        data = load_data(spec)
        assert data.validation is not None
        model = Watched(data.train_x[0].numel())
        recipe = Recipe(steps=60, batch_size=8, evaluations=3, select="best")
        train(model, data, recipe, seed=0)
        assert model.seen == rows_of(data.train_x)
        if spec.kind != "digits":  # some of which are the same picture
            assert not model.seen & rows_of(data.validation[0])


def test_another_choice_is_another_data_set() -> None:
    told = {
        DigitsSpec(train=100, test=50, validation=count, split=split).arrays().fingerprint
        for count in (0, 10, 11)
        for split in (0, 1)
    }
    assert len(told) == 6
    loaded = load_data(DigitsSpec(train=100, test=50, validation=10))
    assert loaded.validation is not None
    assert [len(part) for part in loaded.validation] == [10, 10]


@given(st.integers(2, 60), st.integers(0, 60))
def test_two_images_are_left_to_train_on(train: int, validation: int) -> None:
    if validation <= train - 2:
        assert DigitsSpec(train=train, test=1, validation=validation).trained >= 2
    else:
        with pytest.raises(ValidationError, match="leaves fewer than 2 of"):
            DigitsSpec(train=train, test=1, validation=validation)


def test_a_batch_must_fit_into_the_images_left() -> None:
    with pytest.raises(rf.SpecError, match="batch_size 64 is larger than the training set of 60"):
        expand_sweep(
            Sweep(
                sweep=1,
                base="digits_resnet8",
                arms={"A": {}},
                data={"kind": "digits", "train": 100, "validation": 40},
                recipe={"batch_size": 64},
            )
        )
