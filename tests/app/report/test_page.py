"""The page of a run: its contents, its escaping, and how a browser shows it."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.episodes.episode import Episode
from app.episodes.finder import EpisodeRules
from app.pages.charts import TIMELINE_BASE, TIMELINE_TOP
from app.records.schema import FaceRecord, Record
from app.report.page import ReportPage, render_report
from app.report.people import MAX_PEOPLE
from app.report.stills import (
    SIDE_PX,
    Still,
    make_picture_still,
)
from app.report.summary import MAX_PICTURES, Summary
from app.types import UNSURE, FaceQuality, Mode
from tests.support.browser import browse, needs_browser

EVIL = "<script>alert(1)</script>&\"'"


VOID = {"meta", "img", "line", "polygon"}


class Reader(HTMLParser):
    """Text, tables and addresses of a page; raises where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, text: str) -> None:
        if "style" not in self.open:
            self.text += text
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += text


def face(happy: float, face_id: int = 1, label: str = "happy") -> FaceRecord:
    shares = {label: happy, EVIL: 1 - happy}
    quality = FaceQuality(20.0, 0.0, 0.0, 0.5, 0.5)
    name = label if happy > 0.5 else EVIL
    return FaceRecord(face_id, (0, 0, 9, 9), 0.9, name, None, shares, quality=quality)


def summary_of(happy: list[float | None], source: str = "a.mp4", people: int = 1) -> Summary:
    summary = Summary()
    for n, value in enumerate(happy):
        faces = [None] if value is None else [face(value, k + 1) for k in range(people)]
        summary.add([Record(source, n, n / 10, one) for one in faces])
    summary.finish()
    return summary


def page_of(summary: Summary, stills: tuple[Still, ...] = (), **facts: Any) -> str:
    return render_report(ReportPage(summary, EpisodeRules(), stills, facts))


HAPPY = [0.9] * 10 + [None] * 10 + [0.1] * 20


def test_page_is_whole_and_alone() -> None:
    page = page_of(summary_of(HAPPY))
    reader = Reader(page)
    assert reader.addresses == []
    assert "script" not in reader.tags
    for forbidden in ("@import", "url(", "http://", "https://", "javascript:"):
        assert forbidden not in page
    assert ["frames without a face", "10", "25.0\xa0%", "of all frames"] in reader.rows
    assert ["small", "30", "100.0\xa0%", "box under 30 px"] in reader.rows
    assert ["blurred", "0", "0.0\xa0%", "sharpness under 0.05"] in reader.rows
    assert "no notes of the run" in reader.text


def test_whatever_comes_from_outside_is_escaped() -> None:
    episode = Episode(EVIL, 1, EVIL, 0, 0, 1, 0, 0.9, 0.9, 9)
    page = page_of(
        summary_of(HAPPY, source=EVIL),
        (Still(episode, b"jpeg"),),
        command=[EVIL],
        settings={EVIL: EVIL},
        model={"file": EVIL, "contract": {"labels": [EVIL], "metrics": {"recall": [0.5]}}},
        input={"files": [{"name": EVIL, "sha256": EVIL}], "stream": {EVIL: EVIL}},
        versions={EVIL: EVIL},
    )
    reader = Reader(page)
    assert "script" not in reader.tags
    assert EVIL not in page
    assert reader.text.count(EVIL) >= 10


def test_warnings_of_the_run_stand_above_the_figures() -> None:
    page = page_of(
        summary_of(HAPPY),
        cut_short="a.mp4 ends early <1>.",
        interrupted=True,
        mended="a.mp4 has a wrong time.",
    )
    head = page[: page.index('class="tiles"')]
    assert '<p class="lead">a.mp4 ends early &lt;1&gt;.</p>' in head
    assert '<p class="lead">a.mp4 has a wrong time.</p>' in head
    assert "The run was interrupted" in head
    assert "interrupted" not in page_of(summary_of(HAPPY))


def test_damaged_notes_do_not_stop_the_page() -> None:
    page_of(summary_of(HAPPY), model="x", timings={"frames_per_s": "fast"}, input=None)


@pytest.mark.parametrize("odd", [[], "x", 7, {"a": []}, [[]], {"metrics": [1], "labels": 3}])
def test_notes_of_another_shape_do_not_stop_the_page(odd: object) -> None:
    names = ("model", "timings", "settings", "input", "versions", "command", "cut_short")
    page_of(summary_of(HAPPY), **dict.fromkeys(names, odd))
    page_of(summary_of(HAPPY), model={"contract": odd}, input={"files": odd, "stream": odd})
    contract = {"labels": odd, "metrics": {"recall": odd, "accuracy": 0.5}, "training_data": odd}
    page_of(summary_of(HAPPY), model={"contract": contract})


def test_unsure_frames_are_drawn_where_they_are() -> None:
    """Of 4 s, those from 1 to 2 s are unsure."""
    summary = Summary()
    for n in range(40):
        one = face(0.9)
        is_unsure = 10 <= n < 20
        summary.add([Record("a.mp4", n, n / 10, replace(one, label=UNSURE) if is_unsure else one)])
    summary.finish()
    page = page_of(summary)
    (area,) = re.findall(r'<polygon class="area unsure" points="([^"]+)"', page)
    corners = [tuple(map(float, corner.split(","))) for corner in area.split()]
    high = [x for x, y in corners if y == TIMELINE_TOP]
    assert (min(high), max(high)) == pytest.approx((1000 * 1 / 4, 1000 * 1.9 / 4), abs=10)
    assert all(y == TIMELINE_BASE for x, y in corners if not 240 < x < 500)
    assert 'aria-label="unsure of face 1: 25.0\xa0% of its frames"' in page
    assert "area unsure" not in page_of(summary_of(HAPPY))


def test_labels_without_a_probability_are_not_lost() -> None:
    summary = Summary()
    for n in range(10):
        one = face(0.9)
        summary.add([Record("a.mp4", n, n / 10, replace(one, label="<calm>") if n < 4 else one)])
    summary.finish()
    assert "Labels without a probability: <calm> 40.0\xa0%." in Reader(page_of(summary)).text


def test_timeline_shows_what_the_records_say() -> None:
    page = page_of(summary_of(HAPPY))
    spans = re.findall(r'<rect class="span k(\d)" x="([\d.]+)" y="88" width="([\d.]+)"', page)
    # 0 to 1 s and 2 to 4 s of 4 s.
    assert [tuple(map(float, span)) for span in spans] == [(0, 0, 250), (1, 500, 500)]
    areas = re.findall(r'<polygon class="area k0" points="([^"]+)"', page)
    corners = [[tuple(map(float, p.split(","))) for p in area.split()] for area in areas]
    assert len(corners) == 2  # torn where the face is away
    assert (corners[0][0][0], corners[1][-1][0]) == pytest.approx((0, 1000 * 3.9 / 4), abs=10)
    heights = {round((82 - y) / 78, 2) for _, y in corners[0][1:-1]}
    assert heights == {0.9}
    reader = Reader(page)
    assert ["face 1", "happy", "0:00.00", "0:00.00", "0:01.00", "1.00 s", "90 %"] in reader.rows


def test_only_the_most_seen_have_a_timeline() -> None:
    text = Reader(page_of(summary_of([0.9] * 9, people=MAX_PEOPLE + 3))).text
    assert f"Face {MAX_PEOPLE} " in text
    assert f"Face {MAX_PEOPLE + 1} " not in text
    assert "3 more faces with at most 9 frames each" in text


def picture_summary(happy: Sequence[float | None]) -> Summary:
    summary = Summary()
    for n, value in enumerate(happy):
        summary.add([Record(f"{n}.png", n, 0.0, None if value is None else face(value))])
    summary.finish()
    return summary


def test_pictures_have_shares_and_no_timeline() -> None:
    reader = Reader(page_of(picture_summary((0.9, 0.9, 0.9, 0.1))))
    assert ["happy", "3", "75.0\xa0%"] in reader.rows
    assert ["pictures without a face", "0", "0.0\xa0%", "of all pictures"] in reader.rows
    assert "svg" not in reader.tags
    assert "4pictures" in reader.text
    for word in ("length", "episodes", "followed", "At the height"):
        assert word not in reader.text.partition("Model")[0]


def test_every_face_of_a_picture_has_a_row() -> None:
    two = [face(0.9), replace(face(0.2, 2), label=UNSURE, reason="several labels are as likely")]
    summary = Summary()
    summary.add([Record("a.png", 0, 0.0, one) for one in two])
    summary.add([Record("b.png", 1, 0.0)])
    summary.finish()
    still = make_picture_still(np.zeros((40, 80, 3), np.uint8), {1: (0, 0, 9, 9), 2: (50, 9, 9, 9)})
    page = render_report(ReportPage(summary, EpisodeRules(), (), {}, {"a.png": still}))
    reader = Reader(page)
    probable = f"{EVIL} 80\xa0%, happy 20\xa0%"
    assert ["1", "", "happy", f"happy 90\xa0%, {EVIL} 10\xa0%", "20 px, small"] in reader.rows
    said = f"{UNSURE}several labels are as likely"
    assert ["2", "", said, probable, "20 px, small"] in reader.rows
    assert "a.png 80 × 40 px, 2 faces" in reader.text
    assert "b.png no faces\nNo face was found in it." in reader.text
    assert len(reader.addresses) == 3  # the picture and two faces
    assert 'viewBox="0 0 80 40"' in page
    assert EVIL not in page


def test_only_the_first_pictures_are_shown_one_by_one() -> None:
    summary = picture_summary([0.9] * (MAX_PICTURES + 3))
    assert "3 more pictures are left out here" in Reader(page_of(summary)).text
    summary.add([Record("clip.mp4", 0, 0.5, face(0.9))])
    assert (summary.are_pictures, summary.pictures) == (False, {})


def test_records_without_any_face_make_a_page() -> None:
    text = Reader(page_of(summary_of([None] * 5))).text
    assert "No face was found" in text


def test_model_card_says_what_the_model_says_of_itself() -> None:
    from app.outputs.run_metadata import RunNotes
    from app.recognition.classifier import DEFAULT_MODEL, Classifier
    from app.sources.base import SourceDefaults

    classifier = Classifier(DEFAULT_MODEL, device="cpu")

    class Source(SourceDefaults):
        name, mode, warning, frame_count = "a.mp4", Mode.FILE, None, None

    notes = RunNotes(
        None,
        source=Source(),
        model=DEFAULT_MODEL,
        contract=classifier.contract,
        provider="CPU",
        settings={},
        interrupted=lambda: False,
        overwrite=False,
    )
    reader = Reader(page_of(summary_of(HAPPY), **notes.describe()))
    rows = {row[0]: row[1:] for row in reader.rows}
    assert rows["sha256"] == [notes.describe()["model"]["sha256"]]
    assert rows["method"] == [classifier.contract.method]
    tau = classifier.contract.prior_correction
    assert rows["decided"] == [f"prior correction {tau:.2f}"]
    assert rows["happiness"] == [f"{100 * classifier.contract.metrics['recall'][1]:.0f} %"]
    assert "one person corrected" not in rows


def test_page_names_the_profile_that_corrected_somebody() -> None:
    notes = {
        "model": {"file": "m.onnx", "contract": {"labels": ["a", "b"]}},
        "profile": {"name": "ann", "sha256": "ab12"},
        "counts": {"faces_with_profile": 7},
    }
    rows = {row[0]: row[1:] for row in Reader(page_of(summary_of(HAPPY), **notes)).rows}
    assert rows["one person corrected"] == ["by profile ann, 7 readings; sha256 ab12"]


MEASURE = """
<iframe id="page" style="width: %dpx; height: 4000px; border: 0"></iframe>
<script>
const page = document.getElementById("page");
page.onload = () => {
  const inside = page.contentDocument;
  const spans = [...inside.querySelectorAll("rect.span")].map(rect => {
    const whole = rect.ownerSVGElement.getBoundingClientRect();
    const part = rect.getBoundingClientRect();
    return [(part.left - whole.left) / whole.width, (part.right - whole.left) / whole.width];
  });
  const texts = [...inside.querySelectorAll(".label, .share, .axis span, td, th")];
  const small = texts.filter(e => parseFloat(page.contentWindow.getComputedStyle(e).fontSize) < 11);
  document.body.dataset.found = JSON.stringify({
    spans, small: small.length, width: inside.documentElement.scrollWidth,
    images: [...inside.images].every(image => image.naturalWidth > 0)});
};
page.srcdoc = %s;
</script>
"""


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_browser_shows_times_where_they_are(tmp_path: Path, width: int) -> None:
    picture = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    height = Episode("a", 1, "happy", 0, 0.3, 9, 3, 0.9, 0.9, 9)
    still = Still(height, cv2.imencode(".jpg", picture)[1].tobytes())
    page = page_of(summary_of(HAPPY), (still,), model={"sha256": "0f" * 32})
    text = json.dumps(page).replace("</", "<\\/")
    (tmp_path / "measure.html").write_text(MEASURE % (width, text), encoding="utf-8")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")

    profile = tmp_path / "profile"
    alone = browse(f"file://{tmp_path / 'page.html'}", profile=profile, width=width)
    assert "CONSOLE" not in alone.stderr
    assert "Face 1" in alone.stdout
    measure = f"file://{tmp_path / 'measure.html'}"
    done = browse(measure, "--virtual-time-budget=5000", profile=profile, width=width)
    match = re.search(r'data-found="([^"]+)"', done.stdout)
    assert match, done.stderr
    found = json.loads(match[1].replace("&quot;", '"'))
    assert found["spans"] == [pytest.approx([0, 0.25], abs=0.01), pytest.approx([0.5, 1], abs=0.01)]
    assert found["width"] <= width
    assert found["small"] == 0
    assert found["images"] is True
