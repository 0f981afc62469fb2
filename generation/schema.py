"""The JSON Schema of ``free``, which :mod:`.declared` reads without pydantic."""

from __future__ import annotations

from typing import Any

from .declared import EACH, KINDS, MAX_NUMBER, MAX_OPTIONS, RANGES
from .regnet import DEFAULTS, NEEDED
from .repeated import MAX_LENGTH

_DESCRIPTIONS = {
    "choice": "Options, all equally likely unless there are weights.",
    "int": "Whole numbers from the first to the second, all equally likely.",
    "log_int": "Whole numbers, with a probability inversely proportional to the number.",
    "real": "Numbers from the first to the second in steps, all equally likely.",
    "log_real": "Numbers in steps, with a probability inversely proportional to the number.",
    "log_normal": "Numbers in steps, as likely as a log-normal distribution is dense there.",
}

_REGNET = {
    "depth": "Number of blocks.",
    "w_0": "Width of the straight line at the first block.",
    "w_a": "Slope of the straight line: how much wider it is at each block.",
    "w_m": "Ratio of the widths of neighbouring stages.",
    "group_width": "Channels of each group of the 3x3 convolutions.",
    "ratio": "Width of a block over that of its 3x3 convolution.",
    "stride": "Stride of every stage.",
}

#: Kinds that say how often something is repeated.
_OFTEN = ("choice", "int", "log_int", "log_normal")


def definitions() -> dict[str, Any]:
    """Definitions of free fields, choices and options, by the names that :func:`free` uses."""
    kinds = {kind: _choice(kind) for kind in _DESCRIPTIONS}
    kinds["repeat"] = _mapping(
        {
            "repeat": {**_ref("Often"), "description": "How often the option is repeated."},
            "of": {**_ref("Option"), "description": "The option that is repeated."},
        },
        ["repeat", "of"],
        "A list in which an option is repeated, each time with choices of its own.",
    )
    chooses = {"type": "object", "anyOf": [{"required": [kind]} for kind in KINDS]}
    numbers = {"anyOf": [_ref("Options"), _ref("Choice"), {"type": "number"}]}
    return {
        "Options": {
            "type": "array",
            "items": _ref("Option"),
            "minItems": 1,
            "maxItems": MAX_OPTIONS,
            "description": _DESCRIPTIONS["choice"],
        },
        # A mapping inside an option is a choice where it names a kind, and a plain value else.
        "Option": {
            "if": chooses,
            "then": _ref("Choice"),
            "else": {"additionalProperties": _ref("Option"), "items": _ref("Option")},
        },
        "Choice": {"anyOf": list(kinds.values())},
        "Often": {
            "description": "How often: whole numbers, as a list of them or as a range.",
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
                    "minItems": 1,
                },
                *(kinds[kind] for kind in _OFTEN),
            ],
        },
        "Free": {
            "anyOf": [_ref("Options"), *(_with_each(choice) for choice in kinds.values())],
        },
        "RegNet": _mapping(
            {name: {**numbers, "description": _REGNET[name]} for name in (*NEEDED, *DEFAULTS)},
            NEEDED,
            "The stages of a RegNet (Radosavovic et al. 2020, arXiv 2003.13678, section 3.3).",
        ),
    }


def free() -> dict[str, Any]:
    """The schema of ``free``: a mapping of paths to the values that may stand there."""
    stages = {**_ref("RegNet"), "description": "The stages of a RegNet, from its parameters."}
    regnet = _mapping({"regnet": stages}, ["regnet"])
    return {
        "type": "object",
        "description": "Spec paths, and the values that may stand there.",
        "minProperties": 1,
        "properties": {
            "stages": {
                "description": "The stages: a choice among lists of them, or a RegNet's.",
                "anyOf": [_ref("Free"), regnet],
            }
        },
        "additionalProperties": _ref("Free"),
    }


def _choice(kind: str) -> dict[str, Any]:
    if kind not in RANGES:
        weight = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_NUMBER}
        weights = {
            "type": "array",
            "items": weight,
            "maxItems": MAX_OPTIONS,
            "description": "How likely each option is, relative to the others.",
        }
        options = {**_ref("Options"), "description": _DESCRIPTIONS[kind]}
        return _mapping({kind: options, "weights": weights}, [kind], _DESCRIPTIONS[kind])
    number = {"type": "integer" if kind.endswith("int") else "number", "maximum": MAX_NUMBER}
    positive = {**number, "exclusiveMinimum": 0}
    bounds = {
        "type": "array",
        "items": positive if kind.startswith("log") else {**number, "minimum": -MAX_NUMBER},
        "minItems": 2,
        "maxItems": 2,
        "description": _DESCRIPTIONS[kind],
    }
    needed = [kind, "step"] if kind.endswith("real") else [kind]
    step = {**positive, "description": "Distance between neighbouring numbers."}
    fields = {kind: bounds, "step": step}
    if kind == "log_normal":
        fields["median"] = {**positive, "description": "Half of the distribution lies below it."}
        fields["sigma"] = {**positive, "description": "Standard deviation of the logarithm."}
    return _mapping(fields, needed)


def _with_each(choice: dict[str, Any]) -> dict[str, Any]:
    each = {
        "enum": list(EACH),
        "description": "How the values at the places of a path with [*] are related.",
    }
    return {**choice, "properties": {**choice["properties"], "each": each}}


def _mapping(properties: dict[str, Any], needed: Any, description: str = "") -> dict[str, Any]:
    found = {
        "type": "object",
        "properties": properties,
        "required": list(needed),
        "additionalProperties": False,
    }
    return {**found, "description": description} if description else found


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}
