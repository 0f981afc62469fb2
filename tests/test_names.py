"""Names in any script and with any character, in figures and in Markdown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import resforge as rf
import torch
from markdown_it import MarkdownIt
from report_records import done, make_records
from resforge.ablation import render
from resforge.classify.evaluation import Evaluation
from resforge.classify.figures.confusion import write_confusion
from resforge.classify.figures.predictions import write_predictions
from resforge.classify.runs.use import Prediction
from resforge.export.pretrained import save_pretrained

SCRIPTS = ("中文名字", "😀", "हिन्दी", "عربى", "தமிழ்", "ไทย", "한국어")
HOSTILE = ("a\udc80b", "a\nb", "a\x01b", "$x^{", "<b>&", "\u202eabc")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_report_has_names_in_every_script_and_no_warning(name: str) -> None:
    arms = {(name, label): [done(error)] * 3 for label, error in ((name, 0.2), ("A", 0.1))}
    page = render(make_records(arms, title=name), "html")
    assert page.count(name) > 10


@pytest.mark.parametrize("name", [*SCRIPTS, *HOSTILE])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_figures_of_classes_are_drawn_without_warnings(
    tmp_path: Path, name: str, kind: str
) -> None:
    classes, pixels = [name, "b"], np.zeros((4, 4, 3), np.uint8)
    write_confusion(tmp_path / f"c.{kind}", Evaluation(torch.eye(2), 0.5), classes)
    predicted = Prediction(Path(f"{name}.jpg"), torch.tensor([0.75, 0.25]), pixels)
    write_predictions(tmp_path / f"p.{kind}", [predicted], classes)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "name", ["<script>x</script>", "![x](y)", "*a*", "[a](b)", "`a`", "# a", "$x$", "a | b", " "]
)
def test_a_model_card_shows_the_name_and_nothing_else(tmp_path: Path, name: str) -> None:
    save_pretrained(rf.build(rf.load("digits_resnet8").replace({"name": name})), tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    tokens = MarkdownIt("commonmark").parse(card)
    heading = next(token for token in tokens if token.type == "inline")
    children = heading.children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == (name.strip() or "A residual network")
    assert [token.content.strip() for token in tokens if token.type == "html_block"] == []
    picture = (tmp_path / "network.svg").read_text(encoding="utf-8")
    assert "<script" not in picture
