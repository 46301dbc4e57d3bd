"""Each key does what the help says, at once, and only what is meant for the screen stays on it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.live.keys import Action
from app.live.view import LiveView
from app.overlay.history import NOT_SEEN
from app.runs.plan import ViewSettings
from app.tracking.resting_face import RestingFaces
from app.types import Face, FaceMap, Frame, FrameResult, Image, Mode, TrackedFace
from tests.support.at_once import AtOnce
from tests.support.clock import Clock

LABELS = ("neutral", "sadness")


class Reader(AtOnce):
    """A pipeline that has nothing to say but what was switched on."""

    def __init__(self, labels: Sequence[str] = LABELS, *, stream: bool = True) -> None:
        self.with_maps = False
        self.smoothing_s: float | None = 0.25 if stream else None
        self.resting = RestingFaces(labels) if stream else None

    def step(self, frame: Frame) -> FrameResult:
        raise AssertionError

    def explain(self, result: FrameResult) -> FrameResult:
        shown = FaceMap(np.ones((2, 2), np.float32), np.array([[0.01, 0, -1], [0, 0.01, -0.8]]))
        return FrameResult(
            result.frame,
            tuple(
                TrackedFace(
                    f.face, f.face_id, f.label, f.probabilities, f.probabilities, None, shown
                )
                for f in result.faces
            ),
            result.labels,
            {},
            result.blurred,
        )

    def reset(self) -> None: ...


def frame(time_s: float = 0.0, faces: int = 1) -> FrameResult:
    image = np.random.default_rng(0).integers(0, 256, (300, 640, 3)).astype(np.uint8)
    shares = np.array([0.3, 0.7], np.float32)
    found = Face((110, 90, 190, 170), np.full((6, 2), 130, np.float32), 0.9)
    return FrameResult(
        Frame(image, 0, time_s, "noise"),
        tuple(TrackedFace(found, 1, "sadness", shares, shares) for _ in range(faces)),
        LABELS,
    )


class Desk:
    """A view with one result on it, and what it said."""

    def __init__(self, look: ViewSettings | None = None, pipeline: Reader | None = None) -> None:
        self.said: list[str] = []
        self.clock = Clock()
        self.pipeline = pipeline or Reader()
        self.view = LiveView(
            self.pipeline,
            look or ViewSettings(),
            provider="CPU",
            mode=Mode.PICTURES if self.pipeline.smoothing_s is None else Mode.LIVE,
            say=self.said.append,
            clock=self.clock,
        )
        self.result = self.view.add(frame())

    def canvas(self) -> Image:
        return self.view.draw(self.result)

    def press(self, *actions: Action) -> Image:
        """The screen after them."""
        for action in actions:
            changed = self.view.obey(action, self.result, self.canvas())
            self.result = changed or self.result
        return self.view.draw_screen(self.canvas())


def same(canvas: Image, other: Image) -> bool:
    return canvas.shape == other.shape and bool((canvas == other).all())


def test_view_key_goes_from_everything_to_boxes_to_nothing_and_around() -> None:
    desk = Desk()
    image = desk.result.frame.image
    drawn = [(desk.canvas() != image).any(axis=2).sum()]
    for _ in range(3):
        desk.press("hud")
        drawn.append((desk.canvas() != image).any(axis=2).sum())
    assert drawn[0] > 2 * drawn[1] > drawn[2] == 0
    assert drawn[3] == drawn[0]


def test_map_key_paints_the_evidence_and_takes_it_away() -> None:
    desk = Desk(ViewSettings(hud="off"))
    plain = desk.canvas()
    desk.press("map")
    assert desk.pipeline.with_maps
    painted = (desk.canvas() != plain).any(axis=2)
    assert painted[90:170, 110:190].mean() > 0.8
    desk.press("map")
    assert not desk.pipeline.with_maps
    assert same(desk.canvas(), plain)


def test_blur_key_covers_faces_on_screen_and_in_what_is_stored() -> None:
    desk = Desk(ViewSettings(hud="off"))
    plain = desk.canvas()
    assert same(desk.result.picture, desk.result.frame.image)
    desk.press("blur")
    for picture in (desk.canvas(), desk.result.picture):
        assert not same(picture, plain)
        assert np.abs(np.diff(picture[95:165, 115:185].astype(int), axis=1)).mean() < 4
    desk.press("blur")
    assert same(desk.canvas(), plain)


def test_faces_that_are_left_out_are_not_promised_to_be_blurred() -> None:
    desk = Desk(ViewSettings(all_faces=False))
    before = desk.canvas()
    desk.press("blur")
    assert not desk.view.blurs
    assert same(desk.canvas(), before)
    assert desk.said == ["--max-faces leaves faces out, which could not be blurred"]


def test_blur_covers_a_face_that_is_lost_and_begins_with_those_just_lost() -> None:
    for look in (ViewSettings(blur=True), ViewSettings()):
        desk = Desk(look)
        desk.result = desk.view.add(frame(0.5, faces=0))
        if not look.blur:
            desk.press("blur")
        assert not same(desk.result.picture[95:165, 115:185], frame().frame.image[95:165, 115:185])


def test_snapshot_is_of_the_canvas_without_notes(tmp_path: Path) -> None:
    import cv2

    desk = Desk(ViewSettings(folder=tmp_path, blur=True))
    desk.press("help", "snapshot")
    (path,) = tmp_path.glob("*.png")
    saved = cv2.imread(str(path))
    assert saved is not None
    assert same(np.asarray(saved, np.uint8), desk.canvas())
    assert desk.said == [f"Saved {path}."]
    assert path.with_suffix(".jsonl").exists()


def test_record_key_starts_and_stops(tmp_path: Path) -> None:
    desk = Desk(ViewSettings(folder=tmp_path))
    desk.press("record")
    desk.view.recorder.write(desk.result, desk.canvas())
    desk.press("record")
    assert desk.view.recorder.finish()[0].startswith("Saved")
    assert len(list(tmp_path.glob("recording_*.mp4"))) == 1


def test_pictures_are_not_recorded_nor_smoothed() -> None:
    desk = Desk(pipeline=Reader(stream=False))
    desk.press("record", "calm", "neutral")
    assert not desk.view.recorder.is_running
    assert desk.pipeline.smoothing_s is None


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        (["calm"], 0.5),
        (["calm"] * 9, 4.0),
        (["quick"], 0.1),
        (["quick"] * 9, 0.0),
        (["quick", "calm", "calm"], 0.5),
    ],
)
def test_smoothing_keys_move_in_steps(keys: list[Action], seconds: float) -> None:
    desk = Desk()
    desk.press(*keys)
    assert desk.pipeline.smoothing_s == seconds


def test_smoothing_of_ones_own_moves_to_the_next_step() -> None:
    desk = Desk()
    desk.pipeline.smoothing_s = 0.3
    desk.press("quick")
    assert desk.pipeline.smoothing_s == 0.25


def test_neutral_key_looks_then_corrects_then_forgets() -> None:
    desk = Desk()
    desk.press("neutral")
    resting = desk.pipeline.resting
    assert resting is not None
    assert resting.left_s == 5
    for step in range(130):
        resting.correct([1], np.array([[0.3, 0.7]], np.float32), step / 25)
    desk.result = desk.view.add(frame(5.2))
    assert desk.said == ["The resting face of 1 person is allowed for. n forgets it."]
    desk.press("neutral")
    assert resting.known_count == 0
    assert desk.said[-1] == "Resting faces are forgotten."


def test_a_resting_face_that_is_forgotten_is_said() -> None:
    desk = Desk()
    resting = desk.pipeline.resting
    assert resting is not None
    resting.start()
    for step in range(150):
        resting.correct([1], np.array([[0.3, 0.7]], np.float32), step / 25)
    desk.view.add(frame(6.0))
    resting.correct([], np.zeros((0, 2), np.float32), 8.0)
    desk.view.add(frame(8.0))
    desk.view.add(frame(8.1))
    assert desk.said[1:] == ["A resting face is forgotten, for its person is gone; none is left."]


@pytest.mark.parametrize(
    ("gone", "line"),
    [
        ([1], "A resting face is forgotten, for its person is gone; 2 are left."),
        ([1, 2], "2 resting faces are forgotten, for their people are gone; 1 is left."),
    ],
)
def test_the_resting_faces_that_are_left_are_counted(gone: list[int], line: str) -> None:
    desk = Desk()
    resting = desk.pipeline.resting
    assert resting is not None
    resting.start()
    shares = np.array([[0.3, 0.7]] * 3, np.float32)
    for step in range(150):
        resting.correct([1, 2, 3], shares, step / 25)
    desk.view.add(frame(6.0))
    stay = [number for number in (1, 2, 3) if number not in gone]
    for step in range(150, 200):
        resting.correct(stay, shares[: len(stay)], step / 25)
    desk.view.add(frame(8.0))
    assert desk.said[1:] == [line]


def test_what_a_key_did_is_told_while_a_resting_face_is_looked_at(tmp_path: Path) -> None:
    desk = Desk(ViewSettings(folder=tmp_path))
    desk.press("neutral")
    assert desk.view._notes(None).message == "Look neutral for 5 s"
    desk.press("pause")
    assert desk.view._notes(None).message == "Paused. Press space to go on."
    desk.press("snapshot")
    told = desk.view._notes(None)
    assert (told.message or "").startswith("Saved ")
    assert told.progress == 0
    desk.clock.now += 4
    assert desk.view._notes(None).message == "Paused. Press space to go on."
    desk.press("pause")
    assert desk.view._notes(None).message == "Look neutral for 5 s"


def strip_of(desk: Desk) -> list[int]:
    strip = desk.view._drawn._history.get_strip(1)
    return [] if strip is None else strip.classes[strip.classes != NOT_SEEN].tolist()


def test_history_goes_on_after_a_pause_and_says_when_it_cannot() -> None:
    desk = Desk()
    for step in range(21):
        desk.view.add(frame(step / 10))
    before = len(strip_of(desk))
    desk.view.add(frame(62.0))  # after a minute's pause
    assert before < len(strip_of(desk)) <= before + 10  # the pause itself is left out
    assert desk.said == []
    desk.view.add(frame(300.0))
    assert len(strip_of(desk)) == 1
    assert desk.said == [
        "Nothing was looked at for more than 120 s: faces are numbered anew, and resting faces "
        "and history are forgotten."
    ]


def test_model_without_neutral_is_said() -> None:
    desk = Desk(pipeline=Reader(("happy", "sad")))
    before = desk.view.draw_screen(desk.canvas())
    assert not same(desk.press("neutral"), before)
    assert desk.pipeline.resting is not None
    assert desk.pipeline.resting.left_s is None


def test_messages_go_by_themselves() -> None:
    desk = Desk()
    desk.press("calm")
    assert not desk.view.is_stale()
    desk.clock.now = 10.0
    assert desk.view.is_stale()
    assert same(desk.view.draw_screen(desk.canvas())[60:], desk.canvas()[60:])


def test_figures_of_the_run_are_on_the_screen_alone() -> None:
    desk = Desk()
    canvas = desk.canvas()
    before = desk.view.draw_screen(canvas)
    desk.view.set_figures(24.0, 41.0)
    assert same(desk.canvas(), canvas)
    after = desk.view.draw_screen(canvas)
    assert (after != before)[:30, :200].any()
    assert same(after[30:], canvas[30:])
    desk.press("hud")
    assert same(desk.view.draw_screen(desk.canvas()), desk.canvas())


def test_room_is_left_for_figures_where_there_is_a_screen() -> None:
    def label_in_corner(on_screen: bool) -> bool:
        view = LiveView(
            Reader(), ViewSettings(), provider="CPU", mode=Mode.FILE, say=print, on_screen=on_screen
        )
        found = Face((20, 18, 90, 90), np.full((6, 2), 60, np.float32), 0.9)
        shares = np.array([0.3, 0.7], np.float32)
        result = FrameResult(
            Frame(np.full((300, 640, 3), 90, np.uint8), 0, 0.0, "grey"),
            (TrackedFace(found, 1, "sadness", shares, shares),),
            LABELS,
        )
        canvas = view.draw(view.add(result))
        return bool((canvas[:14, :100] != 90).any())

    assert label_in_corner(on_screen=False)
    assert not label_in_corner(on_screen=True)


def test_notes_never_reach_the_canvas() -> None:
    desk = Desk()
    before = desk.canvas()
    screen = desk.press("help", "pause", "calm")
    assert same(desk.canvas(), before)
    assert not same(screen, before)
