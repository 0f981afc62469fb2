"""Links into the playground: the spec of a YAML example in the fragment of an address."""

from __future__ import annotations

import base64
import posixpath
import re
import zlib

APP = "playground/app/index.html"
_YAML = re.compile(r"^```yaml\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
#: Only a whole spec says the version of the language.
_WHOLE = re.compile(r"^resforge: 1$", re.MULTILINE)


def with_links(markdown: str, source: str) -> str:
    """The text of the page ``source``, with a link to the playground after each whole spec.

    >>> page = "```yaml\\nresforge: 1\\nbase: resnet18\\n```\\n"
    >>> print(with_links(page, "tutorials/define.md").splitlines()[-1][:53])
    [Open in the playground](../playground/app/index.html
    """
    app = posixpath.relpath(APP, posixpath.dirname(source) or ".")

    def linked(found: re.Match[str]) -> str:
        if _WHOLE.search(found[1]) is None:
            return found[0]
        return f"{found[0]}\n[Open in the playground]({app}{fragment(found[1])})\n"

    return _YAML.sub(linked, markdown)


def fragment(text: str) -> str:
    """What the playground reads after its address: the text, deflated, as base64url.

    >>> fragment("resforge: 1\\n")
    '#spec=K0otTssvSk-1UjDkAgA'
    """
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(text.encode()) + packer.flush()
    return "#spec=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")
