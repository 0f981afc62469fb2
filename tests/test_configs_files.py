"""Files of other projects are read without running anything, and within one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
from resforge.configs.files import Files, parse
from resforge.configs.node import Code
from resforge.configs.python_text import read_python
from resforge.text.document import Source

MODEL = """\
norm = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=50, style='pytorch', norm_cfg=norm),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=1000, loss=dict(type='CE', w=2 * 0.5)),
)
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_python_is_read_as_literals(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": MODEL})
    found = rf.from_config(tmp_path / "net.py")
    assert found.spec.digest == rf.load("resnet50").replace({"init.zero_residual": True}).digest
    assert "model.head.loss" in found.ignored


def test_nothing_is_run(tmp_path: Path) -> None:
    bomb = f"open({str(tmp_path / 'ran')!r}, 'w').write('x')"
    tree = read_python(Source(f"import os\na = {bomb}\nb = -3\nc = (1, [2, None])\n"))
    assert tree.plain() == {"a": Code(bomb), "b": -3, "c": [1, [2, None]]}
    write(tmp_path, {"net.py": MODEL.replace("depth=50", f"depth={bomb}")})
    with pytest.raises(rf.SpecError, match="not run") as caught:
        rf.from_config(tmp_path / "net.py")
    assert (caught.value.line, caught.value.path) == (4, "model.backbone.depth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "line",
    [
        "model['backbone'].pop('style')",
        "model.update(dict(a=1), dict(b=2))",
        "model['backbone']['norm_cfg'].clear()",
        "model.update(dict(neck=None), **norm)",
        "del model['neck']",
        "open('x').write('y')",
        "for x in []: pass",
        "if True: model = None",
        "model |= dict(a=1)",
        "a = b = 3",
        "def f(): pass",
    ],
)
def test_statements_that_may_change_a_setting_are_refused(tmp_path: Path, line: str) -> None:
    write(tmp_path, {"net.py": f"{MODEL}{line}\n"})
    with pytest.raises(rf.SpecError, match="not run") as caught:
        rf.from_config(tmp_path / "net.py")
    assert caught.value.line == 8


@pytest.mark.parametrize("text", ["model = dict(", "a = " + "(" * 5000, "a = " + "-" * 5000 + "1"])
def test_text_that_is_no_python_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"net.py": text})
    with pytest.raises(rf.SpecError):
        rf.from_config(tmp_path / "net.py")


@pytest.mark.parametrize(
    ("lines", "depth"),
    [
        ("model['backbone']['depth'] = 101", 101),
        ("model['backbone'].update(depth=101)", 101),
        ("model['backbone'].update(dict(depth=18), depth=101)", 101),
        ("hooks = [1]\nhooks.append(open('x'))", 50),
        ("from pkg import ResNet as Net\nmodel['backbone'].update(type=Net)", 50),
        ("again = dict(model)\ndel norm", 50),
    ],
)
def test_python_files_change_what_they_set(tmp_path: Path, lines: str, depth: int) -> None:
    write(tmp_path, {"net.py": f"{MODEL}{lines}\n"})
    assert rf.plan(rf.from_config(tmp_path / "net.py").spec).depth == depth


def test_a_mapping_under_two_names_is_not_known_after_a_change(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": f"{MODEL}norm['type'] = 'GN'\n"})
    with pytest.raises(rf.SpecError, match="not run") as caught:
        rf.from_config(tmp_path / "net.py")
    assert caught.value.line == 8


def test_bases_that_python_files_import(tmp_path: Path) -> None:
    """As mmengine 0.10 reads them: mappings of a base are updated with all that they hold, those
    that a file sets replace the base's."""
    bases = "from mmengine.config import read_base\nwith read_base():\n    from ..base.net import "
    head = "from pkg.models import LinearClsHead\n"
    files = {
        "base/net.py": MODEL,
        "nets/a.py": f"{head}{bases}*\nmodel.update(dict(backbone=dict(depth=101)))\n"
        "model.head.update(type=LinearClsHead, num_classes=7)\n",
        "nets/b.py": f"{bases}model as theirs\nmodel = dict(backbone=theirs.backbone)\n",
        "nets/c.py": f"{bases}*\nmodel = dict(backbone=dict(type='ResNet', depth=18))\n",
        "nets/d.py": f"{bases}*\nmodel.merge(dict(backbone=dict(_delete_=True, type='ResNet',"
        " depth=34)))\nmodel.backbone.deep_stem = True\n",
    }
    write(tmp_path, files)
    a, b, c, d = (
        rf.from_config(tmp_path / f"nets/{name}.py", within=tmp_path).spec for name in "abcd"
    )
    assert (rf.plan(a).depth, a.head.num_classes) == (101, 7)  # type: ignore[union-attr]
    assert (rf.plan(b).depth, b.head) == (49, None)
    assert (rf.plan(c).depth, c.head) == (17, None)
    assert (rf.plan(d).depth, d.stem.kind) == (36, "deep_base")


@pytest.mark.parametrize(
    ("line", "says", "helps"),
    [
        ("from .none import *", "no such file", "put it there"),
        ("from ..above import *", "leaves the folder", "--within"),
        ("from .net import *", "is a base of itself", "remove"),
        ("from mmpretrain.configs.net import *", "is in a package", "from .file import *"),
        ("from .other import missing", "other has no missing", "name another"),
        ("from . import other", "is imported by from .file import *", ""),
        ("x = 1", "is imported by from .file import *", ""),
        ("from .other import *\nschedule.update(lr=1)", "schedule is not set before", "dict(...)"),
    ],
)
def test_bad_bases_of_python_files(tmp_path: Path, line: str, says: str, helps: str) -> None:
    files = {"net.py": f"with read_base():\n    {line}\n", "other.py": MODEL}
    write(tmp_path, files)
    with pytest.raises(rf.SpecError) as caught:
        rf.from_config(tmp_path / "net.py")
    assert says in caught.value.message
    assert helps in (caught.value.help or "")
    assert caught.value.line == line.count("\n") + 2


def test_bases_of_openmmlab(tmp_path: Path) -> None:
    child = "_base_ = ['../base/net.py']\nmodel = dict(backbone=dict(depth=101), head={more})\n"
    files = {
        "base/net.py": MODEL,
        "nets/a.py": child.format(more="dict(num_classes=7)"),
        "nets/b.py": child.format(more="dict(_delete_=True, type='Other')"),
        "nets/c.py": "_base_ = '../base/net.py'\nmodel = dict(backbone=_base_.model.backbone)\n",
    }
    write(tmp_path, files)
    spec = rf.from_config(tmp_path / "nets/a.py", within=tmp_path).spec
    assert (rf.plan(spec).depth, spec.head.num_classes) == (101, 7)  # type: ignore[union-attr]
    assert rf.from_config(tmp_path / "nets/b.py", within=tmp_path).spec.head is None
    same = rf.from_config(tmp_path / "nets/c.py", within=tmp_path).spec
    assert same.digest == rf.from_config(tmp_path / "base/net.py").spec.digest


def test_bases_of_detectron2(tmp_path: Path) -> None:
    base = "MODEL: {META_ARCHITECTURE: R, RESNETS: {DEPTH: 50, OUT_FEATURES: [res2, res5]}}\n"
    child = "_BASE_: base.yaml\nMODEL: {RESNETS: {DEPTH: 101}}\nINPUT: {SIZE: (640, 672)}\n"
    write(tmp_path, {"base.yaml": base, "net.yaml": child})
    found = rf.from_config(tmp_path / "net.yaml")
    assert rf.plan(found.spec).output_shape == (2048, 7, 7)
    assert [len(stage) for stage in rf.plan(found.spec).stages] == [3, 4, 23, 3]
    assert "INPUT" in found.ignored


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({"net.yaml": "MODEL: {}\n_BASE_: ../other.yaml"}, ("net.yaml", 2), "leaves the folder"),
        ({"net.yaml": "_BASE_: /etc/passwd"}, ("net.yaml", 1), "leaves the folder"),
        ({"net.yaml": "_BASE_: missing.yaml"}, ("net.yaml", 1), "no such file"),
        ({"net.yaml": "_base_: mmpretrain::a/b.py"}, ("net.yaml", 1), "a file of a package"),
        ({"net.yaml": "_BASE_: net.yaml"}, ("net.yaml", 1), "base of itself"),
        (
            {"net.yaml": "_BASE_: a.yaml", "a.yaml": "x: 1\n_BASE_: net.yaml"},
            ("a.yaml", 2),
            "base of itself",
        ),
        ({"net.yaml": "_BASE_: 3"}, ("net.yaml", 1), "name of a file"),
        ({"net.yaml": "_base_: [[]]"}, ("net.yaml", 1), "name of a file"),
    ],
)
def test_bases_stay_within_the_folder(
    tmp_path: Path, files: dict[str, str], place: tuple[str, int], message: str
) -> None:
    write(tmp_path / "inner", files)
    write(tmp_path, {"other.yaml": "MODEL: {}"})
    with pytest.raises(rf.SpecError, match=message) as caught:
        rf.from_config(tmp_path / "inner/net.yaml")
    assert (Path(caught.value.file or "").name, caught.value.line) == place
    assert caught.value.help


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path, {"other.yaml": "MODEL: {}", "inner/net.yaml": "_BASE_: link.yaml"})
    (tmp_path / "inner/link.yaml").symlink_to(tmp_path / "other.yaml")
    with pytest.raises(rf.SpecError, match="leaves the folder"):
        rf.from_config(tmp_path / "inner/net.yaml")


def test_defaults_of_hydra(tmp_path: Path) -> None:
    net = "_target_: timm.create_model\nmodel_name: {}\nnum_classes: ${{data.classes}}\n"
    files = {
        "train.yaml": "defaults:\n  - model: a\n  - /data: small\n  - optional local: x\n"
        "  - override hydra/launcher: y\n  - _self_\nmodel: {in_chans: 1}\n",
        "model/a.yaml": net.format("resnet18"),
        "model/b.yaml": "# @package _global_\nmodel: {num_classes: 3}\n",
        "data/small.yaml": "classes: 12\n",
        "two.yaml": "defaults: [train, {model: b}]\n",
        "out.yaml": "defaults: [{model: ../../x}]\n",
        "over.yaml": "defaults: [train, {override model: b}]\n",
    }
    write(tmp_path, files)
    spec = rf.from_config(tmp_path / "train.yaml").spec
    assert (spec.in_channels, spec.head.num_classes) == (1, 12)  # type: ignore[union-attr]
    two = rf.from_config(tmp_path / "two.yaml").spec
    assert two.head.num_classes == 3  # type: ignore[union-attr]
    for name, message in (("out", "leaves"), ("over", "override")):
        with pytest.raises(rf.SpecError, match=message) as caught:
            rf.from_config(tmp_path / f"{name}.yaml")
        assert caught.value.line == 1


def test_long_keys_and_many_labels_of_json() -> None:
    labels = {f"{'a long label, ' * 12}{index}": index for index in range(3000)}
    names = {str(index): label for label, index in labels.items()}
    text = json.dumps({"model_type": "resnet", "id2label": names, "label2id": labels})
    root = parse(Source(text, "config.json"))
    assert rf.from_config(root.plain()).spec.head.num_classes == 3000  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"{", b"- 1", b"a: b: c", b"{}", b"3"])
@pytest.mark.parametrize("name", ["net.yaml", "config.json", "net.py", "net.txt"])
def test_any_bytes_end_in_a_fault(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(rf.SpecError):
        rf.from_config(tmp_path / name)


@pytest.mark.parametrize("name", ["net.yaml", "net.py"])
def test_long_texts_are_refused_before_they_are_read(tmp_path: Path, name: str) -> None:
    line = "x: [1, 2]\n" if name.endswith("yaml") else "x = [1, 2]\n"
    (tmp_path / name).write_text(line * 30_000)
    with pytest.raises(rf.SpecError, match="characters are too many") as caught:
        rf.from_config(tmp_path / name)
    assert caught.value.help


def test_a_folder_is_that_of_its_config(tmp_path: Path) -> None:
    write(tmp_path, {"hub/config.json": '{"model_type": "resnet"}'})
    assert rf.from_config(tmp_path / "hub").spec.name == "hub"
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(rf.SpecError, match="nested"):
        rf.from_config({"a": deep})
    with pytest.raises(rf.SpecError, match="takes"):
        rf.from_config(3)  # type: ignore[arg-type]
    assert Files(tmp_path).folder == tmp_path.resolve()
