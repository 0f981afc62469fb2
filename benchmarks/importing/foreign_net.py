"""Networks of other libraries as modules of torch, with their tensors under native names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import resforge as rf
from torch import nn


class ForeignNet(nn.Module):
    """A network that another library builds and runs.

    Its numbers are held by layers of torch in float64, one for each of its ``leaves``, and copied
    into these before it runs. The n-th has the n-th name of the spec that ``config`` is read as.
    """

    def __init__(
        self, network: Any, leaves: Iterable[Any], held: Iterable[nn.Module], config: dict[str, Any]
    ) -> None:
        super().__init__()
        self.__dict__["network"] = network  # no child: its tensors are those of the layers here
        self.__dict__["leaves"] = list(leaves)
        self.macs = 0
        self.held = nn.ModuleList(held).double()
        self.shapes = rf.plan(rf.from_config(config).spec).state_dict
        self.names = list(dict.fromkeys(key.rpartition(".")[0] for key in self.shapes))

    def state_dict(self, *_: Any, **__: Any) -> Any:
        return {
            f"{name}.{own}": tensor.reshape(self.shapes.get(f"{name}.{own}", tensor.shape))
            for name, layer in zip(self.names, self.held, strict=True)
            for own, tensor in layer.state_dict().items()
        }
