"""What JSON Schema must say of the language that the models do not.

The schema is draft 7, which editors' YAML servers speak. It holds keys, types, ranges and short
forms. The rules between fields (shapes that must meet, widths that must divide, ``depth`` or
``blocks``) need the whole network; they are kept by :mod:`resforge.specs.rules` alone.
"""

from __future__ import annotations

from typing import Any

from .catalogue import entries

DRAFT = "http://json-schema.org/draft-07/schema#"


def allow_base(schema: dict[str, Any]) -> None:
    """Add the key ``base``, which is settled before a model is validated, to ``schema``."""
    known = entries()
    base = {
        "enum": list(known),
        "enumDescriptions": [f"{entry.family}, of {entry.source}." for entry in known.values()],
        "description": "A catalogue name to start from; the keys given replace the base's.",
    }
    schema["$schema"] = DRAFT
    schema["properties"] = {"base": base, **schema["properties"]}
    schema["required"] = [key for key in schema["required"] if key != "stages"]
    schema["anyOf"] = [{"required": ["stages"]}, {"required": ["base"]}]


def named(schema: dict[str, Any], what: str, description: str) -> dict[str, Any]:
    """``schema`` as a document of its own, for files that hold ``what``."""
    return {"$schema": DRAFT, "$id": f"urn:resforge:{what}:1", **schema, "description": description}


def around_spec(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` of a file that a spec can be written inside: the file says its version once."""
    spec = schema["$defs"]["ResNetSpec"]
    del spec["$schema"]
    spec["required"].remove("resforge")
    return {"$schema": DRAFT, **schema}
