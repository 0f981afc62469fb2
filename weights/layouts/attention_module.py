"""The names of the authors' code of CBAM and BAM: torchvision's, with their modules beside.

CBAM is ``layer1.0.cbam.ChannelGate.mlp.1``, BAM ``bam1.channel_att.gate_c.gate_c_fc_0``. Layers
that weigh channels are linear there.
"""

from __future__ import annotations

from ..naming import Form, Rule
from .torchvision import BLOCK, HEAD, SHALLOW

WORDS = "those of CBAM's and BAM's authors"

_CBAM: tuple[Rule, ...] = (
    ("layer{s}.{b}.se.fc1", "layer{s}.{b}.cbam.ChannelGate.mlp.1"),
    ("layer{s}.{b}.se.fc2", "layer{s}.{b}.cbam.ChannelGate.mlp.3"),
    ("layer{s}.{b}.se.conv", "layer{s}.{b}.cbam.SpatialGate.spatial.conv"),
    ("layer{s}.{b}.se.norm", "layer{s}.{b}.cbam.SpatialGate.spatial.bn"),
)
_CHANNEL, _SPATIAL = "bam{s-1}.channel_att.gate_c.gate_c_", "bam{s-1}.spatial_att.gate_s.gate_s_"
_BAM: tuple[Rule, ...] = (
    ("before{s}.bam1.channel.fc1", _CHANNEL + "fc_0"),
    ("before{s}.bam1.channel.norm", _CHANNEL + "bn_1"),
    ("before{s}.bam1.channel.fc2", _CHANNEL + "fc_final"),
    ("before{s}.bam1.spatial.conv1", _SPATIAL + "conv_reduce0"),
    ("before{s}.bam1.spatial.norm1", _SPATIAL + "bn_reduce0"),
    ("before{s}.bam1.spatial.conv4", _SPATIAL + "conv_final"),
    ("before{s}.bam1.spatial.conv{n}", _SPATIAL + "conv_di_{n-2}"),
    ("before{s}.bam1.spatial.norm{n}", _SPATIAL + "bn_di_{n-2}"),
)

FORMS = (Form((*SHALLOW, *BLOCK, *_CBAM, *_BAM, *HEAD)),)
FLAT = ("se.fc1", "se.fc2", "channel.fc1", "channel.fc2")
