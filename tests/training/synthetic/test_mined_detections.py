"""Mining keeps the detections that the search has to ask the face check about."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from app.detection.networks import Glance, NetworkLooks
from app.types import Face, Image
from training.synthetic import mined_detections
from training.synthetic.mined_detections import mine_faces, mine_patterns
from training.synthetic.mined_pictures import POSE_FRAME_PX, Patterns, PoseFrames
from training.synthetic.paste import PlacedFace

POINTS = np.array([(220, 220), (260, 220), (240, 245), (240, 262), (200, 225), (280, 225)])
FACE = Face((190.0, 190.0, 290.0, 290.0), POINTS.astype(np.float32), 0.9)


@dataclass
class Looks:
    """Gives one hint, and the second look the score `second`; None: it sees nothing."""

    first: float
    second: float | None
    glances: int = 0

    def find_hints(self, image: Image, plan: Iterable[Glance]) -> list[Face]:
        self.glances = len(list(plan))
        return [FACE]

    def look_again(
        self, image: Image, face: Face, *, margin: float = 1.4, quick: bool
    ) -> Face | None:
        if margin == 2.0:
            return replace(FACE, score=self.first)
        return None if self.second is None else replace(FACE, score=self.second)


class Frame:
    """Shows the face at FACE's place, or at another one."""

    def __init__(self, centre: tuple[float, float]) -> None:
        self.centre = centre

    def draw(self, number: int = 0) -> tuple[Image, tuple[PlacedFace, ...]]:
        picture = np.zeros((POSE_FRAME_PX, POSE_FRAME_PX, 3), np.uint8)
        return picture, (PlacedFace(0, self.centre, 100.0),)


def mine(first: float, second: float | None, centre: tuple[float, float]) -> Counter[str]:
    looks = Looks(first, second)
    samples = mine_faces(
        cast(NetworkLooks, looks),
        cast(PoseFrames, Frame(centre)),
        "train",
        range(200),
        np.random.default_rng(0),
    )
    count = Counter("face" if sample.votes[0] else "none" for sample in samples)
    assert looks.glances == 2  # no tiles
    return count


def test_faces_that_the_detector_sees_badly_are_all_kept() -> None:
    found = mine(0.85, 0.6, (240.0, 240.0))
    assert found["face"] == 400  # both looks
    assert 8 <= found["none"] <= 35  # a tenth of the frames, at a wrong place


def test_a_quarter_of_those_that_it_sees_well_is_kept() -> None:
    assert 60 <= mine(0.85, 0.9, (240.0, 240.0))["face"] <= 140


def test_what_lies_beside_the_face_is_none() -> None:
    assert mine(0.85, 0.9, (20.0, 440.0)) == {"none": 400}
    assert mine(0.85, 0.9, (195.0, 240.0)) == {}  # between right and wrong


@pytest.mark.parametrize(
    ("first", "second", "least", "most"),
    [(0.5, 0.5, 400, 400), (0.3, 0.6, 60, 140), (0.9, None, 0, 0)],
)
def test_patterns_are_kept_that_two_looks_confirm(
    first: float, second: float | None, least: int, most: int
) -> None:
    class Pattern:
        def draw(self) -> Image:
            return np.zeros((240, 320, 3), np.uint8)

    samples = list(
        mine_patterns(
            cast(NetworkLooks, Looks(first, second)),
            cast(Patterns, Pattern()),
            "train",
            range(200),
            np.random.default_rng(0),
        )
    )
    assert least <= len(samples) <= most
    assert all(sample.votes.tolist() == [0, 1] for sample in samples)
    assert mined_detections.HARD_PATTERN_SCORE == 0.5
