"""timm's names of networks, and the words of its constructors, as a spec."""

from __future__ import annotations

from functools import cache
from typing import Final

from ..errors import SpecError
from ..planner.plan import lay_out
from ..reading.load import load
from ..specs.catalogue import list_specs
from ..specs.network import ResNetSpec
from ..specs.paths import nearest
from . import timm_resnet
from .dilating import Changes, dilated, drops
from .keys import FLAG, NATURAL, NUMBER, TEXT, WHOLE, Key, Keys, one_of, only, optional

#: timm's names that are another project's entries in the catalogue, with the same network.
_SHARED: Final = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("wide_resnet50_2", "wide_resnet101_2", "seresnet50", "seresnet101", "seresnet152"),
)
#: timm's names that the catalogue has under another one.
_OTHER: Final = {"seresnet18": "seresnet18_timm", "seresnet34": "seresnet34_timm"}
#: Words of timm's constructors, of which a network's name decides the default.
ARGS: Final = {
    "num_classes": Key(NATURAL, 1000),
    "in_chans": Key(WHOLE, 3),
    "output_stride": Key(one_of(8, 16, 32), 32),
    "drop_rate": Key(NUMBER, 0.0),
    "drop_path_rate": Key(NUMBER, 0.0),
    "zero_init_last": Key(FLAG, True),
    "features_only": Key(FLAG, False),
    "global_pool": only("avg", "", why="another pool", kind=TEXT),
    "aa_layer": only(None, why="anti-aliasing beside the words of a name"),
    "drop_block_rate": only(0.0, 0, None, why="DropBlock", kind=optional(NUMBER)),
} | timm_resnet.ARGS


@cache
def names() -> dict[str, str]:
    """The catalogue's name of each network of timm that it has."""
    own = {name: name for name in (*list_specs(source="timm"), *_SHARED)}
    for name, entry in _OTHER.items():
        own.pop(entry, None)
        own[name] = entry
    return own


def named(keys: Keys, key: str) -> ResNetSpec:
    """The network of an architecture; a tag such as ``.a1_in1k`` says only where weights are."""
    name = keys[key].rpartition("/")[2].partition(".")[0]
    if name in names():
        return load(names()[name])
    close = nearest(name, list(names()))
    keys.refuse(
        key,
        f"no spec is made of timm's {name}",
        f"did you mean {close!r}?" if close else "the networks of docs/published.md are known",
    )
    return load("resnet50")


def changed(
    keys: Keys,
    spec: ResNetSpec,
    classes: int | None = None,
    channels: int | None = None,
    pool: str | None = None,
) -> ResNetSpec:
    """``spec`` with the words of a constructor, and a head of ``classes``.

    ``channels`` of a picture and the ``pool`` of the head are as given where the constructor is
    given none.
    """
    changes = Changes()
    channels = keys["in_chans"] if channels is None or "in_chans" in keys.node.value else channels
    if channels != spec.in_channels:
        changes["in_channels"] = channels
    keys.check("global_pool", "aa_layer", "drop_block_rate")
    spec = spec.replace(changes)
    if any(word in keys.node.value for word in timm_resnet.ARGS):
        spec = timm_resnet.changed(keys, spec)
    wanted = keys.given("num_classes") if classes is None else classes
    pools = (keys["global_pool"] if pool is None else pool) == "avg"
    if keys["features_only"] or (wanted == 0 and not pools):
        spec = _headless(keys, spec)
    elif not pools:
        keys.refuse("global_pool", "timm itself has no classes without a pool", "num_classes: 0")
    elif spec.head is not None:
        spec = _with_classes(keys, spec, wanted)
    if keys["zero_init_last"]:
        spec = _zeroed(keys, spec)
    if rate := keys["drop_path_rate"]:
        spec = spec.replace({"stochastic_depth": drops(rate)})
    stride = keys["output_stride"]
    return spec if stride == 32 else _dilated(keys, spec, stride)


def _dilated(keys: Keys, spec: ResNetSpec, stride: int) -> ResNetSpec:
    """``spec`` with dilations in place of its last strides."""
    if spec.name.startswith("legacy_"):
        keys.refuse("output_stride", "timm's class SENet does not take it", "leave it out")
        return spec
    try:
        found = spec.replace(dilated(spec, stride))
    except ValueError as error:
        keys.refuse("output_stride", str(error))
        return spec
    # Classes other than ResNet project where the dilation changes, too.
    if not timm_resnet.is_resnet(spec) and lay_out(found).params != lay_out(spec).params:
        message = "timm projects blocks that dilate, and a spec only those that change their shape"
        keys.refuse("output_stride", message, "write the shortcuts of these blocks in a spec")
    return found


def _headless(keys: Keys, spec: ResNetSpec) -> ResNetSpec:
    """``spec`` without its classifier; what the head has before its pool stays."""
    layers = spec.to_tree()["head"] if spec.head is not None and spec.head.kind == "chain" else []
    kinds = [op.kind for op in getattr(spec.head, "layers", ())]
    end = kinds.index("global_pool") if "global_pool" in kinds else 0
    if rest := [kind for kind in kinds[end:] if kind not in ("global_pool", "flatten", "linear")]:
        keys.refuse("num_classes", f"timm leaves {rest[0]} of the head of {spec.name}")
    return spec.replace({"head": None} | ({"closing": layers[:end]} if end else {}))


def _with_classes(keys: Keys, spec: ResNetSpec, classes: int | None) -> ResNetSpec:
    """``spec`` with a head of so many classes; of none, the pooled features."""
    head, rate = spec.head, keys["drop_rate"]
    assert head is not None
    found = head if classes is None else head.with_classes(classes)
    if found is None:
        keys.refuse("num_classes", f"the head of {spec.name} has no linear layer for classes")
        return spec
    tree = found.model_dump(mode="json")
    if rate and found.kind == "classifier":
        tree["dropout"] = rate
    elif rate:
        kinds = [layer["kind"] for layer in tree["layers"]]
        at = kinds.index("global_pool") + 1 if "global_pool" in kinds else None
        if at is None:
            keys.refuse("drop_rate", f"the head of {spec.name} has no pool before a dropout")
            return spec
        tree["layers"].insert(at, {"kind": "dropout", "rate": rate})
    return spec.replace({"head": tree})


def _zeroed(keys: Keys, spec: ResNetSpec) -> ResNetSpec:
    """``spec`` whose residual branches start at 0, where they can."""
    try:
        return spec.replace({"init.zero_residual": True})
    except SpecError:
        keys.record.note("zero_init_last has no effect on these blocks")
        return spec
