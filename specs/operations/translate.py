"""A map that is moved."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..call import Call, call
from ..layer import Module
from ..operation import After, Operation, dims_of
from ..site import Site
from ..trace import Trace


class TranslateSpec(Operation):
    """The map moved towards its beginning along each axis; zeros come in at the end.

    Beside a path that strides, another that is moved by one pixel strides over the pixels between:
    the shortcut of Shake-Shake (Gastaldi 2017, arXiv 1705.07485), section 2.1.
    """

    main: ClassVar[str | None] = "pixels"
    sign: ClassVar[str | None] = "↖"
    legend: ClassVar[str] = "map moved"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"pixels": 1}, {"pixels": 2})
    after: ClassVar[After] = "fresh"

    kind: Literal["translate"] = "translate"
    pixels: Annotated[int, Field(ge=1, le=64)]
    """Pixels by which it is moved."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.move(self.pixels, self.pixels, 1)

    def call(self, module: Module) -> Call:
        return call("Translate", self.pixels, **dims_of(module))
