"""What timm's tools and torchvision's detectors ask of a backbone."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from .checkpointing import CheckpointedSequential, checkpoint_stages


class Classifier(NamedTuple):
    """The last linear layer of a head."""

    name: str
    in_features: int
    bias: bool


class TimmContract(nn.Module):
    """The methods and attributes of timm's ResNet, for a network of named stages.

    timm 1.0.31 is followed. Maps are counted as in timm: 0 is the stem's, before its pool, 1 is
    that of `layer1`, and -1 the last.
    """

    stage_names: list[str]
    closing_names: list[str]
    head_names: list[str]
    flattened_names: list[str]

    feature_info: list[dict[str, Any]]
    """For the stem and each stage the channels of its map (`num_chs`), its stride (`reduction`) and
    the child that puts it out (`module`)."""
    _classifier: Classifier | None

    @property
    def num_features(self) -> int:
        """Channels of the last map; 0 where nobody described the maps."""
        return int(self.feature_info[-1]["num_chs"]) if self.feature_info else 0

    @property
    def inplanes(self) -> int:
        """Channels of the last map, under torchvision's name."""
        return self.num_features

    @property
    def head_hidden_size(self) -> int:
        """Numbers that the classifier takes."""
        return self._classifier.in_features if self._classifier else self.num_features

    @property
    def num_classes(self) -> int:
        """Numbers that the classifier puts out; 0 for none."""
        classifier = self.get_classifier()
        return classifier.out_features if isinstance(classifier, nn.Linear) else 0

    @property
    def grad_checkpointing(self) -> bool:
        """Whether gradient checkpointing is on."""
        return any(type(stage) is CheckpointedSequential for stage in self._stages())

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Let training keep only what enters each block, and compute the rest again.

        Outputs, gradients and running statistics stay the same, bit for bit.
        """
        checkpoint_stages(self._stages(), enable)

    def get_classifier(self, name_only: bool = False) -> Any:
        """The last linear layer of the head, or its name.

        An `nn.Identity` stands for a network without one.
        """
        if self._classifier is None:
            return "" if name_only else nn.Identity()
        name = self._classifier.name
        return name if name_only else self.get_submodule(name)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put a new linear layer in the place of the last one, on its device and of its dtype.

        `num_classes=0` leaves the pooled features as the answer. Raises `ValueError` for a network
        without a linear layer in its head, and for another pool than that of the network.
        """
        if self._classifier is None:
            raise ValueError("the head has no linear layer to replace; build the network with one")
        if global_pool not in (None, "avg"):
            raise ValueError(f"global_pool={global_pool!r}: the pool stays as it is; leave it out")
        if num_classes < 0:
            raise ValueError(f"num_classes={num_classes} must be at least 0")
        name, size, bias = self._classifier
        made: nn.Module = nn.Identity()
        if num_classes:
            like = next(self.parameters())
            made = nn.Linear(size, num_classes, bias, device=like.device, dtype=like.dtype)
        self.set_submodule(name, made.train(self.training))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The head's answer for the last map x: (N, C', H', W').

        `pre_logits=True` stops before the classifier: pooled features (N, `head_hidden_size`).
        Raises `ValueError` where the classifier stands inside of another module.
        """
        last = self.get_classifier(name_only=True)
        if pre_logits and "." in last:
            raise ValueError(f"the head's {last} cannot be left out; use forward_features")
        for name in self.head_names:
            if name in self.flattened_names:
                x = x.flatten(1)
            if pre_logits and name == last:
                break
            x = self._modules[name](x)  # type: ignore[misc]
        return x

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> Any:
        """The last map and a list of the maps of `indices`; `intermediates_only`, the list alone.

        `indices` may be a number of the last maps, and is all of them where it is None. `norm`
        says whether the last stage's map among them is after the closing norm of pre-activated
        blocks; the last map itself is. `stop_early` leaves out the stages after the last of
        `indices`. Raises `ValueError` for indices that are no maps, for another `output_fmt`, and
        for a network that was assembled without `feature_info`.
        """
        if not self.feature_info:
            raise ValueError("the network was made without feature_info; give it, or use features")
        if output_fmt != "NCHW":
            raise ValueError(f"output_fmt={output_fmt!r} is not supported; choose 'NCHW'")
        taken = sorted(set(map_indices(indices, len(self.feature_info))))
        ends = [self.feature_info[index]["module"] for index in taken]
        last = self.stage_names[-1]
        if stop_early and last not in ends:
            wanted = self.until((ends or [""])[-1])
        else:
            wanted = self.until((self.closing_names or [last])[-1])
        if norm and self.closing_names:
            ends = [self.closing_names[-1] if end == last else end for end in ends]
        x, maps = run(wanted, x, ends)
        return maps if intermediates_only else (x, maps)

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions for the names of parameters: the stem, each block, what is left.

        With `coarse` each stage is one group. timm's learning rates that fall layer by layer
        (`layer_decay`) are by these groups.
        """
        names = list(self._modules)
        stem = "|".join(names[: names.index(self._before_stages()[0])])
        stages = (r"^(?:layer|before)(\d+)", None)
        blocks = [stages] if coarse else [(r"^layer(\d+)\.(\d+)", None), (r"^before(\d+)", (-1,))]
        # timm's number for what belongs to the group before it.
        closing = [(rf"^(?:{name})\b", (99999,)) for name in self.closing_names]
        return {"stem": rf"^(?:{stem})\b" if stem else None, "blocks": [*blocks, *closing]}

    def no_weight_decay(self) -> set[str]:
        """Names of parameters without weight decay beside norms and biases: none."""
        return set()

    def _stages(self) -> list[nn.Module]:
        return [self.get_submodule(name) for name in self.stage_names]

    def _before_stages(self) -> list[str]:
        """The children from the first that belongs to a stage on."""
        names = list(self._modules)
        start = names.index(self.stage_names[0])
        return names[start - ("before1" in names) :]

    def until(self, end: str) -> Iterator[tuple[str, nn.Module]]:
        """The children up to the one that puts out the map of `end`; none where it is empty.

        The stem of a chain is one child, which puts its map out inside.
        """
        if end:
            for name, module in self.named_children():
                yield name, module
                if name == end or end.startswith(f"{name}."):
                    break


def map_indices(indices: int | Sequence[int] | None, count: int) -> tuple[int, ...]:
    """`indices` of so many maps as numbers from 0: as timm counts them.

    A negative index counts from the end, a number alone asks for so many of the last, and None for
    all. Raises `ValueError` for what is no map.

    >>> map_indices((-2, -1), 5), map_indices(3, 5), map_indices(None, 2)
    ((3, 4), (2, 3, 4), (0, 1))
    """
    if indices is None:
        return tuple(range(count))
    if isinstance(indices, int):
        if not 1 <= indices <= count:
            raise ValueError(f"the last {indices} maps of {count}; ask for 1 to {count}")
        indices = range(-indices, 0)
    for index in indices:
        if not -count <= index < count:
            raise ValueError(f"{index} is no map; choose from 0 (the stem) to {count - 1}")
    return tuple(index % count for index in indices)


def run(
    children: Iterable[tuple[str, nn.Module]], x: Tensor, ends: Sequence[str]
) -> tuple[Tensor, list[Tensor]]:
    """What x is after `children` in a row, and after each of `ends` on the way.

    An end is a child, a child of a child, or empty for x as it comes.
    """
    maps = [x] if "" in ends else []
    for name, module in children:
        inner = [end for end in ends if end.startswith(f"{name}.")]
        for step, part in module.named_children() if inner else [("", module)]:
            x = part(x)
            if (f"{name}.{step}" if step else name) in ends:
                maps.append(x)
    return x, maps
