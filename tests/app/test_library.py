"""`from app import …`: its names, and that pictures, streams and threads get the same results."""

import json
import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import app
from app import (
    EventsSink,
    FrameResult,
    ModelError,
    Recogniser,
    RecordsSink,
    Selection,
    Silence,
    SinkError,
    SourceError,
    VideoSink,
    VideoSource,
)
from app.defaults import PORTRAIT_CLIP, ROOT
from app.outputs.sink import writing
from app.recogniser import _says_live
from app.types import Frame, Image, TrackedFace
from tests.support.synthetic import frame_result, level_picture
from tests.support.tiny_model import tiny_contract, write_tiny_model

NAMES = {
    *("Overlay", "Recogniser", "Selection", "writing"),
    *("Frame", "Face", "FrameResult", "Image", "Silence", "TrackedFace", "UNSURE"),
    *("CameraAddress", "CameraSource", "StreamSource", "VideoSource"),
    *("RealtimeVideo", "encode_event", "make_event"),
    *("EpisodesSink", "RecordsReader", "RecordsSink", "Sink", "VideoSink"),
    *("EventsSink", "LslSink", "OscSink", "VirtualCameraSink"),
    *("DataError", "DeviceError", "ModelError", "ProfileError", "RecogniserError"),
    *("SinkError", "SourceError"),
}


@pytest.fixture(scope="module")
def recogniser() -> Iterator[Recogniser]:
    with Recogniser(device="cpu", threads=1) as made:
        yield made


def plain(results: Iterable[FrameResult]) -> list[Any]:
    """All that is said, as values that can be compared."""
    return [
        (result.frame.index, result.frame.time_s, [said_of(face) for face in result.faces])
        for result in results
    ]


def said_of(face: TrackedFace) -> Any:
    shares = face.probabilities.tolist()
    return face.face_id, face.label, face.reason, shares, face.face.box_xyxy


def test_public_names_are_these() -> None:
    assert set(app.__all__) == NAMES
    assert set(dir(app)) >= NAMES
    for name in NAMES:
        value = getattr(app, name)
        assert getattr(value, "__name__", name) == name or name in {"Image", "UNSURE"}
    with pytest.raises(AttributeError, match="has no attribute 'Nobody'"):
        app.Nobody  # noqa: B018


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("import app.types", "mediapipe onnxruntime cv2 av scipy tqdm"),
        ("from app import Frame, SourceError", "mediapipe onnxruntime cv2 av scipy tqdm"),
        ("from app import Recogniser", "mediapipe onnxruntime scipy tqdm"),
    ],
)
def test_importing_names_loads_no_more_than_they_need(line: str, absent: str) -> None:
    code = f"import sys\n{line}\nprint(*({set(absent.split())!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""


def test_types_travel_with_the_package() -> None:
    assert (ROOT / "app" / "py.typed").exists()
    assert '"py.typed"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.slow
def test_picture_is_read_from_a_path_and_from_an_array(
    recogniser: Recogniser, clip_frames: dict[int, Image], tmp_path: Path
) -> None:
    path = tmp_path / "frame.png"
    assert cv2.imwrite(str(path), clip_frames[60])
    of_path, of_text = recogniser.image(path), recogniser.image(str(path))
    of_array = recogniser.image(clip_frames[60])
    of_view = recogniser.image(np.asfortranarray(clip_frames[60]))
    assert of_path.frame.source == "frame.png"
    assert [face.label for face in of_path.faces] == ["happiness"]
    (expected,) = plain([of_path])
    assert plain([of_text, of_array, of_view]) == [expected] * 3


def test_pictures_of_another_size_show_new_people(
    recogniser: Recogniser, clip_frames: dict[int, Image]
) -> None:
    image = clip_frames[60]
    small = np.ascontiguousarray(image[:400])
    pairs = [(image, 0.0), (image, 0.04), (small, 0.08), (small, 0.12)]
    assert [result.faces[0].face_id for result in recogniser.stream(pairs)] == [1, 1, 2, 2]


def test_stream_of_arrays_is_as_good_as_the_file(recogniser: Recogniser) -> None:
    with VideoSource(str(PORTRAIT_CLIP), selection=Selection(end_s=0.4)) as clip:
        frames = list(clip)
    pairs = [(frame.image, frame.time_s) for frame in frames]
    expected = plain(recogniser.stream(frames))
    assert len(expected) == len(frames) > 5
    assert [len(faces) for *_, faces in expected] == [1] * len(frames)
    assert plain(recogniser.stream(pairs)) == expected
    assert {result.frame.source for result in recogniser.stream(pairs[:2], name="desk")} == {"desk"}


def test_what_a_live_source_says_without_a_frame_is_passed_over(recogniser: Recogniser) -> None:
    frame = Frame(level_picture(0, (64, 48)), 0, 0.0, "camera:0")
    results = list(recogniser.stream([Silence(None, 0.5), frame, Silence("unplugged", 2.0)]))
    assert [(result.frame.index, result.frame.source) for result in results] == [(0, "camera:0")]


@pytest.mark.parametrize(("live", "numbers"), [(True, [1, 1, 1]), (None, [1, 2, 3])])
def test_late_frames_of_a_camera_show_the_same_person(
    recogniser: Recogniser, clip_frames: dict[int, Image], live: bool | None, numbers: list[int]
) -> None:
    pairs = [(clip_frames[60], 2.0 * step) for step in range(3)]
    results = list(recogniser.stream(pairs, live=live))
    assert [face.face_id for result in results for face in result.faces] == numbers
    assert [result.frame.time_s for result in results] == [0.0, 2.0, 4.0]


def test_kept_results_keep_their_pictures(recogniser: Recogniser) -> None:
    """Whoever gives pictures may use one array for all of them, as cameras do."""
    picture = level_picture(0, (64, 48))
    expected = picture.copy()

    def given() -> Iterator[Any]:
        for index in range(2):
            yield Frame(picture, index, index / 10, "x")
            yield picture, 1 + index / 10

    results = [recogniser.image(picture), *recogniser.stream(given())]
    picture[:] = 0
    for result in results:
        np.testing.assert_array_equal(result.picture, expected)


def in_a_fork(work: Callable[[], object]) -> str:
    """What `work` raises in a fork of this process, asked there."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks beside threads
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        except Exception as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read, "rb") as pipe:
        return pipe.read().decode()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_fork_of_the_process_is_told_at_once(
    recogniser: Recogniser, clip_frames: dict[int, Image]
) -> None:
    picture = clip_frames[60]
    size_px = recogniser._classifier.contract.size_px
    crops = np.zeros((1, size_px, size_px, 3), np.uint8)
    going_on = recogniser.stream([(picture, 0.0), (picture, 0.1)])
    next(going_on)
    uses: dict[str, Callable[[], object]] = {
        "image": lambda: recogniser.image(picture),
        "stream": lambda: next(recogniser.stream([(picture, 0.0)])),
        "a stream that goes on": lambda: next(going_on),
        "the model": lambda: recogniser._classifier.predict(crops),
    }
    for name, use in uses.items():
        said = in_a_fork(use)
        assert said.startswith(f"DeviceError: These networks were loaded in process {os.getpid()}")
        assert "make a Recogniser in each process, after the fork (docs/library.md)" in said, name
    assert in_a_fork(recogniser.close) == ""
    assert len(recogniser.image(picture).faces) == 1  # the fork took nothing away


@pytest.mark.parametrize(
    ("sink", "given"),
    [(None, "NoneType"), ("out.csv", "str"), (RecordsSink, "RecordsSink, a class")],
)
def test_what_is_no_sink_is_refused_before_anything_is_read(
    recogniser: Recogniser, sink: Any, given: str
) -> None:
    line = f"a sink has write, close and abort, as RecordsSink has; got {given}"
    with pytest.raises(TypeError, match=line):
        recogniser.stream([], sinks=[sink])
    with pytest.raises(TypeError, match=line), writing(sink):
        pass


def test_a_recogniser_is_not_sent_to_another_process(recogniser: Recogniser) -> None:
    with pytest.raises(TypeError, match="cannot be sent to another process; make one there"):
        pickle.dumps(recogniser)


@pytest.mark.slow
def test_results_are_the_same_from_four_threads_as_from_one(
    recogniser: Recogniser, clip_frames: dict[int, Image]
) -> None:
    with VideoSource(PORTRAIT_CLIP, selection=Selection(start_s=2.0, end_s=2.5)) as clip:
        frames = list(clip)

    def work(_: int) -> Any:
        pictures = [recogniser.image(image) for image in clip_frames.values()]
        return plain(recogniser.stream(frames)), plain(pictures)

    expected = work(0)
    assert sum(len(faces) for *_, faces in expected[1]) >= 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [expected] * 4


@pytest.mark.parametrize(
    ("picture", "error", "said"),
    [
        (np.zeros((4, 4), np.uint8), ValueError, "uint8 (H, W, 3) in BGR order, got uint8 (4, 4)"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, "got uint8 (4, 4, 4)"),
        (np.zeros((4, 4, 3)), ValueError, "got float64 (4, 4, 3)"),
        ("nowhere.png", SourceError, "nowhere.png does not exist"),
        (None, TypeError, "the path of a file or an array, not NoneType"),
    ],
)
def test_what_is_no_picture_is_said(
    recogniser: Recogniser, picture: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        recogniser.image(picture)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "error", "said"),
    [
        (np.zeros((4, 4, 3), np.uint8), TypeError, "pairs (image, time in seconds), got ndarray"),
        ((0.5, np.zeros((4, 4, 3), np.uint8)), TypeError, "an array uint8 (H, W, 3), got float"),
        ((np.zeros((4, 4, 3), np.uint8), float("nan")), ValueError, "finite number of seconds"),
        (Frame(np.zeros((4, 4, 3), np.float32), 0, 0.0, "x"), ValueError, "got float32"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_frame_is_said(
    recogniser: Recogniser, frame: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        list(recogniser.stream([frame]))
    assert said in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 0, 3), (1, 1, 3), (0, 50, 3)])
def test_hardly_any_pixels_are_no_faces(recogniser: Recogniser, shape: tuple[int, ...]) -> None:
    assert recogniser.image(np.zeros(shape, np.uint8)).faces == ()


@pytest.mark.parametrize(
    "setting",
    [
        {"max_faces": 0},
        {"threads": 0},
        {"threads": -3},
        {"device": "tpu"},
        {"device": None},
        {"smoothing_s": -1.0},
        {"smoothing_s": float("inf")},
        {"prior_correction": 1.5},
        {"prior_correction": -0.1},
        {"prior_correction": float("nan")},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"^{name} is |^max_age_s and {name} are"):
        Recogniser(**setting)


@pytest.mark.parametrize("setting", [{"max_faces": 1.5}, {"max_faces": True}, {"threads": "2"}])
def test_settings_of_another_type_are_refused_at_once(setting: dict[str, Any]) -> None:
    (name,) = setting
    with pytest.raises(TypeError, match=rf"^{name} is a whole number, or None for "):
        Recogniser(**setting)


@pytest.mark.slow
def test_embeddings_are_given_where_they_are_asked_for(
    recogniser: Recogniser, clip_frames: dict[int, Image]
) -> None:
    assert recogniser.image(clip_frames[60]).faces[0].embedding is None
    with Recogniser("small", device="cpu", threads=1, embeddings=True) as asked:
        (face,) = asked.image(clip_frames[60]).faces
        streamed = list(asked.stream([(clip_frames[60], 0.0), (clip_frames[60], 0.04)]))
    with Recogniser("small", device="cpu", threads=1) as plain:
        (same,) = plain.image(clip_frames[60]).faces
    assert same.probabilities.tolist() == face.probabilities.tolist()
    assert face.embedding is not None
    assert (face.embedding.shape, face.embedding.dtype) == ((256,), np.float32)
    assert asked.contract.embedding is not None
    assert asked.contract.embedding.dim == 256
    assert len(asked.sha256) == 64
    assert face.embedding.min() >= 0
    assert face.embedding.max() > 0
    assert all(result.faces[0].embedding is not None for result in streamed)
    assert pickle.loads(pickle.dumps(face)).embedding.tolist() == face.embedding.tolist()


def test_model_without_embeddings_is_refused_where_they_are_asked_for(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "old.onnx", tiny_contract())
    with pytest.raises(ModelError, match=r"old\.onnx gives no embeddings"):
        Recogniser(path, device="cpu", embeddings=True)


def test_closed_recogniser_says_so(clip_frames: dict[int, Image]) -> None:
    made = Recogniser(device="cpu", threads=1)
    going_on = made.stream([(clip_frames[0], 0.0)])
    made.close()
    made.close()
    for use in (
        lambda: made.image(clip_frames[0]),
        lambda: made.stream([]),
        lambda: next(going_on),
    ):
        with pytest.raises(ValueError, match="this recogniser is closed"):
            use()


def test_canvas_is_new_and_as_asked(recogniser: Recogniser, clip_frames: dict[int, Image]) -> None:
    result = recogniser.image(clip_frames[60])
    before = result.frame.image.copy()
    full, boxes, off = (recogniser.draw(result, mode) for mode in ("full", "boxes", "off"))  # type: ignore[arg-type]
    assert (off == before).all()
    assert 0 < (boxes != before).sum() < (full != before).sum()
    assert (result.frame.image == before).all()


class Noted:
    """A sink that notes what is done to it; `path` names it."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False) -> None:
        self.path = Path(name)
        self._notes, self._fails, self._done = notes, fails, False

    def write(self, result: FrameResult, canvas: Image) -> None:
        self._notes.append(f"{self.path} {result.frame.index}")

    def close(self) -> None:
        if self._fails:
            raise SinkError(f"{self.path} is full.")
        self._done = True
        self._notes.append(f"{self.path} whole")

    def abort(self) -> None:
        if not self._done:
            self._notes.append(f"{self.path} gone")


def test_sinks_are_completed_together() -> None:
    notes: list[str] = []
    with writing(Noted("a", notes), Noted("b", notes)) as write:
        write(frame_result(index=7), level_picture(0, (8, 8)))
    assert notes == ["a 7", "b 7", "a whole", "b whole"]


def test_sinks_leave_nothing_behind_after_an_error() -> None:
    notes: list[str] = []
    with pytest.raises(KeyError), writing(Noted("a", notes), Noted("b", notes)):
        raise KeyError
    assert notes == ["b gone", "a gone"]


def test_sink_that_cannot_be_completed_leaves_the_others_whole() -> None:
    notes: list[str] = []
    sinks = (Noted("a", notes), Noted("b", notes, fails=True), Noted("c", notes))
    with pytest.raises(SinkError, match="b is full"), writing(*sinks):
        pass
    assert notes == ["a whole", "c whole", "b gone"]


@pytest.mark.slow
def test_a_stream_writes_to_its_sinks_and_completes_them(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("r.jsonl", "e.jsonl", "a.mp4")]
    sinks = [
        RecordsSink(paths[0], recogniser.labels),
        EventsSink(paths[1]),
        VideoSink(paths[2]),
    ]
    with VideoSource(PORTRAIT_CLIP, selection=Selection(end_s=0.4)) as video:
        frames = [result.frame.index for result in recogniser.stream(video, sinks=sinks)]
    assert frames == list(range(10))
    for path in paths[:2]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["frame"] for line in lines] == frames
    with VideoSource(paths[2]) as annotated:
        pictures = [frame.image for frame in annotated]
    assert len(pictures) == 10
    with VideoSource(PORTRAIT_CLIP, selection=Selection(end_s=0.4)) as video:
        plain_pictures = [frame.image for frame in video]
    assert np.abs(pictures[-1].astype(int) - plain_pictures[-1]).max() > 100  # it is annotated


@pytest.mark.slow
def test_a_stream_that_is_left_early_keeps_what_its_sinks_have(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    notes: list[str] = []
    path = tmp_path / "e.jsonl"
    with VideoSource(PORTRAIT_CLIP) as video:
        results = recogniser.stream(video, sinks=[EventsSink(path), Noted("b", notes)])
        for result in results:
            if result.frame.index == 2:
                break
        results.close()  # type: ignore[attr-defined]
    assert len(path.read_text().splitlines()) == 3
    assert notes == ["b 0", "b 1", "b 2", "b whole"]

    def fail() -> Iterator[tuple[Image, float]]:
        yield np.zeros((48, 64, 3), np.uint8), 0.0
        raise KeyError("the user's own")

    other = tmp_path / "f.jsonl"
    with pytest.raises(KeyError):
        list(recogniser.stream(fail(), sinks=[EventsSink(other)]))
    assert sorted(tmp_path.iterdir()) == [path]


def test_records_of_a_face_without_figures_measure_them(tmp_path: Path) -> None:
    """A user may make a `TrackedFace`; its quality is then measured on the frame."""
    with (
        Recogniser() as recogniser,
        VideoSource(PORTRAIT_CLIP, selection=Selection(end_s=0.01)) as clip,
    ):
        (result,) = recogniser.stream(clip)
    bare = replace(result, faces=tuple(replace(face, quality=None) for face in result.faces))
    for name, one in (("own", result), ("bare", bare)):
        with writing(RecordsSink(tmp_path / f"{name}.csv", result.labels)) as write:
            write(one, one.picture)
    assert (tmp_path / "own.csv").read_bytes() == (tmp_path / "bare.csv").read_bytes()


@pytest.mark.parametrize(("given", "live"), [(True, True), (False, False)])
def test_a_users_source_may_say_that_it_is_live(given: bool, live: bool) -> None:
    class Source:
        def __init__(self) -> None:
            self.live = given

        def __iter__(self) -> Iterator[object]:
            return iter(())

    assert _says_live(Source()) is live
    with VideoSource(PORTRAIT_CLIP) as clip:
        assert not _says_live(clip)
