"""A small pen for SVG: shapes and text, in colours for light and for dark pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple


class Colour(NamedTuple):
    """One colour, as it stands on a light and on a dark page."""

    light: str
    dark: str


# Hues after Okabe and Ito's palette for the colour-blind, set for contrast on either paper.
COLOURS: Final = {
    "paper": Colour("#ffffff", "#0d1117"),
    "ink": Colour("#1f2328", "#e6edf3"),
    "muted": Colour("#59636e", "#9da7b3"),
    "wire": Colour("#818b98", "#7d8590"),
    "rule": Colour("#d1d9e0", "#30363d"),
    "blue": Colour("#0065a8", "#58a6ff"),
    "green": Colour("#00785a", "#35c79a"),
    "amber": Colour("#9a6700", "#e3b341"),
    "orange": Colour("#c94f00", "#ff8f47"),
    "purple": Colour("#a3337d", "#f08bc8"),
    "violet": Colour("#6b4fbb", "#b39cff"),
    "slate": Colour("#57606a", "#a5b0bd"),
}
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

# What XML 1.0 cannot hold: control characters, lone surrogates, the two non-characters.
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# As xml.sax.saxutils.escape, whose import takes 50 ms: it brings sockets and SSL.
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def clean(text: str) -> str:
    """``text`` for an XML or HTML document: escaped, without what XML cannot hold.

    >>> clean('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text).translate(_ENTITIES)


def width_of(text: str, size: float) -> float:
    """About how wide ``text`` stands, rather too wide than too narrow: fonts differ."""
    return 0.61 * size * len(text)


def fit(text: str, size: float, width: float) -> str:
    """``text``, cut with an ellipsis where it would be wider than ``width``."""
    most = max(1, int(width / width_of(" ", size)))
    return text if len(text) <= most else text[: most - 1] + "…"


class Pen:
    """Collects the elements of one picture.

    Every colour is written twice: as an attribute, for readers that know no style sheets, and
    as a class that the dark style sheet of :meth:`svg` takes up. ``prefix`` keeps the classes of
    several pictures on one page apart.

    >>> pen = Pen("a1")
    >>> pen.text(10, 20, "1 < 2", size=12)
    >>> pen.parts[0]
    '<text x="10" y="20" font-size="12" fill="#1f2328" class="a1-f-ink">1 &lt; 2</text>'
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.parts: list[str] = []
        self._roles: set[tuple[str, str]] = set()

    def path(
        self, d: str, fill: str | None = None, stroke: str | None = None, **more: object
    ) -> None:
        """A path; colours by name. Of ``more``, an underscore in a key is a hyphen in SVG."""
        paints = (("fill", fill), ("stroke", stroke))
        self.parts.append(f'<path d="{d}"{self._attributes(paints, more)}/>')

    def circle(self, x: float, y: float, r: float, fill: str, stroke: str | None = None) -> None:
        paints = (("fill", fill), ("stroke", stroke))
        place = {"cx": x, "cy": y, "r": r}
        self.parts.append(f"<circle{self._attributes(paints, place)}/>")

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str | None = None,
        stroke: str | None = None,
        **more: object,
    ) -> None:
        place: dict[str, object] = {"x": x, "y": y, "width": width, "height": height, **more}
        paints = (("fill", fill), ("stroke", stroke))
        self.parts.append(f"<rect{self._attributes(paints, place)}/>")

    def text(
        self, x: float, y: float, text: str, size: float, fill: str = "ink", **more: object
    ) -> None:
        place: dict[str, object] = {"x": x, "y": y, "font_size": size, **more}
        attributes = self._attributes((("fill", fill),), place)
        self.parts.append(f"<text{attributes}>{clean(text)}</text>")

    def open(self, title: str = "", **more: object) -> None:
        """Begin a group; ``title`` shows while the pointer rests on it."""
        self.parts.append(f"<g{self._attributes((), more)}>")
        if title:
            self.parts.append(f"<title>{clean(title)}</title>")

    def close(self) -> None:
        self.parts.append("</g>")

    def style(self) -> str:
        """The style sheet that turns the colours used so far for dark pages."""
        rules = "".join(
            f".{self.prefix}-{paint[0]}-{role}{{{paint}:{COLOURS[role].dark}}}"
            for paint, role in sorted(self._roles)
        )
        return f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"

    def svg(self, width: float, height: float, title: str, desc: str) -> str:
        """The finished picture, on paper of its own: it reads well on any page."""
        paper = Pen(self.prefix)
        paper.rect(0, 0, width, height, "paper", rx=10)
        self._roles |= paper._roles
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_num(width)} {_num(height)}"'
            f' width="{_num(width)}" height="{_num(height)}" role="img"'
            f' style="max-width:100%;height:auto" font-family="{clean(FONT)}"'
            ' fill="none" stroke-linejoin="round" stroke-linecap="round">'
        )
        body = [f"<title>{clean(title)}</title>", f"<desc>{clean(desc)}</desc>", self.style()]
        return "\n".join([head, *body, *paper.parts, *self.parts, "</svg>"]) + "\n"

    def _attributes(
        self,
        paints: tuple[tuple[str, str | None], ...],
        more: Mapping[str, object],
    ) -> str:
        plain = [f' {key.replace("_", "-")}="{clean(_num(value))}"' for key, value in more.items()]
        used = [(paint, role) for paint, role in paints if role]
        colours = [f' {paint}="{COLOURS[role].light}"' for paint, role in used]
        self._roles.update(used)
        classes = " ".join(f"{self.prefix}-{paint[0]}-{role}" for paint, role in used)
        named = [f' class="{classes}"'] if classes else []
        return "".join((*plain, *colours, *named))


def _num(value: object) -> str:
    """A coordinate without needless digits; text as it is."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
