"""The page says what happened, to people and to a parser, and needs nothing else."""

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image as Picture

from training.making.retrain_report import list_mistakes
from training.measures.metrics import measure_metrics
from training.own_pictures.picture_table import PictureRow as Row
from training.page.report import MAX_ROWS, Mistake, RetrainingPage, render_retraining

LABELS = ("calm", "<wild> & free")
VOID = {"meta", "img"}
LOGITS = np.array([[2.0, 0.0], [0.0, 3.0], [0.0, 1.0], [1.0, 0.0]])
TRUE = np.array([0, 0, 1, 1])


class Reader(HTMLParser):
    """Tables as rows of text, and every address; raises where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.text += text
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += text


def rows(count: int, label: str, split: str) -> list[Row]:
    status = "face" if split else "no face"
    return [Row(f"{label}/{split}{n}", label, split, f"g{n}", status, "") for n in range(count)]


@pytest.fixture
def page() -> RetrainingPage:
    return RetrainingPage(
        title="mine <1>",
        made="2026-01-02",
        labels=LABELS,
        pictures=(
            *rows(5, LABELS[0], "train"),
            *rows(2, LABELS[0], "valid"),
            *rows(4, LABELS[1], "train"),
            *rows(2, LABELS[1], "valid"),
            *rows(3, LABELS[1], ""),
        ),
        notes=("3 pictures skipped & more",),
        lines=tuple(
            {
                "epoch": n + 1,
                "loss": 1.5 / (n + 1),
                "valid_nll_averaged": 1.0,
                "valid_accuracy": 0.25 * n,
                "valid_accuracy_averaged": 0.5,
            }
            for n in range(3)
        ),
        chosen_epoch=2,
        metrics=measure_metrics(LOGITS, TRUE),
        temperature=1.25,
        mistakes=list_mistakes(
            LOGITS,
            TRUE,
            names=["a.png", "b.png", "c.png", "d.png"],
            classes=LABELS,
            temperature=1.0,
            crops=np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3),
        ),
        settings={"train.epochs": "3"},
        commands=(("Run it:", "python run_demo.py --model 'my model.onnx'"),),
        weights="It began from chance, as asked.",
        weight_lines=("taken: classifier.weight",),
    )


def test_page_is_whole_and_alone(page: RetrainingPage) -> None:
    html = render_retraining(page)
    reader = Reader(html)
    assert all(address.startswith("data:image/png;base64,") for address in reader.addresses)
    assert "<script" not in html
    assert "@import" not in html
    assert "url(" not in html
    for text in (
        "mine <1>",
        "3 pictures skipped & more",
        "2026-01-02",
        "50.0 %",
        "2 of 4",
        "Temperature 1.25",
        "python run_demo.py --model 'my model.onnx'",
        "It began from chance, as asked.",
        "taken: classifier.weight",
        "epoch 2, whose weights",
    ):
        assert text in reader.text
    assert "prefers-color-scheme: dark" in html
    assert "width=device-width" in html


def test_tables_hold_the_counts(page: RetrainingPage) -> None:
    counts, skipped, each, confusion, settings = Reader(render_retraining(page)).tables
    assert counts == [
        ["label", "training", "validation", "groups", "skipped"],
        ["calm", "5", "2", "5", "0"],
        ["<wild> & free", "4", "2", "4", "3"],
        ["all", "9", "4", "5", "3"],
    ]
    assert [row[0] for row in skipped[1:]] == [f"<wild> & free/{n}" for n in range(3)]
    assert each[1:] == [
        ["calm", "50.0 %", "1 of 2", "50.0 %", "1 of 2"],
        ["<wild> & free", "50.0 %", "1 of 2", "50.0 %", "1 of 2"],
    ]
    assert [row[1:] for row in confusion] == [list(LABELS), ["1", "1"], ["1", "1"]]
    assert settings[1] == ["train.epochs", "3"]


def test_mistakes_are_pictures_with_the_surest_first(page: RetrainingPage) -> None:
    first, second = page.mistakes
    assert (first.name, first.true, first.said) == ("b.png", LABELS[0], LABELS[1])
    assert first.probability == pytest.approx(1 / (1 + np.exp(-3)))
    assert (second.name, second.true, second.said) == ("d.png", LABELS[1], LABELS[0])
    shown = [
        np.asarray(Picture.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))
        for address in Reader(render_retraining(page)).addresses
    ]
    crop = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)[1]
    np.testing.assert_array_equal(shown[0], crop[..., ::-1])  # BGR is shown as RGB


def test_page_without_mistakes_or_skipped_pictures(page: RetrainingPage) -> None:
    clean = replace(
        page,
        mistakes=(),
        notes=(),
        pictures=tuple(row for row in page.pictures if row.is_used),
        metrics=measure_metrics(np.array([[9.0, 0.0], [0.0, 9.0]]), np.array([0, 1])),
    )
    text = Reader(render_retraining(clean)).text
    assert "None of the 2 validation pictures was misread." in text
    assert "No picture was skipped." in text
    assert "To know" not in text


def test_label_that_was_never_seen_has_no_figure(page: RetrainingPage) -> None:
    metrics = measure_metrics(np.array([[1.0, 0.0]]), np.array([0]))
    each = Reader(render_retraining(replace(page, metrics=metrics))).tables[2]
    assert each[2] == ["<wild> & free", "–", "0 of 0", "–", "0 of 0"]


def test_long_table_of_skipped_pictures_is_cut(page: RetrainingPage) -> None:
    many = tuple(rows(MAX_ROWS + 7, LABELS[0], ""))
    reader = Reader(render_retraining(replace(page, pictures=(*page.pictures, *many))))
    assert len(reader.tables[1]) == 1 + MAX_ROWS
    assert "10 more stand in pictures.csv." in reader.text


def test_names_of_pictures_are_escaped(page: RetrainingPage) -> None:
    odd = Mistake('"><script>', b"", LABELS[1], LABELS[0], 0.5)
    assert "<script" not in render_retraining(replace(page, mistakes=(odd,)))


def test_labels_titles_and_reasons_are_escaped(page: RetrainingPage) -> None:
    odd = '"><script>&'
    picture = replace(page.pictures[0], label=odd, path=odd, split="", reason=odd)
    html = render_retraining(
        replace(
            page,
            title=odd,
            labels=(odd, *page.labels[1:]),
            pictures=(picture, *page.pictures[1:]),
            notes=(odd,),
            settings={odd: odd},
            commands=((odd, odd),),
            weights=odd,
            weight_lines=(odd,),
        )
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;&amp;") >= 8
