"""What ends the stem of a network for large pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from ..operation import OPERATIONS, FullChain, Operation, Steps, shorten_chain
from ..operations import PoolSpec
from ..seen import Seen

Usual = Literal["max", "none"]


def _read(value: Any, chain: ValidatorFunctionWrapHandler) -> Any:
    """``max``, ``none``, or the chain that stands in its place; one operation is one too."""
    if value in get_args(Usual):
        return value
    if isinstance(value, str) and value not in OPERATIONS:
        message = f"{value!r} is not one of max, none, and no operation"
        help_ = "use max or none, or an operation such as {pool: avg}"
        raise PydanticCustomError("stem_pool", "{message}", {"message": message, "help": help_})
    return chain([value] if isinstance(value, dict | str) else value)


def _dump(pool: Any) -> Any:
    return pool if isinstance(pool, str) else [op.model_dump(mode="json") for op in pool]


if TYPE_CHECKING:
    StemPool = Usual | tuple[Operation, ...]
else:
    StemPool = Annotated[
        FullChain,
        WrapValidator(_read, json_schema_input_type=Usual | FullChain | dict[str, Any]),
        PlainSerializer(_dump, return_type=Any),
    ]
"""The 3x3 max-pool at stride 2, nothing, or operations in its place."""


def end_with(pool: StemPool) -> Steps:
    """The steps that end a stem."""
    if isinstance(pool, str):
        return (("maxpool", PoolSpec(pool="max")),) if pool == "max" else ()
    if len(pool) == 1:
        return (("maxpool", pool[0]),)
    return tuple((f"maxpool.{number}", op) for number, op in enumerate(pool))


def shorten_pool(pool: StemPool) -> Any:
    """The shortest way to write what ends a stem."""
    if isinstance(pool, str):
        return pool
    written = shorten_chain(pool)
    return written[0] if len(written) == 1 and isinstance(written[0], dict) else written


def pools(seen: Seen) -> Iterable[dict[str, Any]]:
    """What may end the stem of which ``seen`` shows."""
    conv = seen.conv("maxpool.0")
    if conv is not None:
        replaced = {"kind": "conv", "kernel": conv.kernel, "stride": conv.stride or 2}
        return [{"pool": [replaced, {"kind": "norm"}, {"kind": "act"}]}]
    return [{}, {"pool": "none"}, {"pool": [{"kind": "pool", "pool": "avg"}]}]
