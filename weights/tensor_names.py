"""The names that a module gives to the tensors of a network that is the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch import Tensor

from ..errors import wrong_type
from ..specs.layer import Shape
from .errors import WeightsError, refuse
from .match import COUNTER, without_sides
from .misfits import grouped, shape_text

#: Name of a state dict in messages.
_GIVEN = "the state dict"
#: Names of tensors in messages.
_SHOWN = 5

Move = tuple[str, str, Shape]
"""The name of a tensor in a state dict, and its name and shape in another one."""


class TensorNames(Mapping[str, str]):
    """The name in a module of each tensor in the state dict of its spec.

    ``to_ours`` and ``to_theirs`` rename a state dict. No value changes; a tensor has another shape
    only where sides of one are written or not, as in a linear layer and a 1x1 convolution.

    >>> import resforge as rf
    >>> theirs = rf.build("digits_resnet8", seed=1)  # any module that infer_spec knows
    >>> spec, certificate = rf.infer_spec(theirs)
    >>> certificate.names["fc.weight"]
    'fc.weight'
    >>> ours = rf.build(spec)
    >>> ours.load_state_dict(certificate.names.to_ours(theirs.state_dict()))
    <All keys matched successfully>
    >>> theirs.load_state_dict(certificate.names.to_theirs(ours.state_dict()))
    <All keys matched successfully>
    """

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        ours: Mapping[str, Shape] | None = None,
        theirs: Mapping[str, Shape] | None = None,
    ) -> None:
        """``names`` from ours to theirs, and the shapes of both."""
        self._names = dict(names or {})
        self._ours = dict(ours or {})
        self._theirs = dict(theirs or {})

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def to_ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict of the module, as one of the network that :func:`build` makes of the spec.

        Its tensors are views; what the module holds beside the network is left out. Raises
        :class:`WeightsError` where a tensor is missing or has another shape, and where
        :func:`infer_spec` was given a state dict, so that nothing has been compared.
        """
        moves = [(theirs, name, self._ours[name]) for name, theirs in self.items()]
        return _renamed(state, moves, "the module")

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict of the network of the spec, as one of the module.

        What the module holds beside the network is not in it (``load_state_dict(...,
        strict=False)``). Its tensors are views. Raises :class:`WeightsError` as :meth:`to_ours`.
        """
        moves = [(name, theirs, self._theirs[theirs]) for name, theirs in self.items()]
        return _renamed(state, moves, "the network of the spec")

    def moved(self, ours: Iterable[str], prefix: str) -> TensorNames:
        """The same tensors, one by one, with ``ours`` as names in the network of the spec, and of
        a module that holds this one under ``prefix``."""
        pairs = [*zip(ours, self.items(), strict=True)]
        return TensorNames(
            {name: prefix + theirs for name, (_, theirs) in pairs},
            {name: self._ours[old] for name, (old, _) in pairs},
            {prefix + name: shape for name, shape in self._theirs.items()},
        )


def _renamed(state: Mapping[str, Tensor], moves: Sequence[Move], whose: str) -> dict[str, Tensor]:
    if not isinstance(state, Mapping):
        raise wrong_type("TensorNames", "a state dict", state)
    if not moves:
        raise refuse(
            _GIVEN,
            "cannot be renamed: infer_spec compared no module, it was given names and shapes",
            "give infer_spec the module; or load the state dict with load_weights",
        )
    found = dict[str, Tensor]()
    missing, wrong = list[str](), list[str]()
    for source, name, shape in moves:
        given = state.get(source)
        if given is None:
            missing.append(source)
        elif without_sides(tuple(given.shape)) != without_sides(shape):
            wrong.append(f"{source} is {shape_text(tuple(given.shape))}, not {shape_text(shape)}")
        else:
            found[name] = given.reshape(shape)
    # Checkpoints of torch before 0.4.1 have no counters.
    if lacking := [name for name in missing if not name.endswith(COUNTER)]:
        raise _unlike(f"lacks {grouped(lacking)}", whose)
    if wrong:
        raise _unlike("; ".join(wrong[:_SHOWN]), whose)
    return found


def _unlike(text: str, whose: str) -> WeightsError:
    return refuse(
        _GIVEN,
        f"is not of {whose}: {text}",
        f"give state_dict() of {whose} that infer_spec compared; infer the spec again if it "
        "has changed since",
    )
