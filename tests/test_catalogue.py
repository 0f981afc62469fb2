"""The files of the catalogue, and every entry in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import resforge as rf
from resforge.planner import known
from resforge.specs import catalogue
from resforge.specs.catalogue import families
from resforge.text.reader import read

FILES = sorted(
    (file for file in files("resforge.specs.catalogue").iterdir() if file.name.endswith(".yaml")),
    key=lambda file: file.name,
)
NAMES = rf.list_specs()
MAX_LINES = 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_cut_into_what_it_holds(file: families.Traversable) -> None:
    """The entries that are found without reading the whole file are those of the whole file."""
    text = file.read_text(encoding="utf-8")
    whole = read(text, name=file.name).tree
    assert whole.keys() == {"family", "source", "entries"}
    found = list(families.cut(text))
    assert [entry.name for entry in found] == list(whole["entries"])
    assert all(len(line) <= 100 for line in text.splitlines())
    for entry in found:
        assert (entry.family, entry.source) == (whole["family"], whole["source"])
        tree = {"resforge": 1, "name": entry.name, **whole["entries"][entry.name]}
        assert catalogue.tree(entry.name) == tree
        assert entry.base == tree.get("base")
        assert entry.is_alias == (tree.keys() == {"resforge", "name", "base"})
        assert entry.text.startswith("# "), "each entry says where it comes from"


def test_a_name_stands_once() -> None:
    names = Counter(
        entry.name for file in FILES for entry in families.cut(file.read_text(encoding="utf-8"))
    )
    assert names.most_common(1)[0][1] == 1
    assert set(NAMES) == set(names)


def test_every_entry_is_a_network_of_at_most_twenty_lines() -> None:
    digests: dict[str, str] = {}
    for name in NAMES:
        spec = rf.load(name)
        text = spec.to_yaml()
        assert spec.name == name
        assert len(text.splitlines()) <= MAX_LINES, text
        assert rf.loads(text) == spec, name
        rf.plan(spec)
        # One network under two names is an entry that holds only its base.
        if not catalogue.entry(name).is_alias:
            assert digests.setdefault(spec.digest, name) == name


def test_catalogue_is_in_natural_order() -> None:
    assert rf.list_specs("cifar_resnet*")[-2:] == ["cifar_resnet110", "cifar_resnet1202"]
    assert NAMES.index("resnet50") < NAMES.index("resnet101")


HEADER = "# A paper.\nfamily: mine\nsource: paper\nentries:\n"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes a text the whole catalogue."""

    def put(text: str) -> None:
        known = {entry.name: entry for entry in families.cut(HEADER + text)}
        monkeypatch.setattr(catalogue, "entries", lambda: known)

    return put


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("  a: {base: a}\n", "a -> a"),
        ("  a: {base: b}\n  b:\n    base: c\n  c: {base: a}\n", "a -> b -> c -> a"),
        ("  a: {base: b}\n  b:\n    base: c\n  c: {base: b}\n", "b -> c -> b"),
    ],
)
def test_entries_that_start_from_each_other(
    text: str, circle: str, written: Callable[[str], None]
) -> None:
    written(text)
    with pytest.raises(rf.SpecError) as caught:
        rf.loads("resforge: 1\nbase: a\n")
    assert (caught.value.path, caught.value.line) == ("base", 2)
    assert caught.value.message == f"entries of the catalogue start from each other: {circle}"


def test_an_entry_that_starts_from_no_entry(written: Callable[[str], None]) -> None:
    written("  first: {base: secnd}\n  second: {stages: [{depth: 1, width: 8}]}\n")
    with pytest.raises(rf.SpecError, match="no 'secnd' in the catalogue") as caught:
        rf.load("first")
    assert "did you mean 'second'?" in str(caught.value.help)
    assert rf.load("second").stages[0].width == 8


def test_names_by_parameters() -> None:
    between = rf.list_specs("resnet*", source="torchvision", params="21M..26M")
    assert between == ["resnet34", "resnet50"]
    assert rf.list_specs("resnet*", source="torchvision", params="..21.8M") == [
        "resnet18",
        "resnet34",
    ]
    assert rf.list_specs("cifar_resnet*", params=(1_500_000, None)) == rf.list_specs(
        "cifar_resnet*", params="1500k.."
    )
    assert rf.list_specs("resnet50", params=(25_557_032, 25_557_032)) == ["resnet50"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("10M", "'10M' is not a range of parameters"),
        ("..", "'..' is not a range of parameters"),
        ("-1M..2M", "'-1M..2M' is not a range of parameters"),
        ("1e6..2e6", "'1e6..2e6' is not a range of parameters"),
        (5, "params as a range, not int"),
        ((1, 2, 3), r"\(1, 2, 3\) is not a range of parameters"),
        (("1", 2), r"\('1', 2\) is not a range of parameters"),
        ((None, float("nan")), r"\(None, nan\) is not a range of parameters"),
        ((True, 2), r"\(True, 2\) is not a range of parameters"),
        ("30M..10M", "30,000,000 to 10,000,000 parameters: the first is more than the second"),
    ],
)
def test_what_is_no_range(params: Any, message: str) -> None:
    with pytest.raises(rf.SpecError, match=message) as caught:
        rf.list_specs(params=params)
    assert caught.value.help


def test_families_and_sources() -> None:
    assert rf.list_specs(family="resnet_deep") == rf.list_specs("*", source="semseg")
    assert rf.list_specs("*101*", family="resnet_deep") == ["resnet101_deep"]
    assert rf.list_specs(family="resnext", source="d2l") == []
    with pytest.raises(rf.SpecError, match="no family 'resnex' in the catalogue") as caught:
        rf.list_specs(family="resnex")
    assert caught.value.help == "did you mean 'resnext'?"
    with pytest.raises(rf.SpecError, match="no source 'Torchvison'"):
        rf.list_specs(source="Torchvison")
    for wrong in ({"family": 5}, {"source": 5}, {"pattern": None}):
        with pytest.raises(rf.SpecError, match=f"{next(iter(wrong))} as text"):
            rf.list_specs(**wrong)  # type: ignore[arg-type]


def test_the_stored_figures_are_those_of_the_catalogue() -> None:
    """Where this fails, run ``python docs/tables.py``."""
    stored = json.loads((files("resforge.planner") / known.FILE).read_text(encoding="utf-8"))
    assert stored["fingerprint"] == known.fingerprint()
    assert [*stored["networks"]] == known.networks()
    for name in known.networks()[::9]:
        assert known.planned(rf.load(name)) == known.known_of(name)
