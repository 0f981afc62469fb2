"""What JSON Schema must say of ``free``, which is read by hand: see :mod:`.declared`."""

from __future__ import annotations

from typing import Any

from .declared import EACH, KINDS, MAX_NUMBER, MAX_OPTIONS, RANGES
from .regnet import DEFAULTS, NEEDED

_MEANINGS = {
    "choice": "Options, all drawn alike.",
    "int": "Whole numbers from the first to the second, all drawn alike.",
    "log_int": "Whole numbers, drawn in inverse proportion to the number.",
    "real": "Numbers of that step, all drawn alike.",
    "log_real": "Numbers of that step, drawn in inverse proportion to the number.",
}


def definitions() -> dict[str, Any]:
    """Free fields, choices within them and options, by the names that :func:`free` refers to."""
    kinds = {kind: _choice(kind) for kind in _MEANINGS}
    chooses = {"type": "object", "anyOf": [{"required": [kind]} for kind in KINDS]}
    numbers = {"anyOf": [_ref("Options"), _ref("Choice"), {"type": "number"}]}
    return {
        "Options": {
            "type": "array",
            "items": _ref("Option"),
            "minItems": 1,
            "maxItems": MAX_OPTIONS,
            "description": _MEANINGS["choice"],
        },
        # A mapping inside an option is a choice where it names a kind, and else what it is.
        "Option": {
            "if": chooses,
            "then": _ref("Choice"),
            "else": {"additionalProperties": _ref("Option"), "items": _ref("Option")},
        },
        "Choice": {"anyOf": list(kinds.values())},
        "Free": {
            "anyOf": [_ref("Options"), *(_with_each(choice) for choice in kinds.values())],
        },
        "RegNet": _mapping(
            dict.fromkeys((*NEEDED, *DEFAULTS), numbers),
            NEEDED,
            "The stages of a RegNet (Radosavovic et al. 2020, arXiv 2003.13678, section 3.3).",
        ),
    }


def free() -> dict[str, Any]:
    """The mapping of paths to what may stand there."""
    regnet = _mapping({"regnet": _ref("RegNet")}, ["regnet"])
    return {
        "type": "object",
        "description": "Spec paths, and what may stand there.",
        "minProperties": 1,
        "properties": {"stages": {"anyOf": [_ref("Free"), regnet]}},
        "additionalProperties": _ref("Free"),
    }


def _choice(kind: str) -> dict[str, Any]:
    if kind not in RANGES:
        return _mapping({kind: _ref("Options")}, [kind], _MEANINGS[kind])
    number = {"type": "integer" if kind.endswith("int") else "number", "maximum": MAX_NUMBER}
    positive = {**number, "exclusiveMinimum": 0}
    bounds = {
        "type": "array",
        "items": positive if kind.startswith("log") else {**number, "minimum": -MAX_NUMBER},
        "minItems": 2,
        "maxItems": 2,
        "description": _MEANINGS[kind],
    }
    needed = [kind] if kind.endswith("int") else [kind, "step"]
    return _mapping({kind: bounds, "step": positive}, needed)


def _with_each(choice: dict[str, Any]) -> dict[str, Any]:
    each = {"enum": list(EACH), "description": "How the places of a path with [*] go together."}
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
