"""Faces of the plates are found by their place, judged by Darwin's words, and told in a table."""

import numpy as np
import pytest

from app.errors import DataError
from app.types import Face, Frame, FrameResult, TrackedFace
from tools.darwin_plates import FACES, find_face
from tools.read_darwin import (
    PAGE,
    Reading,
    find_in,
    format_row,
    format_summary,
    read_faces,
    reduce_picture,
    replace_readings,
)

LABELS = ("neutral", "happiness", "contempt")


def tracked(box: tuple[float, float, float, float], shares: tuple[float, ...]) -> TrackedFace:
    values = np.array(shares, np.float32)
    face = Face(box, np.zeros((6, 2), np.float32), 0.9)
    return TrackedFace(face, 1, LABELS[int(values.argmax())], values, values)


NEAR = tracked((100, 100, 200, 200), (0.1, 0.7, 0.2))
WIDE = tracked((0, 0, 190, 400), (0.8, 0.1, 0.1))


@pytest.mark.parametrize(
    ("xy", "found"), [((150, 150), NEAR), ((20, 20), WIDE), ((100, 300), WIDE), ((300, 300), None)]
)
def test_a_face_is_found_by_its_place(xy: tuple[int, int], found: TrackedFace | None) -> None:
    assert find_in([WIDE, NEAR], *xy) is found


def test_a_face_that_was_not_found_stays_in_the_table() -> None:
    smiling, false = find_face("plate-3", 1), find_face("plate-3", 6)
    x, y, _ = smiling.face_xys
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 0, 0.0, "plate")
    here = tracked((x - 9, y - 9, x + 9, y + 9), (0.2, 0.7, 0.1))
    readings = read_faces(FrameResult(frame, (here,), LABELS), [smiling, false])
    assert [one.is_right for one in readings] == [True, False]
    assert [format_row(one) for one in readings] == [
        "| III, 1 | smile or laughter | happiness | happiness 70 % | neutral 20 % | happiness "
        "| right |",
        "| III, 6 | false smile | none | no face found |  |  | not counted |",
    ]


def test_the_summary_counts_by_the_rule() -> None:
    def said(plate: str, figure: int, label: str, shown: str) -> Reading:
        return Reading(find_face(plate, figure), ((label, 0.6), ("fear", 0.4)), shown)

    readings = [
        said("plate-3", 1, "happiness", "happiness"),
        said("plate-3", 6, "happiness", "happiness"),  # does not count
        said("plate-4", 1, "anger", "unsure (not confident)"),  # right: anger or contempt
        said("plate-5", 1, "neutral", "neutral"),
        Reading(find_face("plate-2", 6)),
    ]
    assert format_summary(readings, 1) == (
        "The program finds 4 of the 5 faces (not Plate II, 6). 1 other face was found. 3 of them "
        "count, and it reads **2 of these as Darwin does**. It shows a label for 2 of the 3, 1 of "
        'them right, and "unsure" for the others.'
    )


def test_the_page_keeps_all_but_its_readings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    once = replace_readings(page, "none yet")
    assert replace_readings(once, "none yet") == once
    assert once.count("none yet") == 1
    assert once.startswith(page.partition("<!--")[0])
    assert once.endswith(page.rpartition("-->")[2])
    with pytest.raises(DataError, match="Put both marks into it"):
        replace_readings("no marks", "none yet")


def test_the_page_has_a_row_for_every_face_and_every_picture() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for face in FACES:
        assert f"| {face.name.removeprefix('Plate ')} | {face.said} |" in page
        assert f"(plates/read-{face.plate}.jpg)" in page
        assert (PAGE.parent / "plates" / f"read-{face.plate}.jpg").is_file()


def test_pictures_of_the_page_are_small() -> None:
    assert reduce_picture(np.zeros((1440, 720, 3), np.uint8)).shape == (720, 360, 3)
    assert reduce_picture(np.zeros((300, 200, 3), np.uint8)).shape == (300, 200, 3)
