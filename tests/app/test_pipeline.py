"""The stages run in order on values, and leave their input alone."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.contract import EmbeddingFacts
from app.detection.boxes import is_same_place
from app.detection.networks import Glance
from app.detection.search import SearchResult
from app.pipeline import Pipeline, build_pipeline
from app.process.stage_clock import StageClock
from app.recognition.quality import measure_quality
from app.teaching.taught_face import TaughtFace
from app.tracking.resting_face import RestingFaces
from app.tracking.tracker import Tracker
from app.types import Face, Floats, Frame, FrameResult, Image, Mode
from tests.support.faces import Finder, make_face, turn_landmarks
from tests.support.taught import make_profile
from tests.support.tiny_model import tiny_contract


class Brightness:
    """Says how bright the crop is."""

    contract = tiny_contract()

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        bright = crops.reshape(len(crops), -1).mean(axis=1) / 255 if len(crops) else np.zeros(0)
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Maps of 2 x 2 cells that say how many faces there are, and the class."""
        maps = np.array([len(crops), 10 + len(crops)], np.float32)[:, None, None] * np.ones((2, 2))
        return self.predict(crops), np.stack([maps.astype(np.float32)] * len(crops) or [maps][:0])

    def predict_with_embeddings(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        """The embedding is the reading."""
        probabilities = self.predict(crops)
        return probabilities, np.zeros((len(crops), 2, 1, 1), np.float32), probabilities


def halves() -> Frame:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 255
    return Frame(image, 0, 0.0, "halves")


def clock_of_milliseconds() -> float:
    clock_of_milliseconds.now += 0.001  # type: ignore[attr-defined]
    return clock_of_milliseconds.now  # type: ignore[attr-defined,no-any-return]


clock_of_milliseconds.now = 0.0  # type: ignore[attr-defined]


def test_empty_frame_yields_no_faces() -> None:
    result = Pipeline(Finder(), Brightness(), tracker=Tracker()).step(halves())
    assert result.faces == ()
    assert result.labels == ("dark", "bright")


def test_each_face_gets_its_own_reading() -> None:
    finder = Finder(make_face(10, 10), make_face(120, 10))
    result = Pipeline(finder, Brightness(), tracker=Tracker()).step(halves())
    assert [(f.face_id, f.label) for f in result.faces] == [(1, "dark"), (2, "bright")]
    assert result.faces[1].probabilities[1] > 0.99
    assert result.frame.image[0, 0].tolist() == [0, 0, 0]


def test_separate_pictures_number_their_faces_anew() -> None:
    pipeline = Pipeline(Finder(make_face(120, 10)), Brightness(), tracker=None)
    first, second = pipeline.step(halves()), pipeline.step(halves())
    assert [f.face_id for f in (*first.faces, *second.faces)] == [1, 1]
    np.testing.assert_array_equal(second.faces[0].probabilities, second.faces[0].raw_probabilities)


def test_smoothed_and_raw_readings_are_both_kept() -> None:
    pipeline = Pipeline(Finder(make_face(120, 10)), Brightness(), tracker=Tracker(smoothing_s=1.0))
    pipeline.step(halves())
    dark = Frame(np.zeros((100, 200, 3), np.uint8), 1, 0.1, "dark")
    seen = pipeline.step(dark).faces[0]
    assert seen.raw_probabilities[0] > 0.99
    assert seen.probabilities[0] < 0.5
    assert seen.label == "bright"


def test_doubt_is_said_and_leaves_the_probabilities_alone() -> None:
    """The two faces are as bright as 0 and 0.5; only the first is surely dark."""

    class Doubtful(Brightness):
        contract = tiny_contract(unsure_below=0.6)

    image = halves().image.copy()
    image[:, 100:] = 128
    faces = (make_face(10, 10), make_face(120, 10))
    frame = Frame(image, 0, 0.0, "grey")
    seen = Pipeline(Finder(*faces), Doubtful(), tracker=None).step(frame).faces
    assert [(f.label, f.reason) for f in seen] == [("dark", None), ("unsure", "not confident")]
    assert seen[1].probabilities[1] == pytest.approx(128 / 255, abs=1e-3)
    plain = Pipeline(Finder(*faces), Brightness(), tracker=None).step(frame).faces
    assert [(f.label, f.reason) for f in plain] == [("dark", None), ("bright", None)]
    np.testing.assert_array_equal(plain[1].probabilities, seen[1].probabilities)


def test_doubt_is_about_the_smoothed_reading() -> None:
    class Doubtful(Brightness):
        contract = tiny_contract(unsure_below=0.99)

    pipeline = Pipeline(Finder(make_face(120, 10)), Doubtful(), tracker=Tracker(smoothing_s=1.0))
    assert pipeline.step(halves()).faces[0].label == "bright"
    dim = np.full((100, 200, 3), 120, np.uint8)
    for n in range(1, 20):
        seen = pipeline.step(Frame(dim, n, n / 10, "dim")).faces[0]
        assert seen.raw_probabilities[1] < 0.5
        assert (seen.label, seen.reason) == ("bright", None) or n > 1
    assert (seen.label, seen.reason) == ("unsure", "not confident")


@pytest.mark.parametrize(
    ("level", "yaw_deg", "reason"),
    [(128, 0.0, "not confident"), (128, 40.0, "turned away"), (20, 0.0, "dark")],
)
def test_doubt_has_the_reason_that_the_picture_gives(
    level: int, yaw_deg: float, reason: str
) -> None:
    class Doubtful(Brightness):
        contract = tiny_contract(unsure_below=0.999)

    points = turn_landmarks(yaw_deg, 0.0, scale=22.0) - 300 + (42, 40)
    found = Face((10, 10, 74, 74), points.astype(np.float32), 0.9)
    frame = Frame(np.full((100, 200, 3), level, np.uint8), 0, 0.0, "grey")
    for tracker in (None, Tracker()):
        seen = Pipeline(Finder(found), Doubtful(), tracker=tracker).step(frame).faces[0]
        assert (seen.label, seen.reason) == ("unsure", reason)


def test_label_that_was_overtaken_a_moment_ago_is_still_said() -> None:
    pipeline = Pipeline(Finder(make_face(120, 10)), Brightness(), tracker=Tracker(smoothing_s=0.01))
    pipeline.step(halves())
    dark = np.zeros((100, 200, 3), np.uint8)
    first = pipeline.step(Frame(dark, 1, 0.05, "dark")).faces[0]
    assert (first.label, int(first.probabilities.argmax())) == ("bright", 0)
    for n in range(2, 8):
        last = pipeline.step(Frame(dark, n, 0.05 * n, "dark")).faces[0]
    assert last.label == "dark"


@pytest.mark.parametrize("spoil", [np.nan, 0.0], ids=["not finite", "in one point"])
def test_detection_without_usable_landmarks_is_no_face(spoil: float) -> None:
    whole = make_face(10, 10)
    broken = Face(whole.box_xyxy, whole.landmarks * np.float32(spoil), 0.9)
    result = Pipeline(Finder(broken, whole), Brightness(), tracker=None).step(halves())
    assert len(result.faces) == 1


def test_every_stage_is_timed() -> None:
    pipeline = Pipeline(
        Finder(make_face(10, 10)), Brightness(), tracker=None, clock=clock_of_milliseconds
    )
    stage_ms = pipeline.step(halves()).stage_ms
    assert list(stage_ms) == ["detect", "align", "classify", "track"]
    assert list(stage_ms.values()) == pytest.approx([1.0] * 4)


def test_a_face_whose_turn_it_is_not_keeps_its_reading() -> None:
    class Turns:
        def find(
            self, image: Image, time_s: float, restless: Collection[int] = ()
        ) -> tuple[Face, ...]:
            bright, dark = replace(make_face(120, 20), key=1), replace(make_face(20, 20), key=2)
            return (bright, dark) if time_s == 0 else (replace(dark, seen=False), bright)

    class Counting(Brightness):
        read = 0

        def predict(self, crops: NDArray[np.uint8]) -> Floats:
            self.read += len(crops)
            return super().predict(crops)

    reader = Counting()
    pipeline = Pipeline(Finder(), reader, tracker=None, follower=Turns())
    first = pipeline.step(halves())
    second = pipeline.step(Frame(halves().image[:, ::-1].copy(), 1, 0.1, "halves"))
    assert reader.read == 3
    dark, bright = second.faces
    assert dark.raw_probabilities.tolist() == first.faces[1].raw_probabilities.tolist()
    assert bright.raw_probabilities[1] < first.faces[0].raw_probabilities[1]


def test_a_face_nobody_read_before_is_read_though_it_was_not_looked_at() -> None:
    unseen = replace(make_face(120, 20), seen=False, key=1)
    (one,) = Pipeline(Finder(unseen), Brightness(), tracker=None).step(halves()).faces
    assert one.raw_probabilities[1] == pytest.approx(1, abs=0.05)


def test_maps_come_only_when_asked_and_are_of_the_class_that_is_said() -> None:
    finder = Finder(make_face(10, 10), make_face(120, 10))
    pipeline = Pipeline(finder, Brightness(), tracker=Tracker())
    assert [f.map for f in pipeline.step(halves()).faces] == [None, None]
    pipeline.with_maps = True
    result = pipeline.step(halves())
    shown = [f.map for f in result.faces]
    assert [None if m is None else m.weights[0, 0] for m in shown] == [2, 12]
    matrix = shown[1].matrix  # type: ignore[union-attr]
    eye = result.faces[1].face.landmarks[0]
    assert matrix[:, :2] @ eye + matrix[:, 2] == pytest.approx((0.33, 0.39), abs=0.02)


def test_face_that_was_not_looked_at_keeps_its_map() -> None:
    left, right = replace(make_face(10, 10), key=1), replace(make_face(120, 10), key=2)
    finder = Finder(left, right)
    pipeline = Pipeline(finder, Brightness(), tracker=Tracker())
    pipeline.with_maps = True
    pipeline.step(halves())
    finder.faces = (replace(left, seen=False), right)
    maps = [f.map for f in pipeline.step(halves()).faces]
    assert [None if m is None else m.weights[0, 0] for m in maps] == [2, 11]


def test_still_frame_is_explained_afterwards() -> None:
    pipeline = Pipeline(Finder(make_face(120, 10)), Brightness(), tracker=Tracker())
    result = pipeline.step(halves())
    explained = pipeline.explain(result)
    assert result.faces[0].map is None
    assert explained.faces[0].map is not None
    assert explained.faces[0].map.weights[0, 0] == 11


def test_smoothing_can_be_changed_while_it_runs() -> None:
    pipeline = Pipeline(Finder(make_face(120, 10)), Brightness(), tracker=Tracker(smoothing_s=9.0))
    pipeline.step(halves())
    pipeline.smoothing_s = 0.0
    dark = Frame(np.zeros((100, 200, 3), np.uint8), 1, 0.1, "dark")
    assert pipeline.step(dark).faces[0].probabilities[0] > 0.99
    assert Pipeline(Finder(), Brightness(), tracker=None).smoothing_s is None


@pytest.mark.parametrize(
    ("live", "pause_s", "kept"), [(True, 60.0, True), (True, 200.0, False), (False, 60.0, False)]
)
def test_a_pause_of_a_camera_keeps_numbers_and_resting_faces(
    live: bool, pause_s: float, kept: bool
) -> None:
    resting = RestingFaces(("neutral", "other"))
    pipeline = Pipeline(
        Finder(make_face(120, 10)),
        Brightness(),
        tracker=Tracker(resting=resting),
        stage_clock=StageClock() if live else None,
    )
    frame = halves()
    resting.start()
    for step in range(80):
        result = pipeline.step(replace(frame, time_s=step / 10))
    assert (resting.known_count, result.faces[0].face_id) == (1, 1)
    after = pipeline.step(replace(frame, time_s=8 + pause_s))
    assert after.frame.time_s == 8 + pause_s
    assert (resting.known_count == 1) == kept
    assert (after.faces[0].face_id == 1) == kept


class Searcher(Finder):
    """Finds its faces in every search, and counts the views that it was asked to go through."""

    max_faces: int | None = None
    far_faces = False

    def __init__(self, *faces: Face) -> None:
        super().__init__(*faces)
        self.views: list[int] = []

    def search(
        self,
        image: Image,
        plan: list[Glance],
        known: Sequence[Face],
        patterns: Sequence[Face],
        *,
        waiting: Sequence[Face],
        most: int | None,
    ) -> SearchResult:
        self.views.append(len(plan))
        return SearchResult([] if known else list(self.faces), [])

    def look_again(self, image: Image, face: Face) -> Face | None:
        return face

    def is_face(self, image: Image, face: Face) -> bool:
        return True


@pytest.mark.parametrize(
    ("mode", "thorough", "views", "numbers", "smoothing_s"),
    [
        (Mode.PICTURES, False, [], [1, 1, 1], None),  # found by `detect`
        (Mode.FILE, False, [20], [1, 1, 2], 0.5),  # the first frame whole; a long step is a cut
        (Mode.FILE, True, [20], [1, 1, 2], 0.5),
        (Mode.LIVE, False, [3], [1, 1, 1], 0.5),  # a late frame is no cut
        (Mode.LIVE, True, [20], [1, 1, 1], 0.5),
    ],
)
def test_the_mode_decides_what_is_remembered_and_how_much_is_searched(
    mode: Mode, thorough: bool, views: list[int], numbers: list[int], smoothing_s: float | None
) -> None:
    search = Searcher(make_face(120, 10))
    pipeline = build_pipeline(search, Brightness(), mode, smoothing_s=0.5, thorough=thorough)
    found = [pipeline.step(replace(halves(), time_s=time_s)).faces for time_s in (0.0, 0.1, 9.1)]
    assert search.views[:1] == views
    assert [one[0].face_id for one in found] == numbers
    assert pipeline.smoothing_s == smoothing_s
    assert pipeline.resting is None


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("with_quality", [False, True])
def test_quality_is_measured_where_it_is_asked_for_and_of_unsure_faces(
    mode: Mode, with_quality: bool
) -> None:
    class Doubtful(Brightness):
        contract = tiny_contract(unsure_below=0.6)

    grey = Frame(np.full((100, 200, 3), 128, np.uint8), 0, 0.0, "grey")
    sure, unsure = (
        build_pipeline(Searcher(make_face(120, 10)), reader, mode, with_quality=with_quality)
        .step(grey)
        .faces[0]
        for reader in (Brightness(), Doubtful())
    )
    measured = measure_quality(grey.image, make_face(120, 10))
    assert (sure.reason, sure.quality) == (None, measured if with_quality else None)
    assert (unsure.reason, unsure.quality) == ("not confident", measured)


def test_resting_faces_are_for_streams_that_ask_for_them() -> None:
    kept = [
        build_pipeline(Searcher(), Brightness(), mode, with_resting_faces=True).resting is not None
        for mode in Mode
    ]
    assert kept == [False, True, True]


def build_file_pipeline(classifier: Brightness, *, exact: bool = False) -> Pipeline:
    return build_pipeline(Still(), classifier, Mode.FILE, exact=exact, with_quality=True)


class Still:
    """A search that knows one face, which never moves."""

    max_faces: int | None = None
    far_faces = False

    def detect(self, image: Image) -> tuple[Face, ...]:
        return (make_face(120, 10),)

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
        return SearchResult([] if known else [make_face(120, 10)], [])

    def look_again(self, image: Image, face: Face) -> Face | None:
        return make_face(120, 10)

    def is_face(self, image: Image, face: Face) -> bool:
        return True


class Counting(Brightness):
    """Counts the crops that it reads."""

    def __init__(self) -> None:
        self.crops = 0

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        self.crops += len(crops)
        return super().predict(crops)


def film(count: int, light: Sequence[int] | None = None) -> list[Frame]:
    return [
        Frame(np.full((100, 200, 3), light[n] if light else 200, np.uint8), n, n / 30, "film")
        for n in range(count)
    ]


def feed_all(pipeline: Pipeline, frames: Sequence[Frame]) -> list[list[int]]:
    """The numbers of the results that each frame brings, and those of the end."""
    given = [pipeline.feed(frame) for frame in frames] + [pipeline.flush()]
    return [[result.frame.index for result in results] for results in given]


def test_results_of_a_file_come_in_groups_and_all_of_them() -> None:
    assert feed_all(build_file_pipeline(Brightness()), film(9)) == [
        [0],
        *([], [], [1, 2, 3]),
        *([], [], [4, 5, 6]),
        *([], []),
        [7, 8],
    ]


@pytest.mark.parametrize(("exact", "crops"), [(False, 3), (True, 7)])
def test_a_face_at_rest_is_read_in_one_frame_of_a_group(exact: bool, crops: int) -> None:
    classifier = Counting()
    pipeline = build_file_pipeline(classifier, exact=exact)
    results = [one for frame in film(7) for one in pipeline.feed(frame)]
    assert len(results) == 7
    assert classifier.crops == crops
    assert {one.faces[0].label for one in results} == {"bright"}
    assert all(one.faces[0].quality is not None for one in results)


def test_a_face_that_changes_is_read_as_exactly_as_ever() -> None:
    frames = film(7, light=(240, 240, 240, 240, 30, 240, 20))
    rough, exact = (
        [one for frame in frames for one in build.feed(frame)]
        for build in (
            build_file_pipeline(Brightness()),
            build_file_pipeline(Brightness(), exact=True),
        )
    )
    for one, other in zip(rough, exact, strict=True):
        np.testing.assert_allclose(
            one.faces[0].raw_probabilities, other.faces[0].raw_probabilities, atol=1e-6
        )


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.PICTURES])
def test_a_camera_and_pictures_never_wait_for_a_group(mode: Mode) -> None:
    pipeline = build_pipeline(Still(), Brightness(), mode)
    assert feed_all(pipeline, film(4)) == [[0], [1], [2], [3], []]


def test_without_smoothing_every_frame_stands_for_itself() -> None:
    pipeline = build_pipeline(Still(), Brightness(), Mode.FILE, smoothing_s=0)
    assert feed_all(pipeline, film(3)) == [[0], [1], [2], []]


def test_maps_are_of_every_frame() -> None:
    pipeline = build_file_pipeline(Brightness())
    frames = film(6)
    assert feed_all(pipeline, frames[:2])[:2] == [[0], []]
    pipeline.with_maps = True
    given = [result for frame in frames[2:4] for result in pipeline.feed(frame)]
    assert [result.frame.index for result in given] == [2, 3]
    assert all(result.faces[0].map is not None for result in given)


def test_a_reset_and_another_size_lose_no_result() -> None:
    pipeline = build_file_pipeline(Brightness())
    frames = film(3)
    small = Frame(np.zeros((90, 180, 3), np.uint8), 3, 3 / 30, "film")
    for frame in frames:
        pipeline.feed(frame)
    pipeline.reset()
    assert pipeline.has_pending
    assert [result.frame.index for result in pipeline.feed(small)] == [1, 2, 3]
    assert not pipeline.has_pending


def test_a_pipeline_that_was_put_down_goes_on_with_the_same_results() -> None:
    light = [200, 210, 190, 60, 50, 40, 240, 240, 250, 30]
    frames = film(10, light)
    pipeline = build_file_pipeline(Brightness())
    whole = [one for frame in frames for one in pipeline.feed(frame)]
    first = build_file_pipeline(Brightness())
    found = [one for frame in frames[:6] for one in first.feed(frame)]
    assert first.has_pending
    first.drop_pending()
    second = build_file_pipeline(Brightness())
    second.restore(first.state())
    found += [one for frame in frames[4:] for one in second.feed(frame)]
    assert [one.frame.index for one in found] == list(range(10))
    for one, other in zip(found, whole, strict=True):
        assert one.faces[0].probabilities.tolist() == other.faces[0].probabilities.tolist()
        assert one.faces[0].quality == other.faces[0].quality


def test_a_step_does_not_overtake_frames_that_wait() -> None:
    pipeline = build_file_pipeline(Brightness())
    pipeline.feed(film(1)[0])
    pipeline.feed(film(2)[1])
    with pytest.raises(ValueError, match="1 frames wait"):
        pipeline.step(film(3)[2])


def describe(results: Sequence[FrameResult]) -> list[tuple[object, ...]]:
    return [
        (
            one.frame.index,
            one.faces[0].face.box_xyxy,
            one.faces[0].face_id,
            one.faces[0].probabilities.tolist(),
            one.faces[0].quality,
        )
        for one in results
    ]


def test_a_group_is_found_ahead_with_the_same_results() -> None:
    frames = film(12, [200, 210, 190, 60, 50, 40, 240, 240, 250, 30, 40, 50])
    inline, ahead = build_file_pipeline(Brightness()), build_file_pipeline(Brightness())
    wanted = describe(list(inline.read_all(frames)))
    results: list[FrameResult] = []
    with ahead.find_ahead():
        given = []
        for frame in frames:
            results += (new := ahead.feed(frame))
            given.append([one.frame.index for one in new])
        assert given[:8] == [[], [], [], [0], [], [], [1, 2, 3], []]
        assert ahead.has_pending
        with pytest.raises(ValueError, match="found ahead"):
            ahead.state()
        results += ahead.flush()
        assert not ahead.has_pending
    assert describe(results) == wanted
    assert ahead.state() == inline.state()


def test_a_pipeline_that_catches_up_leaves_no_complete_group_unread() -> None:
    frames = film(10)
    inline, ahead = build_file_pipeline(Brightness()), build_file_pipeline(Brightness())
    with ahead.find_ahead():
        for frame in frames[:9]:
            ahead.feed(frame)
        ahead.catches_up = True
        assert [one.frame.index for one in ahead.feed(frames[9])] == [4, 5, 6, 7, 8, 9]
        for frame in frames:
            inline.feed(frame)
        assert ahead.state() == inline.state()
        ahead.catches_up = False
        assert ahead.feed(Frame(frames[0].image, 10, 0.4, "film")) == []
        ahead.reset()
        assert ahead.has_pending  # a result that was not given yet
        assert [one.frame.index for one in ahead.flush()] == [10]


def test_frames_that_must_each_be_looked_at_are_not_found_ahead() -> None:
    pipeline = build_file_pipeline(Brightness())
    with pipeline.find_ahead():
        assert pipeline.feed(film(1)[0]) == []
        pipeline.looks_at_all = True
        frames = film(4)
        given = [[one.frame.index for one in pipeline.feed(frame)] for frame in frames[1:]]
        assert given == [[], [], [0, 1, 2, 3]]


def test_what_fails_in_finding_comes_after_the_results_before_it() -> None:
    class Failing(Still):
        def look_again(self, image: Image, face: Face) -> Face | None:
            if int(image[0, 0, 0]) == 13:
                raise MemoryError("no room")
            return super().look_again(image, face)

    pipeline = build_pipeline(Failing(), Brightness(), Mode.FILE)
    frames = film(10, [200] * 4 + [13] * 3 + [200] * 3)
    with pipeline.find_ahead():
        found = [one.frame.index for frame in frames[:9] for one in pipeline.feed(frame)]
        with pytest.raises(MemoryError, match="no room"):
            pipeline.feed(frames[9])
    assert found == [0, 1, 2, 3]
    assert all(thread.name != "find faces" for thread in threading.enumerate())


class Crowd(Still):
    """Five faces; counts the looks."""

    def __init__(self) -> None:
        self.faces = [make_face(20 + 120 * k, 40) for k in range(5)]
        self.looks = 0

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
        new = [f for f in self.faces if not any(is_same_place(f, one) for one in known)]
        return SearchResult(new, [])

    def look_again(self, image: Image, face: Face) -> Face | None:
        self.looks += 1
        return min(self.faces, key=lambda one: abs(one.box_xyxy[0] - face.box_xyxy[0]))


def test_a_cameras_calm_face_is_looked_at_and_read_ten_times_a_second() -> None:
    texture = np.random.default_rng(0).integers(0, 255, (100, 200, 3)).astype(np.uint8)
    for exact, reads in ((False, 11), (True, 31)):
        classifier = Counting()
        pipeline = build_pipeline(Still(), classifier, Mode.LIVE, exact=exact)
        for n in range(31):
            pipeline.step(Frame(texture, n, n / 30, "camera"))
        assert classifier.crops == reads


def test_a_cameras_face_that_reads_otherwise_is_read_in_every_frame() -> None:
    classifier = Counting()
    pipeline = build_pipeline(Still(), classifier, Mode.LIVE, smoothing_s=2.0)
    texture = np.random.default_rng(0).integers(0, 20, (100, 200, 3)).astype(np.uint8)
    for n in range(4):
        pipeline.step(Frame(texture, n, n / 30, "camera"))
    before = classifier.crops
    for n in range(4, 14):
        pipeline.step(Frame(texture + np.uint8(200), n, n / 30, "camera"))
    assert classifier.crops - before >= 8


def test_each_face_of_a_crowd_is_read_fifteen_times_a_second_and_looked_at_less_often() -> None:
    search, classifier = Crowd(), Counting()
    pipeline = build_pipeline(search, classifier, Mode.LIVE)
    texture = np.random.default_rng(0).integers(0, 255, (200, 640, 3)).astype(np.uint8)
    for n in range(61):
        assert len(pipeline.step(Frame(texture, n, n / 30, "camera")).faces) == 5
    assert 5 * 15 * 2 - 10 <= classifier.crops <= 5 * 22 * 2
    assert search.looks <= 5 * 11 * 2


def read_faces(results: Sequence[FrameResult]) -> list[list[object]]:
    """All that is shown of the first face of each frame, and its own reading."""
    return [
        [face.label, face.probabilities.tolist(), face.raw_probabilities.tolist()]
        for face in (result.faces[0] for result in results)
    ]


@pytest.mark.parametrize("mode", list(Mode))
def test_embeddings_come_with_the_readings_and_change_nothing(mode: Mode) -> None:
    frames = film(7, light=(240, 240, 240, 240, 30, 240, 20))
    plain, asked = (
        list(
            build_pipeline(Still(), Brightness(), mode, with_embeddings=with_embeddings).read_all(
                frames
            )
        )
        for with_embeddings in (False, True)
    )
    assert read_faces(asked) == read_faces(plain)
    assert {result.faces[0].embedding is None for result in plain} == {True}
    for result in asked:
        face = result.faces[0]
        if face.embedding is not None:
            np.testing.assert_allclose(face.embedding, face.raw_probabilities, atol=1e-6)


def test_a_face_that_is_not_read_in_a_frame_has_no_embedding_there() -> None:
    pipeline = build_pipeline(Still(), Brightness(), Mode.FILE, with_embeddings=True)
    results = list(pipeline.read_all(film(7)))
    read = [result.frame.index for result in results if result.faces[0].embedding is not None]
    assert read == [0, 3, 6]


def test_maps_and_embeddings_come_together() -> None:
    pipeline = build_pipeline(Still(), Brightness(), Mode.LIVE, with_embeddings=True)
    pipeline.with_maps = True
    face = pipeline.step(halves()).faces[0]
    assert face.map is not None
    assert face.embedding is not None


def dim_halves(time_s: float = 0.0) -> Frame:
    """Halves of which the dark one is not black, so that it is bright with some probability."""
    image = np.maximum(halves().image, 51)
    return Frame(image, 0, time_s, "halves")


def taught_face(**settings: Any) -> TaughtFace:
    """A profile that turns dark into bright where the crop is dark: its weight is on the share of
    dark, which is the first number of `Brightness`'s embedding."""
    labels = Brightness.contract.labels
    facts = EmbeddingFacts(mean=(0.0, 0.0), std=(1.0, 1.0))
    weights = np.array([[0.0, 9.0], [0.0, 0.0]])
    return TaughtFace(labels, facts, make_profile(labels=labels, weights=weights, **settings))


def test_profile_corrects_its_person_and_leaves_raw_readings() -> None:
    finder = Finder(make_face(10, 10), make_face(120, 10))
    taught = taught_face(place=(0.21, 0.21, 0.32))
    pipeline = Pipeline(finder, Brightness(), tracker=Tracker(), taught=taught)
    first, second = pipeline.step(dim_halves()).faces
    assert (first.label, first.taught, second.label, second.taught) == (
        *("bright", True),
        *("bright", False),
    )
    assert first.raw_probabilities[0] > 0.7
    assert first.embedding is None


def test_profile_that_is_dropped_leaves_the_model_as_it_was() -> None:
    taught = taught_face()
    pipeline = Pipeline(
        Finder(make_face(10, 10)), Brightness(), tracker=Tracker(smoothing_s=0), taught=taught
    )
    assert pipeline.step(dim_halves()).faces[0].label == "bright"
    taught.use(None)
    (face,) = pipeline.step(dim_halves(1.0)).faces
    assert (face.label, face.taught) == ("dark", False)


def test_embeddings_can_be_asked_for_between_two_frames() -> None:
    pipeline = Pipeline(Finder(make_face(10, 10)), Brightness(), tracker=Tracker())
    assert pipeline.step(dim_halves()).faces[0].embedding is None
    pipeline.with_embeddings = True
    embedding = pipeline.step(dim_halves(0.1)).faces[0].embedding
    assert embedding is not None
    assert embedding[0] > 0.7
