"""Whether a network suits a data set: axes, input channels, classes, and sides of the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...errors import Fault, SpecError
from ...planner.plan import failure, lay_out
from ...specs.network import ResNetSpec


def misfits(spec: ResNetSpec, shape: Sequence[int], classes: int) -> Iterator[tuple[Fault, str]]:
    """Faults of a network on inputs of a ``shape``, channels and a side for each axis, and so many
    classes; each with the setting that fixes it.

    >>> import resforge as rf
    >>> for fault, setting in misfits(rf.load("cifar_resnet20"), (1, 8, 8), 10):
    ...     print(fault, setting)
    error[data]: in_channels: the network takes 3 channels, the data has 1 in_channels: 1
    """
    channels, *sides = shape
    if spec.dims != len(sides):
        axes = f"{len(sides)} ax{'is' if len(sides) == 1 else 'es'}"
        message = f"the network has dims: {spec.dims}, the maps of the data {axes}"
        yield Fault("data", message, "dims"), f"dims: {len(sides)}"
        return
    if spec.in_channels != channels:
        message = f"the network takes {spec.in_channels} channels, the data has {channels}"
        yield Fault("data", message, "in_channels"), f"in_channels: {channels}"
    outputs = _outputs(spec, (*sides,))
    if outputs != (classes,):
        has = f"outputs of shape {outputs}"
        if outputs in (None, (0,)):  # the head of a built network may be nn.Identity
            has = "no head"
        elif outputs is not None and len(outputs) == 1:
            has = f"{outputs[0]} classes"
        message = f"the network has {has}, the data has {classes} classes"
        yield Fault("data", message, "head"), _head_of(spec, outputs, classes)


def check_network(spec: ResNetSpec, shape: Sequence[int], classes: int) -> None:
    """Raise :class:`~resforge.SpecError` for a network that does not suit the data, as in
    :func:`misfits`."""
    found = [*misfits(spec, shape, classes)]
    if found:
        raise SpecError(replace(fault, help=f"write {setting}") for fault, setting in found)


def check_side(spec: ResNetSpec, sides: Sequence[int]) -> None:
    """Raise :class:`~resforge.SpecError` for a network that cannot run on maps of these sides."""
    if fault := failure(lay_out(spec, (*sides,))):
        message = f"the network cannot run on these images: {fault.message}"
        raise SpecError(Fault("data", message, help="use a network for small images"))


def _outputs(spec: ResNetSpec, sides: tuple[int, ...]) -> tuple[int, ...] | None:
    """Shape of the outputs of the head; None without one."""
    if spec.head is None:
        return None
    # Sweeps of many arms have no need of a plan for it.
    classes = spec.head.classes
    return lay_out(spec, sides).output_shape if classes is None else (classes,)


def _head_of(spec: ResNetSpec, outputs: tuple[int, ...] | None, classes: int) -> str:
    """The head that puts out so many classes, as a file has it."""
    if outputs is None or spec.head is None or "num_classes" in type(spec.head).model_fields:
        return f"head: {{num_classes: {classes}}}"
    if len(outputs) == 1:
        return f"head: [..., {{linear: {classes}}}]"
    if outputs == (classes, *(1,) * spec.dims):
        return "head: [..., {flatten: 1}]"
    return f"head: [..., {{global_pool: avg}}, {{linear: {classes}}}]"
