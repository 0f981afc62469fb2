"""Pictures of networks, and what is read from their SVG."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree

import resforge as rf
from resforge.drawing.signs import Signs, closing_parts, on_wire

SVG = "{http://www.w3.org/2000/svg}"


def picture(spec: rf.ResNetSpec | str, **changes: object) -> str:
    spec = rf.load(spec) if isinstance(spec, str) else spec
    spec = spec.replace(changes)
    return rf.plan(spec, spec.natural_input_size).to_svg()


def stage(*entries: dict[str, object], **more: object) -> rf.ResNetSpec:
    return rf.ResNetSpec(resforge=1, stages=[{"width": 64, "blocks": entries}], **more)


def arcs(svg: str) -> Counter[str]:
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return Counter(path.attrib["data-shortcut"] for path in paths if "data-shortcut" in path.attrib)


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def fills(svg: str) -> list[str]:
    return [
        path.get("fill", "")
        for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if path.get("fill-opacity")
    ]


class Part(NamedTuple):
    """Something on a wire, from its left to its right edge."""

    left: float
    right: float
    name: str

    def inside(self, box: Part) -> bool:
        """Whether it stands within ``box``, without being it."""
        return self != box and box.left <= self.left and self.right <= box.right


class Frame(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def apart(self, other: Frame) -> bool:
        return (
            self.right <= other.left
            or other.right <= self.left
            or self.bottom <= other.top
            or other.bottom <= self.top
        )


def frame_of(rect: ElementTree.Element) -> Frame:
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return Frame(x, y, x + width, y + height)


def numbers_of(path: ElementTree.Element) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]


def block_group(svg: str, name: str) -> ElementTree.Element:
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return next(g for g in groups if (g.findtext(f"{SVG}title") or "").startswith(f"{name}:"))


def wire_of(group: ElementTree.Element) -> list[Part]:
    """The parts on the wire of one block: its box, the ends of its arc, its signs."""
    axis, parts = None, []
    for path in group.iter(f"{SVG}path"):
        xs = numbers_of(path)
        if path.get("data-shortcut"):
            parts += [Part(xs[0], xs[0], "fork"), Part(xs[-3] - 5, xs[-3] + 5, "sum")]
        elif path.get("fill-opacity"):
            xs, ys = xs[::2], xs[1::2]
            parts.append(Part(min(xs), max(xs), "box"))
            axis = (min(ys) + max(ys)) / 2
    for rect in group.iter(f"{SVG}rect"):
        frame = frame_of(rect)
        if rect.get("data-sign") and (axis is None or frame.top < axis < frame.bottom):
            parts.append(Part(frame.left, frame.right, rect.attrib["data-sign"]))
    return parts


def arc_signs(group: ElementTree.Element) -> list[Frame]:
    beside = {part.left for part in wire_of(group)}
    frames = [frame_of(rect) for rect in group.iter(f"{SVG}rect") if rect.get("data-sign")]
    return [frame for frame in frames if frame.left not in beside]


def row_of(svg: str, name: str) -> str:
    """The parts on the wire of one block, from left to right; those in its box in brackets."""
    parts = sorted(wire_of(block_group(svg, name)))
    boxes = [part for part in parts if part.name == "box"]
    inside = [part for part in parts if any(part.inside(box) for box in boxes)]
    names = ", ".join(part.name for part in inside)
    row = (part.name for part in parts if part not in inside)
    return " ".join(f"box[{names}]" if name == "box" and inside else name for name in row)


def looks_of(group: ElementTree.Element) -> list[object]:
    """A block without its colours and its places."""
    looks = ("data-sign", "stroke-width", "stroke-dasharray")
    return [
        (node.tag, node.text, *(node.get(name) for name in looks))
        for node in group
        if not node.tag.endswith("title")
    ]


def without_colours(svg: str) -> str:
    """Everything in a picture but its colours, its title and its tips."""
    root = ElementTree.fromstring(svg)
    looks = ("d", "data-sign", "stroke-width", "stroke-dasharray")
    return str(
        [
            (node.tag, node.text, *(node.get(name) for name in looks))
            for node in root.iter()
            if node.tag.rpartition("}")[2] not in ("title", "desc", "style")
        ]
    )


def spelled(signs: Signs) -> str:
    return " ".join(sign.text for sign in signs)


def closing_texts(plan: rf.Plan) -> tuple[str, ...]:
    """Signs of what is left to be done after the last stage; those of layers, which stand in a box,
    too."""
    return tuple(sign.text for sign in on_wire(closing_parts(plan)))


def badges(svg: str) -> Counter[str]:
    """On what the sign of a difference stands, by the names that its tip begins with."""
    found: Counter[str] = Counter()
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        signs = [text.text for text in group.iter(f"{SVG}text")].count("≠")
        if signs:
            found[(group.findtext(f"{SVG}title") or "").partition(":")[0]] += signs
    return found


def beside(spec: rf.ResNetSpec, against: rf.ResNetSpec, size: int = 32) -> str:
    return rf.plan(spec, size).to_svg(rf.plan(against, size))
