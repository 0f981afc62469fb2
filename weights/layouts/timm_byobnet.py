"""timm's names of the ResNets that its ByobNet assembles: ``stages.0.0.conv1_1x1.conv``.

A name says whether its convolution is a 1x1 (``conv1_1x1``) or another (``conv1_kxk``), and whether
attention is the last of the branch (``attn_last``) or stands before (``attn``). A stem of several
convolutions is a word of resforge where a pool ends it, and a chain where the last convolution
strides instead. A convolution before the pool makes a chain of the head, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from ...planner.plan import Plan
from ...specs.layout import BlockPlan
from ...specs.network import ResNetSpec
from ..naming import Form, Rule
from .fixed import with_fields

WORDS = "those of timm's ByobNet"

_BLOCK = "stages.{s-1}.{b}."
_THREE = ("conv1_1x1", "conv2_kxk", "conv3_1x1")
_OTHERS = ("conv1_kxk", "conv2_1x1", "conv2b_kxk")
_NORMS = (("conv", "bn"), ("branch.conv", "branch.norm"))
"""What convolutions and norms are called in words and in chains."""


def _convolutions() -> Iterable[Rule]:
    for conv, norm in _NORMS:
        for theirs in _THREE:
            yield f"layer{{s}}.{{b}}.{conv}{theirs[4]}", f"{_BLOCK}{theirs}.conv"
            yield f"layer{{s}}.{{b}}.{norm}{theirs[4]}", f"{_BLOCK}{theirs}.bn"
        for theirs in _OTHERS:
            yield f"layer{{s}}.{{b}}.{conv}{theirs[4:]}", f"{_BLOCK}{theirs}.conv"
            yield f"layer{{s}}.{{b}}.{norm}{theirs[4:]}", f"{_BLOCK}{theirs}.bn"


_BODY: tuple[Rule, ...] = (
    *_convolutions(),
    ("layer{s}.{b}.downsample.0", _BLOCK + "shortcut.conv"),
    ("layer{s}.{b}.downsample.1", _BLOCK + "shortcut.bn"),
)
_POOLED: tuple[Rule, ...] = (
    *_convolutions(),
    ("layer{s}.{b}.downsample.1", _BLOCK + "shortcut.conv.conv"),
    ("layer{s}.{b}.downsample.2", _BLOCK + "shortcut.conv.bn"),
)
_STEMS: tuple[tuple[Rule, ...], ...] = (
    (("conv1", "stem.conv"), ("bn1", "stem.bn")),
    (("conv{n}", "stem.conv{n}.conv"), ("bn{n}", "stem.conv{n}.bn")),
    (("stem.conv{n}", "stem.conv{n}.conv"), ("stem.norm{n}", "stem.conv{n}.bn")),
    (
        ("stem.conv1", "stem.conv1"),
        ("stem.conv2", "stem.conv2"),
        ("stem.conv{n}", "stem.conv{n}.conv"),
        ("stem.norm{n}", "stem.conv{n+2}.bn"),
    ),
)
_HEADS: tuple[tuple[Rule, ...], ...] = (
    (("fc", "head.fc"),),
    (
        ("head.conv1", "final_conv.conv"),
        ("head.norm1", "final_conv.bn"),
        ("head.linear1", "head.fc"),
    ),
    (("closing.conv1", "final_conv.conv"), ("closing.norm1", "final_conv.bn")),
    (
        ("head.attention_pool1.positional_embedding", "head.pos_embed"),
        ("head.attention_pool1.q_proj", "head.q"),
        ("head.attention_pool1.k_proj", "head.k"),
        ("head.attention_pool1.v_proj", "head.v"),
        ("head.attention_pool1.c_proj", "head.proj"),
    ),
    (
        ("head.norm1", "head.norm"),
        ("head.linear1", "head.pre_logits.fc"),
        ("head.linear2", "head.fc"),
    ),
)
_ATTENTION: tuple[tuple[Rule, ...], ...] = (
    tuple(
        (f"layer{{s}}.{{b}}.{ours}.{layer}", f"{_BLOCK}{theirs}.{layer}")
        for ours, theirs in (
            ("se", "attn"),
            ("se_last", "attn_last"),
            ("branch.se1", "attn"),
            ("branch.se1_last", "attn_last"),
        )
        for layer in ("fc{n}", "conv")
    ),
    (
        ("layer{s}.{b}.se.mask", _BLOCK + "attn.conv_attn"),
        ("layer{s}.{b}.se.norm", _BLOCK + "attn.mlp_add.norm"),
        ("layer{s}.{b}.se.fc{n}", _BLOCK + "attn.mlp_add.fc{n}"),
    ),
    (
        ("layer{s}.{b}.se.narrow.fc1", _BLOCK + "attn.conv1.conv"),
        ("layer{s}.{b}.se.narrow.norm", _BLOCK + "attn.conv1.bn"),
        ("layer{s}.{b}.se.pooled.conv", _BLOCK + "attn.ba.conv1.conv"),
        ("layer{s}.{b}.se.pooled.norm", _BLOCK + "attn.ba.conv1.bn"),
        ("layer{s}.{b}.se.rows", _BLOCK + "attn.ba.conv_p"),
        ("layer{s}.{b}.se.columns", _BLOCK + "attn.ba.conv_q"),
        ("layer{s}.{b}.se.wide.conv", _BLOCK + "attn.ba.conv2.conv"),
        ("layer{s}.{b}.se.wide.norm1", _BLOCK + "attn.ba.conv2.bn"),
        ("layer{s}.{b}.se.wide.fc2", _BLOCK + "attn.conv2.conv"),
        ("layer{s}.{b}.se.wide.norm2", _BLOCK + "attn.conv2.bn"),
    ),
)


def _moved(blocks: Iterable[BlockPlan]) -> dict[str, str]:
    """Layers of blocks that are not 1x1, 3x3 and 1x1, under the names of the rules above."""
    moved: dict[str, str] = {}
    for block in blocks:
        convs = [layer for layer in block.branch if layer.path == "main" and layer.kind == "conv"]
        part = f"{block.name}.branch." if block.spec.kind == "chain" else f"{block.name}."
        norm = "norm" if block.spec.kind == "chain" else "bn"
        new: dict[str, str] = {}
        if len(convs) == 2:
            new = {"1": "1_kxk"} if convs[0].kernel != 1 else {}
            new |= {"2": "2_1x1"} if convs[1].kernel == 1 else {}
        if len(convs) == 4:
            new = {"3": "2b_kxk", "4": "3"}
        moved |= {
            f"{part}{a}{n}": f"{part}{a}{to}" for a in ("conv", norm) for n, to in new.items()
        }
        if block.branch and block.branch[-1].path == "attention":
            last = block.branch[-1].name.rpartition(".")[0]
            moved |= {
                layer.name: layer.name.replace(last, f"{last}_last")
                for layer in block.branch
                if layer.name.startswith(f"{last}.")
            }
    return moved


def _normed(plan: Plan) -> bool:
    """Whether each convolution of the stem has a norm."""
    kinds = [layer.kind for layer in plan.stem]
    return kinds.count("conv") == len([kind for kind in kinds if kind.endswith("_norm")])


def _half_bare(plan: Plan) -> bool:
    """Whether some convolutions of the stem have none."""
    return not _normed(plan)


FORMS = tuple(
    Form(
        (*stem, *body, *attention, *head),
        _half_bare if stem == _STEMS[-1] else _normed,
        moved=_moved,
    )
    for head, stem, attention, body in product(_HEADS, _STEMS, _ATTENTION, (_BODY, _POOLED))
)
#: The layer norm of global-context attention is one over channels alone.
FLAT = ("se.norm",)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the layer norm of this code in global-context attention."""
    return with_fields(spec, gc={"eps": 1e-6})
