"""Writes the gallery's list of words and every picture of the documents: ``python docs/draw.py``.

NAME.svg shows the spec that its document holds as ``# NAME.yaml``, or else the catalogue's;
ladder.svg is the picture of docs/ladder.py.
"""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import resforge
from resforge.specs import BLOCKS, HEADS, OPERATIONS, SHORTCUTS, STEMS, Operation
from resforge.specs.attention import attention_kinds

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GALLERY = ROOT / "docs" / "gallery.md"
MARK = "<!-- All below is written by docs/draw.py from the registries of words. -->\n"
_SPEC = re.compile(r"^```yaml\n(# (\w+)\.yaml\n.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!\[.*\]\((.+\.svg)\)$", re.MULTILINE)

STEM = {"kind": "conv3x3", "width": 16}
STAGE = {"depth": 1, "width": 16}
Network = dict[str, Any]


def pictures() -> Iterator[tuple[Path, str]]:
    """Paths of all pictures, and their text."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        specs = {name: body for body, name in _SPEC.findall(text)}
        for link in _PICTURE.findall(text):
            path = document.parent / link
            if path.stem == "ladder":
                yield path, runpy.run_path(str(ROOT / "docs" / "ladder.py"))["svg"]()
                continue
            own = specs.get(path.stem)
            spec = resforge.load(path.stem) if own is None else resforge.loads(own)
            yield path, resforge.plan(spec).to_svg()


def words() -> str:
    """The gallery's list of every word, with a picture of each of its samples."""
    parts = [
        "\n## Every word\n\nWith each of the samples that the tests try and the strategies draw.\n"
    ]
    attention = attention_kinds()
    operations = {kind: model for kind, model in OPERATIONS.items() if kind not in attention}
    for title, family, kinds, networks in (
        ("Stems", "stem", STEMS, _one_each("stem")),
        ("Blocks", "block", BLOCKS, _blocks),
        ("Shortcuts", "shortcut", SHORTCUTS, _shortcuts),
        ("Attention", "attention", attention, _attention),
        ("Heads", "head", HEADS, _one_each("head")),
        ("Other operations of chains", "operation", operations, _operations),
    ):
        parts.append(f"\n### {title}\n")
        for kind in kinds:
            parts += _word(family, kind, kinds, networks)
    return "".join(parts)


def _word(
    family: str, kind: str, kinds: Mapping[str, type[Operation]], networks: Any
) -> Iterator[str]:
    model = kinds[kind]
    yield f"\n#### `{kind}`\n\n{_prose(model)}\n"
    made = networks([{"kind": kind, **fields} for fields in model.samples])
    for number, network in enumerate(made, start=1):
        name = f"{family}_{kind}" + (f"_{number}" if len(made) > 1 else "")
        spec = resforge.ResNetSpec(**{"resforge": 1, "name": name, "stem": STEM, **network})
        yield f"\n```yaml\n# {name}.yaml\n{spec.to_yaml()}```\n"
        yield f"\n![{family} {kind}](gallery/{name}.svg)\n"


def _prose(model: type[Operation]) -> str:
    return inspect.cleandoc(model.__doc__ or "").replace("``", "`")


def _one_each(field: str) -> Any:
    """A network for each sample."""

    def networks(samples: list[Network]) -> list[Network]:
        return [{"stages": [STAGE], field: sample} for sample in samples]

    return networks


def _blocks(samples: list[Network]) -> list[Network]:
    """The samples in a row, and those that say what strides each in a stage that does."""
    strides = [sample for sample in samples if any(name.startswith("stride") for name in sample)]
    entries = [{"block": sample} for sample in samples if sample not in strides]
    stages = [
        {"depth": 1, "width": 32, "stride": 2, "block": each} for each in [samples[0], *strides]
    ]
    return [{"stages": [{"width": 16, "blocks": entries}, *stages]} | {"block": samples[0]}]


def _shortcuts(samples: list[Network]) -> list[Network]:
    """A stage for each sample, whose first block changes the shape and whose second keeps it."""
    stages = []
    for number, sample in enumerate(samples):
        width = 32 << number
        legal = SHORTCUTS[sample["kind"]](**sample).why_illegal(width // 2, width, 2) is None
        pair = {"match": sample, **({"change": sample} if legal else {})}
        stages.append({"depth": 2, "width": width, "stride": 2, "shortcut": pair})
    return [{"stages": stages}]


def _attention(samples: list[Network]) -> list[Network]:
    entries = [{"block": {"kind": "basic", "attention": sample}} for sample in samples]
    return [{"stages": [{"width": 16, "blocks": entries}]}]


def _operations(samples: list[Network]) -> list[Network]:
    """A block for each sample or, where an operation is legal in a head alone, a head."""
    conv = {"kind": "conv", "kernel": 3}
    entries = [{"block": {"kind": "chain", "branch": [conv, sample]}} for sample in samples]
    candidates = [
        [{"stages": [{"width": 16, "blocks": entries}]}],
        [{"stages": [STAGE], "head": [sample]} for sample in samples],
        [{"stages": [STAGE], "head": ["global_pool", sample]} for sample in samples],
    ]
    if OPERATIONS[samples[0]["kind"]].sign == "":
        return candidates[-1]  # it leaves no trace in a picture
    return next(made for made in candidates if all(map(_plans, made)))


def _plans(network: Network) -> bool:
    try:
        resforge.plan(resforge.ResNetSpec(**{"resforge": 1, "stem": STEM, **network}))
    except resforge.SpecError:
        return False
    return True


if __name__ == "__main__":
    text = GALLERY.read_text(encoding="utf-8").partition(MARK)[0]
    GALLERY.write_text(text + MARK + words(), encoding="utf-8")
    for path, svg in pictures():
        path.write_text(svg, encoding="utf-8")
