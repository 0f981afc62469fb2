"""The names of Dive into Deep Learning's ResNet: the ``nn.Sequential`` of the older English and the
second Chinese edition, the class of the English 1.0, and ``d2l.resnet18``.

Its blocks are ``conv1, bn1, conv2, bn2``, and ``conv3`` for the 1x1 of the shortcut.
"""

from __future__ import annotations

from ...specs.network import ResNetSpec
from ..naming import Form, shallow
from .fixed import plain

WORDS = "those of Dive into Deep Learning"


def _form(conv: str, norm: str, stage: str, head: str) -> Form:
    return Form(
        (
            ("conv1", conv),
            ("bn1", norm),
            ("layer{s}.{b}.downsample.0", stage + ".{b}.conv3"),
            ("layer{s}.{b}.conv{n}", stage + ".{b}.conv{n}"),
            ("layer{s}.{b}.bn{n}", stage + ".{b}.bn{n}"),
            ("fc", head),
        ),
        shallow,
    )


FORMS = (
    # nn.Sequential(b1, b2, b3, b4, b5, pool, flatten, linear): English to 0.17, Chinese 2
    _form("0.0", "0.1", "{s}", "{stages+3}"),
    # class ResNet(d2l.Classifier), English 1.0
    _form("net.0.0", "net.0.1", "net.b{s+1}", "net.last.2"),
    # d2l.resnet18 of the chapters on several GPUs and fine-tuning, and the PyTorch version of
    # the first Chinese edition; its stem of one 3x3 has no pool
    _form("0", "1", "resnet_block{s}", "fc.1"),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the activation and the norms of the book."""
    return plain(spec)
