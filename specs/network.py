"""The whole network as one frozen, validated value."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import islice, repeat
from math import prod
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from ..errors import SpecError, wrong_type
from ..text.writer import to_json, to_yaml
from . import catalogue
from .activation import Activation
from .base import MAX_STAGES, Channels, Spec, Version, short_tree
from .block import UNDILATED, AnyBlock, BasicSpec, BlockSpec, Dilations
from .explain import faults_of
from .head import ClassifierSpec, HeadSpec
from .init import InitSpec
from .merge import merge
from .norm import BatchNormSpec, NormSpec
from .order import ShortcutInput, activates_first
from .paths import Path, expand_stars, parse_path, set_path
from .plan import MAX_INPUT
from .rules import broken_rules
from .schema import allow_base
from .shortcut import ShortcutPairSpec, ShortcutRule, ShortcutSpec, shorten_shortcut
from .stage import BlockEntrySpec, StageSpec
from .stem import Conv7x7StemSpec, StemSpec
from .stochastic_depth import StochasticDepth, shorten_rate
from .trace import Trace

_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
#: The context in which values are validated and the rules between them are not.
_UNCHECKED: Final = {"rules": False}
#: What the identity of a network leaves out, or holds in another form.
_NOT_AS_WRITTEN = {"name", "stem", "stages", "block", "shortcut"}


class ResolvedBlock(NamedTuple):
    """One block with every default and override settled."""

    name: str
    """Its name in the state dict."""
    drop_rate: float
    """The chance that its residual branch is left out while training."""
    block: BlockSpec
    block_path: Path
    """Where in the spec its block was named."""
    shortcut: ShortcutSpec
    shortcut_path: Path
    """Where in the spec its shortcut was named."""
    in_channels: int
    width: int
    out_channels: int
    stride: int
    dilations: Dilations
    follows_activation: bool
    """Whether the stem's activation stands for one at the head of the block."""

    @property
    def like(self) -> tuple[Any, ...]:
        """All but the name and the drop rate: equal for blocks whose layers are equal."""
        return self[2:]

    @property
    def keeps_shape(self) -> bool:
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def entry_activates(self) -> bool:
        """Whether it activates its input, before branch and shortcut divide or where they do."""
        return activates_first(self.block.arrangement) and not self.follows_activation

    @property
    def shares_entry(self) -> bool:
        """Whether the shortcut takes the activated input, as the branch does."""
        if not self.entry_activates:
            return False
        wanted: ShortcutInput = getattr(self.block, "shortcut_input", "auto")
        return wanted == "activated" or (wanted == "auto" and not self.keeps_shape)


class ResNetSpec(Spec):
    """A residual network: stem, stages of blocks, head.

    Raises :class:`SpecError` for anything that is not a legal network.

    >>> spec = ResNetSpec(resforge=1, stages=[{"depth": 2, "width": 64}], block="basic")
    >>> spec.block.kind, spec.shortcut.change.kind, spec.head.num_classes
    ('basic', 'projection', 1000)
    """

    model_config = ConfigDict(json_schema_extra=allow_base)

    resforge: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """A label for people; not part of the network's identity."""
    in_channels: Channels = 3
    """Channels of the input picture."""
    stem: StemSpec = Conv7x7StemSpec()
    stages: Annotated[
        tuple[StageSpec, ...], Field(strict=False, min_length=1, max_length=MAX_STAGES)
    ]
    block: AnyBlock = BasicSpec()
    """The block of every stage that names none of its own."""
    shortcut: ShortcutRule = ShortcutPairSpec()
    """The shortcut of every stage that names none of its own."""
    norm: NormSpec = BatchNormSpec()
    activation: Activation = "relu"
    stochastic_depth: StochasticDepth | None = None
    """Whether residual branches are left out at random while training."""
    head: HeadSpec | None = ClassifierSpec()
    """What follows the last stage; null for a backbone that returns its feature map."""
    init: InitSpec = InitSpec()

    def __init__(self, /, **tree: Any) -> None:
        try:
            super().__init__(**_with_base(tree))
        except ValidationError as error:
            raise SpecError(*faults_of(error, type(self), tree)) from None

    @classmethod
    def unchecked(cls, tree: dict[str, Any]) -> Self:
        """A spec whose values are right each by itself, whether or not they make a legal network.

        For whoever goes through many, most of them for nothing: call
        :func:`~resforge.specs.rules.broken_rules` for what is kept. Raises :class:`SpecError`.
        """
        spec = cls.__new__(cls)
        try:
            cls.__pydantic_validator__.validate_python(tree, self_instance=spec, context=_UNCHECKED)
        except ValidationError as error:
            raise SpecError(*faults_of(error, cls, tree)) from None
        return spec

    @model_validator(mode="after")
    def _keep_the_rules(self, info: ValidationInfo) -> Self:
        if info.context is _UNCHECKED:
            return self
        if faults := broken_rules(self):
            raise SpecError(faults)
        return self

    def blocks(self) -> Iterator[list[ResolvedBlock]]:
        """Each stage's blocks, with every default and override settled."""
        channels = self.stem.out_channels
        rates = self._drop_rates()
        for index, stage in enumerate(self.stages):
            blocks: list[ResolvedBlock] = []
            for position, entry in enumerate(stage.entries):
                name = f"layer{index + 1}.{position}"
                if position > 1 and stage.blocks is None:
                    # From the second block on, a stage of one kind repeats itself.
                    blocks.append(ResolvedBlock(name, next(rates), *blocks[-1].like))
                else:
                    rate = next(rates)
                    blocks.append(self._resolve(name, rate, index, position, entry, channels))
                channels = blocks[-1].out_channels
            yield blocks

    def runs(self) -> Iterator[list[tuple[ResolvedBlock, int]]]:
        """As :meth:`blocks`, in a time that does not grow with depth: of blocks in a row that are
        equal but for their names and drop rates the first, and how many there are."""
        channels = self.stem.out_channels
        rates = self._drop_rates()
        for index, stage in enumerate(self.stages):
            alike = stage.blocks is None
            depth = stage.depth or 0
            runs: list[tuple[ResolvedBlock, int]] = []
            entries = (BlockEntrySpec(),) * min(depth, 2) if alike else stage.entries
            for position, entry in enumerate(entries):
                name = f"layer{index + 1}.{position}"
                what = self._resolve(name, next(rates), index, position, entry, channels)
                channels = what.out_channels
                runs.append((what, depth - 1 if alike and position else 1))
            if alike and self.stochastic_depth is not None:
                deque(islice(rates, max(0, depth - 2)), maxlen=0)
            yield runs

    def _drop_rates(self) -> Iterator[float]:
        """The drop rate of each block."""
        rule = self.stochastic_depth
        if rule is None:
            return repeat(0.0)
        total = sum(len(stage.entries) for stage in self.stages)
        return (rule.drop_rate(number, total) for number in range(1, total + 1))

    def _dilations(self, index: int, position: int) -> Dilations:
        first = own = self.stages[index].dilation
        if position == 0:
            before = self.stages[index - 1].dilation if index else 1
            first = self.stages[index].first_dilation or before
        return UNDILATED if first == own == 1 else Dilations(first, own)

    def _resolve(
        self,
        name: str,
        drop_rate: float,
        index: int,
        position: int,
        entry: BlockEntrySpec,
        in_channels: int,
    ) -> ResolvedBlock:
        """What is left out of an entry is the stage's, or else the network's."""
        stage = self.stages[index]
        block: BlockSpec | None = entry.block
        pair: ShortcutPairSpec | None = entry.shortcut
        block_path: Path = ("stages", index, "blocks", position)
        pair_path = block_path
        if block is None:
            block, block_path = stage.block, ("stages", index)
        if block is None:
            block, block_path = self.block, ()
        if pair is None:
            pair, pair_path = stage.shortcut, ("stages", index)
        if pair is None:
            pair, pair_path = self.shortcut, ()
        width = stage.width
        stride = stage.stride if position == 0 else 1
        out_channels = block.out_channels(width)
        keeps = stride == 1 and in_channels == out_channels
        shortcut = pair.match if keeps else pair.change
        return ResolvedBlock(
            name,
            drop_rate,
            block,
            (*block_path, "block"),
            shortcut,
            (*pair_path, "shortcut", "match" if keeps else "change"),
            in_channels,
            width,
            out_channels,
            stride,
            self._dilations(index, position),
            index == position == 0 and activates_first(block.arrangement),
        )

    @property
    def natural_input_size(self) -> int:
        """Side of the pictures its kind of stem is for, where nobody says: 224 (ImageNet) for a
        stem that downsamples, 32 (CIFAR) for one that does not; more where the strides ask for it.
        """
        trace = Trace(self.in_channels, (224, 224))
        self.stem.lay(trace, self.norm)
        stride = trace.jump * prod(stage.stride for stage in self.stages)
        usual = 224 if trace.jump > 1 else 32
        return usual if stride <= usual else min(2 * stride, MAX_INPUT)

    @property
    def digest(self) -> str:
        """SHA-256 of the network this spec means: equal for equal networks, however written.

        It covers every default and leaves out the name. Stable across processes and machines.
        """
        meaning = self.meaning()
        # What the whole at once would come to; but a block that stands again is the same object,
        # and need not be written again.
        unlike = {id(block): block for stage in meaning["stages"] for block in stage}
        texts = {key: _CANONICAL.encode(block) for key, block in unlike.items()}
        rows = (",".join([texts[id(block)] for block in stage]) for stage in meaning["stages"])
        stages = ",".join([f"[{row}]" for row in rows])
        text = _CANONICAL.encode(meaning | {"stages": None})
        text = text.replace('"stages":null', f'"stages":[{stages}]')
        return hashlib.sha256(text.encode()).hexdigest()

    def meaning(self) -> dict[str, Any]:
        """What :attr:`digest` covers, as a tree: every default and override settled block by block,
        and one way to say each thing."""
        meaning: dict[str, Any] = {
            name: part.as_plain() if isinstance(part, Spec) else part
            for name, part in self.__dict__.items()
            if name not in _NOT_AS_WRITTEN
        }
        meaning["stem"] = self.stem.meaning(self.norm)
        if self.stochastic_depth is not None:
            rates = [block.drop_rate for stage in self.blocks() for block in stage]
            dropping = {"rates": rates, "mode": self.stochastic_depth.mode}
            meaning["stochastic_depth"] = dropping if any(rates) else None
        meaning["stages"] = [
            [meant for what, times in stage for meant in [self._meaning_of(what)] * times]
            for stage in self.runs()
        ]
        return meaning

    def _meaning_of(self, block: ResolvedBlock) -> dict[str, Any]:
        return {
            "block": block.block.meaning(block),
            "shortcut": block.shortcut.meaning(block, self.norm),
            "width": block.width,
            "stride": block.stride,
        }

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """A new spec with the values at the given paths replaced, validated again.

        A path reads like ``head.num_classes`` or ``stages[*].shortcut``; a value is written as
        in a file, short forms included. Raises :class:`SpecError`.

        >>> spec = ResNetSpec(resforge=1, stages=[{"depth": 2, "width": 64}])
        >>> spec.replace({"stages[*].depth": 3, "head.num_classes": 10}).stages[0].depth
        3
        """
        if not isinstance(changes, Mapping):
            raise wrong_type("replace", "a mapping of paths to values", changes)
        tree = self.model_dump(mode="json")
        for text, value in changes.items():
            plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for path in expand_stars(tree, parse_path(text)):
                # A copy for each place, so that a later change to one stays there.
                set_path(tree, path, deepcopy(plain))
        return type(self)(**tree)

    def to_tree(self) -> dict[str, Any]:
        """The spec as a user would write it: short forms, and no default that goes unsaid."""
        tree: dict[str, Any] = {"resforge": self.resforge}
        if self.name:
            tree["name"] = self.name
        tree["in_channels"] = self.in_channels
        tree["stem"] = short_tree(self.stem)
        tree["stages"] = [stage.to_tree() for stage in self.stages]
        tree["block"] = short_tree(self.block)
        tree["shortcut"] = shorten_shortcut(self.shortcut)
        if self.norm != BatchNormSpec():
            tree["norm"] = short_tree(self.norm)
        if self.activation != "relu":
            tree["activation"] = self.activation
        if self.stochastic_depth is not None:
            tree["stochastic_depth"] = shorten_rate(self.stochastic_depth)
        tree["head"] = None
        if self.head is not None:
            tree["head"] = {"kind": "classifier", "num_classes": self.head.num_classes}
            if self.head.dropout:
                tree["head"]["dropout"] = self.head.dropout
        if self.init != InitSpec():
            tree["init"] = short_tree(self.init)
        return tree

    def _repr_html_(self) -> str:
        from ..drawing.html import to_html
        from .plan import lay_out

        # A notebook asks of any spec, also of one that strides further than its size goes.
        size = self.natural_input_size
        return to_html(lay_out(self, (size, size)))

    def to_yaml(self) -> str:
        """The spec as YAML text that reads back to an equal spec."""
        return to_yaml(self.to_tree())

    def to_json(self) -> str:
        """The spec as JSON text that reads back to an equal spec."""
        return to_json(self.to_tree())


def _with_base(tree: dict[str, Any]) -> dict[str, Any]:
    """``tree`` laid over the catalogue entry it starts from, if it names one."""
    if "base" not in tree:
        return tree
    base = ResNetSpec(**catalogue.tree(tree["base"]))
    changes = {key: value for key, value in tree.items() if key != "base"}
    # The language version is each file's own to say.
    return merge(base.model_dump(mode="json", exclude={"resforge"}), changes)
