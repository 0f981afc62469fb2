"""What a class of blocks does, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...specs.block import BlockSpec
from ...specs.layer import Module
from ...specs.layout import BlockPlan
from ...specs.operations import ActSpec
from ...specs.shortcut import ShortcutSpec
from ...specs.site import Site
from .classes import BlockCalls


def formula(calls: BlockCalls) -> str:
    """y of x, by F, the branch, and S, the shortcut."""
    modules = calls.block.modules
    steps = [*modules.entry, *modules.branch]
    convs = [place for place, step in enumerate(steps) if _is_layer(step)]
    if not convs:
        convs = [0]
    after = [step for step in steps[convs[-1] :] if not step.layers]
    branch = _applied(after, f"F({_applied(steps[: convs[0]], 'x')})")
    sums = {"none": branch, "sum": f"{branch} + S(x)"}
    total = sums.get(calls.joined, f"{calls.joined}({branch}, S(x))")
    return _applied(modules.exit, total)


def _applied(steps: Iterable[Module], inner: str) -> str:
    for step in steps:
        name = _called(step)
        if name != "none":
            inner = f"{name}({inner})"
    return inner


def _called(step: Module) -> str:
    """What a formula calls the operation: an activation by its function."""
    function = step.op.name if isinstance(step.op, ActSpec) else None
    norm = getattr(step.op, "norm", None)
    return str(function or ("none" if getattr(norm, "kind", "") == "none" else step.op.kind))


def _is_layer(step: Module) -> bool:
    """Whether the picture draws it as a layer: a convolution, say, but no norm."""
    return bool(step.layers) and step.op.sign is None


def branch(block: BlockPlan) -> str:
    """What F is."""
    if block.spec.branch_words != BlockSpec.branch_words:
        return block.spec.branch_words
    return ", ".join(map(_called, block.modules.branch)) or "x"


def about(blocks: Iterable[BlockCalls]) -> str:
    """What S is, and where the block was published."""
    examples = {calls.keeps: calls.block for calls in blocks}
    sides = {keeps: shortcut(block.shortcut, block.site) for keeps, block in examples.items()}
    source = next(iter(examples.values())).spec.published()
    return " ".join([*_shortcuts(sides), *([f"{source}."] if source else [])])


def _shortcuts(sides: dict[bool, str]) -> Iterator[str]:
    if set(sides.values()) == {"0"}:
        return
    if len(set(sides.values())) == 1:
        yield f"S(x) is {next(iter(sides.values()))}."
    else:
        yield f"S(x) is {sides[True]}, or {sides[False]} where the shape changes."


def shortcut(spec: ShortcutSpec, site: Site) -> str:
    """What S(x) is."""
    inner: ShortcutSpec | None = getattr(spec, "of", None)
    if inner is not None:
        return spec.words.format(of=shortcut(inner, site))
    drawn = spec.drawn(site)
    return drawn.words.format(**dict(drawn))
