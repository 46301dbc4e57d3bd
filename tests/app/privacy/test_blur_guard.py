"""Blurring fails closed: a frame whose faces cannot be accounted for is covered as a whole, or the
run stops."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.batch.annotate import FileOutcome, annotate
from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch, SearchResult
from app.errors import DeviceError, SourceError
from app.outputs.run_metadata import read_notes
from app.pipeline import build_pipeline
from app.privacy.blur import blur_whole
from app.privacy.blur_guard import BlurGuard
from app.privacy.face_ledger import (
    BEFORE,
    DAMAGED,
    LOST,
    NOT_SEARCHED,
    FaceLedger,
    show_two_scenes,
)
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RunPlan, VideoInput, ViewSettings
from app.sources.frame_selection import Selection
from app.sources.video import VideoSource
from app.types import Face, Floats, Frame, FrameResult, Image, Mode
from tests.support.at_once import AtOnce
from tests.support.faces import Finder, make_face
from tests.support.synthetic import LABELS, noise_picture, tracked_face, write_video
from tests.support.tiny_model import tiny_contract

SIZE_WH = (320, 240)
RATE = 10


def face(x: float, y: float = 80, side: float = 60) -> Face:
    return Face((x, y, x + side, y + side), np.full((6, 2), x + side / 2, np.float32), 0.9)


def scene(seed: int) -> Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_LINEAR), np.uint8)


class Staged(AtOnce):
    """Sees in frame N what is said of it: places of faces, or an error."""

    def __init__(self, seen: Sequence[Sequence[float] | Exception]) -> None:
        self._seen = seen
        self.resets = 0

    def step(self, frame: Frame) -> FrameResult:
        now = self._seen[frame.index]
        if isinstance(now, Exception):
            raise now
        faces = tuple(
            replace(tracked_face(number), face=face(x)) for number, x in enumerate(now, start=1)
        )
        return FrameResult(frame, faces, LABELS)

    def reset(self) -> None:
        self.resets += 1


def doubts(
    seen: Sequence[Sequence[float] | Exception],
    *,
    scenes: Sequence[int] | None = None,
    damaged: Sequence[int] = (),
    mode: Mode = Mode.LIVE,
    **options: object,
) -> list[str | None]:
    """What is wrong with each frame, ten of which are a second."""
    guard = BlurGuard(Staged(seen), wanted=lambda: True, mode=mode, **options)
    found: list[FrameResult] = []
    for index in range(len(seen)):
        image = scene(scenes[index] if scenes else 0)
        frame = Frame(image, index, index / RATE, "clip.mp4", damaged=index in damaged)
        found += guard.step(frame)
    found += guard.release()
    assert [one.frame.index for one in found] == list(range(len(seen)))
    return [one.doubt for one in found]


SEEN, NONE = [100.0], []


class Jumping(Finder):
    """Finds the face on the left or on the right, as one pixel tells that nothing else sees."""

    max_faces: int | None = None
    far_faces = False

    @staticmethod
    def find(image: Image) -> Face:
        return make_face(20 if image[0, 0, 0] else 200, 10)

    def look_again(self, image: Image, face: Face) -> Face | None:
        here = self.find(image)
        return here if abs(here.box_xyxy[0] - face.box_xyxy[0]) < 60 else None

    def search(self, image: Image, *_: object, **__: object) -> SearchResult:
        return SearchResult([self.find(image)], [])

    def is_face(self, image: Image, face: Face) -> bool:
        return True


class Unsure:
    """Reads the same in every face."""

    contract = tiny_contract()

    def predict(self, crops: NDArray[np.uint8]) -> Floats:
        return np.full((len(crops), 2), 0.5, np.float32)

    def predict_with_maps(self, crops: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        raise NotImplementedError


def follow_jumps(blurs: list[bool]) -> list[bool]:
    """Tells for each frame whether its face is covered, or would be. The face is on the right in
    two of three frames: in those that are not looked at in a file otherwise."""
    guard = BlurGuard(
        build_pipeline(Jumping(), Unsure(), Mode.FILE), wanted=lambda: blurs[0], mode=Mode.FILE
    )
    found: list[FrameResult] = []
    for number in range(len(blurs)):
        image = np.zeros((100, 300, 3), np.uint8)
        image[0, 0] = number % 3 == 0
        found += guard.step(Frame(image, number, number / 30, "jumps.mp4"))
        blurs = blurs[1:] or blurs
    found += guard.release()
    places = [Jumping.find(one.frame.image).box_xyxy for one in found]
    return [
        one.doubt is not None or place in [each.face.box_xyxy for each in one.faces]
        for one, place in zip(found, places, strict=True)
    ]


def test_face_between_two_looks_is_found_while_faces_are_blurred() -> None:
    assert follow_jumps([True] * 10) == [True] * 10
    assert follow_jumps([False] * 10) == [number % 3 == 0 for number in range(10)]
    # Blurring is switched on while frames wait to be read.
    assert follow_jumps([False] * 5 + [True] * 5) == [True, False, False] + [True] * 7


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ([NONE] * 5, [None] * 5),
        ([SEEN] * 5, [None] * 5),
        ([SEEN, SEEN, NONE, NONE, SEEN], [None, None, LOST, LOST, None]),
        ([SEEN] + [NONE] * 40, [None] + [LOST] * 40),
        ([[100.0 + 12 * n] for n in range(8)], [None] * 8),
        # One of two is lost; a third who comes elsewhere does not stand for it.
        ([[20.0, 200.0], [20.0], [20.0, 120.0]], [None, LOST, LOST]),
        # Who comes back near by is who was lost.
        ([SEEN, NONE, NONE, [130.0], [130.0]], [None, LOST, LOST, None, None]),
    ],
)
def test_lost_face_puts_frames_in_doubt_until_it_is_found_again(
    seen: list[list[float]], wanted: list[str | None]
) -> None:
    assert doubts(seen) == wanted


@pytest.mark.parametrize(("speed", "left"), [(30.0, True), (-30.0, False)])
def test_who_leaves_by_the_edge_is_not_lost(speed: float, left: bool) -> None:
    """Speeds are px a frame; the last place is the same."""
    way = [[255.0 - speed * n] for n in range(4, -1, -1)]
    assert doubts([*way, NONE, NONE])[-2:] == ([None, None] if left else [LOST, LOST])


def test_scene_that_is_over_takes_its_faces_with_it() -> None:
    assert doubts([SEEN, NONE, NONE], scenes=[1, 2, 2]) == [None] * 3
    assert doubts([SEEN, NONE, NONE], scenes=[1, 1, 2]) == [None, LOST, None]


def test_scene_that_fades_is_over_a_while_later() -> None:
    ledger = FaceLedger()
    pictures = [cv2.addWeighted(scene(1), 1 - n / 30, scene(2), n / 30, 0) for n in range(31)]
    assert not any(
        show_two_scenes(*(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float32) for p in pair))
        for pair in pairwise(pictures)
    )
    found = [
        ledger.check_frame([face(100)] if n < 2 else [], pictures[min(n, 30)], n / RATE)
        for n in range(60)
    ]
    assert all(one is not None for one in found[2:22])
    assert found[40:] == [None] * 20


def test_frames_before_a_face_is_found_are_in_doubt_where_they_are_held() -> None:
    seen = [NONE] * 15 + [SEEN] * 3
    assert doubts(seen, mode=Mode.FILE) == [None] * 3 + [BEFORE] * 12 + [None] * 3
    assert doubts(seen) == [None] * 18
    # A cut is as far back as it goes.
    assert doubts(seen, mode=Mode.FILE, scenes=[1] * 12 + [2] * 6)[10:16] == [None] * 2 + [
        BEFORE
    ] * 3 + [None]
    # No further than there is room.
    room = 4 * scene(0).nbytes
    assert doubts(seen, mode=Mode.FILE, max_bytes=room)[10:16] == [None] + [BEFORE] * 4 + [None]


@pytest.mark.parametrize(
    ("seen", "damaged", "wanted"),
    [
        ([SEEN, RuntimeError("no graph"), SEEN], (), [None, NOT_SEARCHED, None]),
        ([NONE, NONE, NONE], (1,), [None, DAMAGED, None]),
        ([SEEN, NONE, SEEN], (1,), [None, DAMAGED, None]),
    ],
)
def test_what_was_not_looked_at_is_in_doubt(
    seen: list[object], damaged: Sequence[int], wanted: list[str | None]
) -> None:
    assert doubts(seen, damaged=damaged) == wanted  # type: ignore[arg-type]


def test_failures_are_told_and_what_a_user_can_mend_is_raised() -> None:
    pipeline = Staged([RuntimeError("no graph\nat all"), NONE, DeviceError("The GPU is gone.")])
    guard = BlurGuard(pipeline, wanted=lambda: True, mode=Mode.LIVE)
    for index in range(2):
        guard.step(Frame(scene(0), index, index / RATE, "clip.mp4"))
    assert pipeline.resets == 1
    assert guard.warning == (
        "In 1 frame faces could not be looked for (RuntimeError: no graph); nothing was read there."
    )
    with pytest.raises(DeviceError):
        guard.step(Frame(scene(0), 2, 0.2, "clip.mp4"))


def test_without_blur_nothing_is_held_or_hidden() -> None:
    guard = BlurGuard(Staged([SEEN, NONE, RuntimeError("x")]), wanted=lambda: False, mode=Mode.FILE)
    for index in range(2):
        (result,) = guard.step(Frame(scene(0), index, index / RATE, "clip.mp4"))
        assert result.doubt is None
    with pytest.raises(RuntimeError):
        guard.step(Frame(scene(0), 2, 0.2, "clip.mp4"))


@pytest.mark.parametrize(
    ("seen", "passed", "said"),
    [
        ([SEEN, SEEN, NONE], 2, "clip.mp4: stopped at 0.20 s: a face that was seen before is"),
        ([NONE] * 15 + [SEEN], 3, "stopped at 0.25 s: a face is found only later"),
    ],
)
def test_run_stops_before_the_first_frame_in_doubt(
    seen: list[list[float]], passed: int, said: str
) -> None:
    guard = BlurGuard(Staged(seen), wanted=lambda: True, if_lost="stop", mode=Mode.FILE)
    found: list[FrameResult] = []
    for index in range(len(seen) - 1):
        found += guard.step(Frame(scene(0), index, index / RATE, "clip.mp4"))
    last = Frame(scene(0), len(seen) - 1, (len(seen) - 1) / RATE, "clip.mp4")
    with pytest.raises(SourceError, match=said):
        guard.step(last)
    assert len([*found, *guard.release()]) == passed


def test_who_comes_into_a_live_view_does_not_stop_it() -> None:
    assert doubts([NONE] * 5 + [SEEN] * 3, if_lost="stop") == [None] * 8
    guard = BlurGuard(Staged([SEEN, NONE]), wanted=lambda: True, mode=Mode.LIVE, if_lost="stop")
    guard.step(Frame(scene(0), 0, 0.0, "camera:0"))
    with pytest.raises(SourceError, match="a face that was seen before is not found"):
        guard.step(Frame(scene(0), 1, 0.1, "camera:0"))


def test_face_that_is_lost_between_two_frames_of_one_time_is_in_doubt() -> None:
    ledger = FaceLedger()
    assert ledger.check_frame([face(100)], scene(0), 1.0) is None
    doubt = ledger.check_frame([], scene(0), 1.0)
    assert doubt is not None
    assert doubt.why == LOST


def test_of_a_whole_picture_few_cells_are_left() -> None:
    image = noise_picture(0, SIZE_WH)
    covered = blur_whole(image).astype(int)
    assert np.abs(np.diff(covered, axis=1)).max() <= 2
    assert covered.shape == image.shape


def test_damage_lasts_until_a_frame_that_stands_for_itself(tmp_path: Path) -> None:
    def shaken(index: int, size_wh: tuple[int, int]) -> Image:
        return np.roll(noise_picture(0, size_wh), index * index % 7, axis=1)

    path = tmp_path / "clip.mp4"
    write_video(path, frames=50, picture=shaken)
    content = bytearray(path.read_bytes())
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) * 3 // 4
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    with VideoSource(path) as source:
        damaged = [frame.damaged for frame in source]
    assert any(damaged)
    first = damaged.index(True)
    assert damaged == [False] * first + [True] * (len(damaged) - first)  # of one key frame
    write_video(tmp_path / "whole.mp4", frames=20)
    with VideoSource(tmp_path / "whole.mp4") as source:
        assert not any(frame.damaged for frame in source)


# A real run in which the detector loses the face of the portrait clip for some frames

GONE = range(6, 10)


class Blinking(FaceSearch):
    """Finds nothing in some frames of the clip, told by its calls for whole frames."""

    gone: Callable[[Image], bool] = staticmethod(lambda image: False)

    def search(self, image, *rest, **more):  # type: ignore[no-untyped-def]
        found = super().search(image, *rest, **more)
        return found._replace(faces=()) if self.gone(image) else found

    def look_again(self, image, known, **more):  # type: ignore[no-untyped-def]
        return None if self.gone(image) else super().look_again(image, known, **more)


def run(folder: Path, if_lost: str) -> FileOutcome:
    with VideoSource(PORTRAIT_CLIP) as source:
        first = [frame.image for _, frame in zip(range(max(GONE) + 1), source, strict=False)]
    pictures = [image[::16, ::16].astype(int) for image in first[min(GONE) :]]

    def gone(image: Image) -> bool:
        now = image[::16, ::16].astype(int)
        return any(np.abs(now - one).mean() < 0.5 for one in pictures)

    outputs = OutputPaths(folder / "out.mp4", folder / "out.jsonl", (), folder / "out.html")
    plan = RunPlan(
        VideoInput(PORTRAIT_CLIP),
        outputs,
        Selection(end_s=0.6),
        settings={"blur": True},
        view=ViewSettings(blur=True, hud="off", if_lost=if_lost),  # type: ignore[arg-type]
    )
    with Blinking() as search:
        search.gone = gone  # type: ignore[method-assign]
        machine = LoadedNetworks(search, Classifier(DEFAULT_MODEL, device="cpu"))
        return annotate(plan, machine, stop=lambda: False)


@pytest.mark.slow
def test_frames_of_a_lost_face_show_nothing_at_all(tmp_path: Path) -> None:
    outcome = run(tmp_path, "whole")
    assert outcome.cut_short is None
    grain = []
    with av.open(str(tmp_path / "out.mp4")) as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="gray").astype(int)
            grain.append(float(np.abs(np.diff(picture, axis=1)).mean()))
    hidden = [index for index, value in enumerate(grain) if value < 0.7]
    assert set(GONE) <= set(hidden)
    assert outcome.blurred_whole == len(hidden) < len(GONE) + 3
    notes = read_notes(tmp_path / "out.jsonl")
    assert notes["blurred_whole"] == {LOST: len(hidden)}
    assert notes["counts"]["frames"] == len(grain) == outcome.frames


@pytest.mark.slow
def test_run_that_is_to_stop_ends_before_them(tmp_path: Path) -> None:
    outcome = run(tmp_path, "stop")
    assert outcome.cut_short is not None
    assert outcome.cut_short.startswith("portrait.mp4: stopped at 0.")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == min(GONE) == outcome.frames
