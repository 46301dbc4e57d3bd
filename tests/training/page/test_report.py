"""The page says what happened, to people and to a parser, and needs nothing else."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Picture

from training.making.retrain_report import mistakes
from training.measures.metrics import measure
from training.own_pictures.picture_table import Picture as Row
from training.page.report import MAX_ROWS, Mistake, Page, render
from training.page.svg import HEIGHT, WIDTH, Series, line_chart, reliability_chart, ticks

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
def page() -> Page:
    return Page(
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
        metrics=measure(LOGITS, TRUE),
        temperature=1.25,
        mistakes=mistakes(
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


def test_page_is_whole_and_alone(page: Page) -> None:
    html = render(page)
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


def test_tables_hold_the_counts(page: Page) -> None:
    counts, skipped, each, confusion, settings = Reader(render(page)).tables
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


def test_mistakes_are_pictures_with_the_surest_first(page: Page) -> None:
    first, second = page.mistakes
    assert (first.name, first.true, first.said) == ("b.png", LABELS[0], LABELS[1])
    assert first.probability == pytest.approx(1 / (1 + np.exp(-3)))
    assert (second.name, second.true, second.said) == ("d.png", LABELS[1], LABELS[0])
    shown = [
        np.asarray(Picture.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))
        for address in Reader(render(page)).addresses
    ]
    crop = np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3)[1]
    np.testing.assert_array_equal(shown[0], crop[..., ::-1])  # BGR is shown as RGB


def test_page_without_mistakes_or_skipped_pictures(page: Page) -> None:
    clean = replace(
        page,
        mistakes=(),
        notes=(),
        pictures=tuple(row for row in page.pictures if row.used),
        metrics=measure(np.array([[9.0, 0.0], [0.0, 9.0]]), np.array([0, 1])),
    )
    text = Reader(render(clean)).text
    assert "None of the 2 validation pictures was misread." in text
    assert "No picture was skipped." in text
    assert "To know" not in text


def test_label_that_was_never_seen_has_no_figure(page: Page) -> None:
    metrics = measure(np.array([[1.0, 0.0]]), np.array([0]))
    each = Reader(render(replace(page, metrics=metrics))).tables[2]
    assert each[2] == ["<wild> & free", "–", "0 of 0", "–", "0 of 0"]


def test_long_table_of_skipped_pictures_is_cut(page: Page) -> None:
    many = tuple(rows(MAX_ROWS + 7, LABELS[0], ""))
    reader = Reader(render(replace(page, pictures=(*page.pictures, *many))))
    assert len(reader.tables[1]) == 1 + MAX_ROWS
    assert "10 more stand in pictures.csv." in reader.text


def test_names_of_pictures_are_escaped(page: Page) -> None:
    odd = Mistake('"><script>', b"", LABELS[1], LABELS[0], 0.5)
    assert "<script" not in render(replace(page, mistakes=(odd,)))


def test_labels_titles_and_reasons_are_escaped(page: Page) -> None:
    odd = '"><script>&'
    picture = replace(page.pictures[0], label=odd, path=odd, split="", reason=odd)
    html = render(
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


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 37, [10, 20, 30]),
        (1, 3, [1, 1.5, 2, 2.5, 3]),
        (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round(low: float, high: float, wanted: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "points", [(), ((1.0, 0.5),), ((1.0, 0.5), (2.0, 0.9), (3.0, 7.0))], ids=len
)
def test_lines_stay_within_the_drawing(points: Sequence[tuple[float, float]]) -> None:
    drawing = line_chart(
        "a & b", [Series("one", tuple(points))], x_label="epoch", y_range=(0, 1), mark_x=1.0
    )
    root = ElementTree.fromstring(drawing)
    assert root.findtext("title") == "a & b"
    lines = root.findall("polyline")
    assert len(lines) == (len(points) > 1)
    assert len(root.findall("circle")) == (len(points) == 1)
    for line in lines:
        places = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        assert len(places) == len(points)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_reliability_has_a_bar_and_a_dot_a_filled_bin() -> None:
    bins = measure(LOGITS, TRUE).reliability
    root = ElementTree.fromstring(reliability_chart("title", bins))
    filled = [one for one in bins if one.count]
    assert len(root.findall("rect")) == len(root.findall("circle")) == len(filled)
