"""What turns the last feature map into an answer."""

from __future__ import annotations

from typing import Annotated, Any

from .base import expand_kind, short_tree, shorten_kind
from .operation import Chain, Operation, Steps, shorten_chain
from .registry import Kinds, UnionOf
from .site import Site


class HeadSpec(Operation):
    """Base of every kind of head, built-in or registered.

    A head is a chain: a kind says which (:meth:`steps`). A kind with a module of its own defines
    ``trace`` and ``call`` instead, as an operation does.
    """

    def steps(self, site: Site) -> Steps:
        """The operations of the head, by the names that their modules have in the network."""
        return (("head", self),)

    @property
    def classes(self) -> int | None:
        """Numbers that the head puts out, where it says so."""
        return getattr(self, "num_classes", None)

    def with_classes(self, classes: int) -> HeadSpec | None:
        """The head that puts out ``classes`` numbers; None for a kind that cannot say so.

        0 is for what the last linear layer takes.

        >>> from resforge.specs import ClassifierSpec
        >>> ClassifierSpec(dropout=0.2).with_classes(5)
        ClassifierSpec(kind='classifier', num_classes=5, dropout=0.2)
        """
        if "num_classes" not in type(self).model_fields:
            return None
        return type(self)(**{**self.model_dump(mode="json"), "num_classes": classes})


HEADS: Kinds[HeadSpec] = Kinds("head", HeadSpec)
"""The kinds of heads that a file can name. Grown by :func:`resforge.register`, from Python only."""


def expand_head(value: Any) -> Any:
    """The long form of a head: a bare kind, a chain written out, or the fields of a classifier.

    >>> expand_head({"num_classes": 10})
    {'kind': 'classifier', 'num_classes': 10}
    """
    if isinstance(value, dict) and "kind" not in value:
        return {"kind": "classifier", **value}
    return {"kind": "chain", "layers": value} if isinstance(value, list) else expand_kind(value)


def _settle_head(value: Any) -> Any:
    """The long form of a head; the usual one where a mapping names no kind."""
    long = expand_head(value)
    if isinstance(long, dict) and "kind" not in long:
        return {"kind": "chain" if "layers" in long else "classifier", **long}
    return long


AnyHead = Annotated[HeadSpec, UnionOf(lambda: HEADS, _settle_head, Chain)]


def shorten_head(head: HeadSpec) -> Any:
    """The shortest way to write ``head``, its number of classes said."""
    layers = getattr(head, "layers", None)
    if layers is not None:
        return shorten_chain(layers)
    tree = short_tree(head)
    tree = {"kind": tree} if isinstance(tree, str) else tree
    classes = getattr(head, "num_classes", None)
    said = {} if classes is None else {"num_classes": classes}
    return shorten_kind({"kind": head.kind, **said, **tree})
