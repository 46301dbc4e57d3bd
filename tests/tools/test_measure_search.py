"""What other thresholds of the search would find, judged on what all looks say of each hint."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.detection.face_check import FaceCheck
from app.detection.networks import NetworkLooks
from app.detection.search import FaceSearch
from app.errors import DataError
from tools import measure_search
from tools.made_frames import background, clip_faces, paste
from tools.measure_search import Hint, Row, Rule, SteppedRule, judged, looked_at
from training.synthetic.paste import PlacedFace

SURE = Hint(0, before=0.95, share=0.99, score=0.8, full_score=0.0, right=True, wrong=False)


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({}, True),
        ({"before": 0.04}, False),  # ruled out at the first nearer look
        ({"share": 0.19}, False),  # and at the second
        ({"score": 0.48}, True),  # the check is sure
        ({"score": 0.46}, False),  # 0.66 less 0.05 of 3.77, the mean log-odds
        ({"before": 0.5, "share": 0.5, "score": 0.67}, True),  # it is not, but the face is seen
        ({"before": 0.5, "share": 0.5, "score": 0.65, "full_score": 0.9}, False),
        ({"before": 0.2, "share": 0.2, "score": 0.74}, True),
        ({"before": 0.2, "share": 0.2, "score": 0.72}, False),
        ({"before": 1.0, "share": 1.0, "score": 0.31}, True),
        ({"before": 1.0, "share": 1.0, "score": 0.29}, False),  # the least score
    ],
)
def test_a_hint_is_taken_as_the_search_takes_it(changed: dict[str, float], taken: bool) -> None:
    assert Rule().accepts(replace(SURE, **changed)) is taken


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({"score": 0.36}, True),  # the check is sure
        ({"score": 0.34}, False),
        ({"before": 0.5, "score": 0.76}, True),  # it is not, but the face is seen well
        ({"before": 0.5, "score": 0.7}, False),
        ({"before": 0.5, "score": 0.7, "full_score": 0.41}, True),  # or by both networks
        ({"before": 0.04}, False),
    ],
)
def test_steps_are_those_of_the_search_before(changed: dict[str, float], taken: bool) -> None:
    assert SteppedRule().accepts(replace(SURE, **changed)) is taken


@pytest.mark.slow
def test_rules_agree_with_the_search() -> None:
    source = clip_faces()[0]
    with FaceSearch() as search, NetworkLooks() as looks:
        for seed in range(3):
            frame = background(np.random.default_rng(seed)).copy()
            face = paste(frame, source, centre_xy=(640, 360), side_px=150, roll=10.0 * seed)
            x0, y0, x1, y1 = face.box_xyxy
            placed = [PlacedFace(0, ((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0)]
            hints = [hint for (hint,) in looked_at(looks, [FaceCheck()], frame, placed, 0)]
            taken = [hint for hint in hints if Rule().accepts(hint)]
            assert any(hint.right for hint in taken)
            assert len(search.detect(frame)) == 1
            assert not any(hint.wrong for hint in taken)


def test_a_face_is_found_once_and_mistakes_count_by_picture() -> None:
    hints = [
        SURE,
        replace(SURE, share=0.95),  # the same face, at another look
        replace(SURE, frame=1, share=0.1),  # refused
        replace(SURE, frame=1, right=False, wrong=True),
        replace(SURE, frame=3, right=False, wrong=True),
        replace(SURE, frame=3, right=False, wrong=True),
        replace(SURE, frame=4, right=False, wrong=True, before=0.0),
    ]
    assert judged("x", Rule(), hints, 2, 3) == Row("x", 1, 2, beside=1, wrong=1, empty=3)
    everything = judged("x", Rule(0, 0, 0, 0), hints, 2, 3)
    assert (everything.found, everything.wrong) == (2, 2)


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ([], measure_search.NO_HINT),
        ([{"right": False}], measure_search.NO_HINT),  # a good hint, but elsewhere
        ([{"before": 0.04}], measure_search.RULED_OUT),
        ([{"share": 0.19}, {"before": 0.3, "share": 0.4, "score": 0.6}], measure_search.UNSURE),
        ([{"score": 0.2}, {"before": 0.04}], measure_search.BADLY_SEEN),
        ([{"score": 0.2}, {}], measure_search.OTHER_PLACE),
    ],
)
def test_a_missed_face_is_lost_at_the_last_step_that_a_hint_reaches(
    changed: list[dict[str, float]], step: str
) -> None:
    hints = [replace(SURE, **one) for one in changed]
    assert measure_search.find_lost_step(Rule(), hints) == step


def test_the_table_of_missed_faces_has_all_steps() -> None:
    lost = Counter({measure_search.UNSURE: 3, measure_search.NO_HINT: 1})
    lines = measure_search.missed_table(lost, 2, 40)
    assert lines[2] == "| found | 36 | 90.0 % |"
    assert lines[3] == f"| {measure_search.NO_HINT} | 1 | 2.5 % |"
    assert lines[4] == f"| {measure_search.RULED_OUT} | 0 | 0.0 % |"
    assert lines[5] == f"| {measure_search.UNSURE} | 3 | 7.5 % |"
    assert lines[-1] == "40 faces, 2 detections where no face is."


@pytest.mark.slow
def test_command_prints_a_line_for_each_rule(
    face_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure_search.main([str(face_npz), "--faces", "2", "--empty", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(measure_search.RULES)
    assert lines[2].startswith("| as shipped | 2 | 100.0 % | 0 | 8 | 0 |")
    assert measure_search.main([str(face_npz), "--faces", "2", "--missed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| found | 2 | 100.0 % |"
    assert lines[-1] == "2 faces, 0 detections where no face is."
    with pytest.raises(DataError, match="at least 1"):
        measure_search.main([str(face_npz), "--empty", "0"])
