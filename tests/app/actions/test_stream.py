"""Facial actions of a stream: who is read in which frame, and what the pipeline keeps."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.actions.head_pose import HeadPose
from app.actions.stream import MAX_LIVE_READINGS, ActionStream
from app.actions.values import make_actions
from app.detection.networks import Glance
from app.detection.search import SearchResult
from app.pipeline import build_pipeline
from app.types import Face, FaceActions, Floats, Frame, FrameResult, Image, Mode, TrackedFace
from tests.support.faces import make_face
from tests.support.tiny_model import tiny_contract

FACE = make_face(60, 10)
IMAGE = np.zeros((90, 160, 3), np.uint8)
SHARES = np.ones(2, np.float32) / 2


class Brightness:
    """Says how bright a crop is."""

    contract = tiny_contract()

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        bright = crops.reshape(len(crops), -1).mean(axis=1) / 255 if len(crops) else np.zeros(0)
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        raise NotImplementedError


class Still:
    """A search that knows one face, which never moves."""

    max_faces: int | None = None
    far_faces = False

    def detect(self, image: Image) -> tuple[Face, ...]:
        return (FACE,)

    def search(
        self,
        image: Image,
        plan: Sequence[Glance],
        known: Sequence[Face] = (),
        patterns: Sequence[Face] = (),
        *,
        waiting: Sequence[Face] = (),
        most: int | None = None,
    ) -> SearchResult:
        return SearchResult([] if known else [FACE], [])

    def look_again(self, image: Image, face: Face) -> Face | None:
        return FACE

    def is_face(self, image: Image, face: Face) -> bool:
        return True


class Counting:
    """Reads the yaw of a face as the number of the reading, and notes whom it read."""

    def __init__(self, blind: frozenset[int] = frozenset()) -> None:
        self.read_at: list[float] = []
        self._blind = blind

    def read(self, image: Image, face: Face) -> FaceActions | None:
        self.read_at.append(face.box_xyxy[0])
        if face.box_xyxy[0] in self._blind:
            return None
        return make_actions(HeadPose(float(len(self.read_at)), 0.0, 0.0), np.zeros(51))


def result(time_s: float, count: int) -> FrameResult:
    faces = tuple(
        TrackedFace(
            Face((n, 0, n + 9, 9), np.zeros((6, 2), np.float32), 0.9), n + 1, "a", SHARES, SHARES
        )
        for n in range(count)
    )
    return FrameResult(Frame(IMAGE, 0, time_s, "made"), faces, ("a", "b"))


def test_pictures_and_files_read_every_face() -> None:
    for is_stream in (False, True):
        reader = Counting()
        found = ActionStream(reader, is_stream=is_stream).add(result(0.0, 5), 0.0)
        assert reader.read_at == [0, 1, 2, 3, 4]
        assert [one.actions.head_yaw_deg for one in found.faces if one.actions] == [1, 2, 3, 4, 5]


def test_a_live_stream_reads_a_few_in_turns_and_keeps_the_others() -> None:
    reader = Counting()
    stream = ActionStream(reader, is_stream=True, most=MAX_LIVE_READINGS)
    first = stream.add(result(0.0, 4), 0.0)
    assert [one.actions is not None for one in first.faces] == [True, True, False, False]
    second = stream.add(result(0.03, 4), 0.03)
    assert reader.read_at == [0, 1, 2, 3]
    assert [one.actions is not None for one in second.faces] == [True] * 4
    assert second.faces[0].actions == first.faces[0].actions
    stream.add(result(0.06, 4), 0.06)
    assert reader.read_at[4:] == [0, 1]
    late = stream.add(result(5.0, 4), 5.0)  # what was kept is too old to be shown
    assert [one.actions is not None for one in late.faces].count(True) == MAX_LIVE_READINGS


def test_a_face_that_cannot_be_read_has_none() -> None:
    stream = ActionStream(Counting(blind=frozenset({0})), is_stream=True, most=2)
    for time_s in (0.0, 0.03):
        found = stream.add(result(time_s, 1), time_s)
        assert found.faces[0].actions is None


def test_without_smoothing_readings_are_shown_as_they_are() -> None:
    stream = ActionStream(Counting(), is_stream=True)
    found = [stream.add(result(n / 30, 1), n / 30, smooth=False).faces[0].actions for n in range(3)]
    assert [one and one.head_yaw_deg for one in found] == [1, 2, 3]


def frames(count: int, begin: int = 0) -> list[Frame]:
    return [
        Frame(np.full((90, 160, 3), 100 + n % 3, np.uint8), n, n / 30, "made")
        for n in range(begin, begin + count)
    ]


@pytest.mark.parametrize("exact", [False, True])
def test_a_file_reads_actions_in_every_frame(exact: bool) -> None:
    """Also where faces are interpolated."""
    reader = Counting()
    pipeline = build_pipeline(Still(), Brightness(), Mode.FILE, exact=exact, actions=reader)
    results = list(pipeline.read_all(frames(12)))
    faces = [face for one in results for face in one.faces]
    assert len(reader.read_at) == len(faces) >= 12
    assert all(face.actions is not None for face in faces)
    assert "actions" in results[-1].stage_ms


def test_actions_change_nothing_else() -> None:
    plain = list(build_pipeline(Still(), Brightness(), Mode.FILE).read_all(frames(12)))
    added = list(
        build_pipeline(Still(), Brightness(), Mode.FILE, actions=Counting()).read_all(frames(12))
    )
    for one, other in zip(plain, added, strict=True):
        for mine, theirs in zip(one.faces, other.faces, strict=True):
            bare = replace(theirs, actions=None)
            assert mine.actions is None
            assert bare.face.box_xyxy == mine.face.box_xyxy
            assert np.array_equal(bare.probabilities, mine.probabilities)
            assert (bare.label, bare.face_id) == (mine.label, mine.face_id)


def test_a_restored_pipeline_goes_on_as_the_saved_one() -> None:
    def build():
        return build_pipeline(Still(), Brightness(), Mode.FILE, exact=True, actions=Counting())

    one, other = build(), build()
    list(one.read_all(frames(6)))
    list(other.read_all(frames(6)))  # the reader's own count
    other.reset()
    other.restore(json.loads(json.dumps(one.state())))
    for mine, theirs in zip(one.read_all(frames(6, 6)), other.read_all(frames(6, 6)), strict=True):
        assert [face.actions for face in mine.faces] == [face.actions for face in theirs.faces]
    with pytest.raises(ValueError, match="another kind of run: actions"):
        build_pipeline(Still(), Brightness(), Mode.FILE, exact=True).restore(one.state())
