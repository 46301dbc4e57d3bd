"""A run over a source: every frame to every output, and an end that loses nothing."""

import gc
import json
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import SinkError, SourceError
from app.live.keys import Action
from app.live.session import Session, SessionOutcome
from app.runs.plan import ViewSettings
from app.sources.base import SourceDefaults
from app.sources.frame_selection import Selection
from app.sources.video import VideoSource
from app.types import Frame, FrameResult, Image, Mode, Silence
from tests.support.at_once import AtOnce
from tests.support.clock import Clock
from tests.support.synthetic import LABELS, tracked_face, write_video


class Frames(SourceDefaults):
    """A source of `count` frames, 40 ms apart, that fails after them if told so."""

    name = "frames"

    def __init__(
        self,
        count: int,
        *,
        failure: str | None = None,
        warning: str | None = None,
        mode: Mode = Mode.FILE,
    ) -> None:
        self.frame_count: int | None = count
        self.warning = warning
        self.mode = mode
        self._failure = failure

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frame_count or 0):
            image = np.full((60, 80, 3), index, np.uint8)
            image[:, :40] += 100
            yield Frame(image, index, index / 25, self.name)
        if self._failure:
            raise SourceError(self._failure)


class Live(SourceDefaults):
    """A live source that delivers `items`, frames by their time and shade, and then ends."""

    name, mode, warning = "camera:0", Mode.LIVE, None
    frame_count: int | None = None

    def __init__(self, *items: Silence | Frame) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Frame | Silence]:
        yield from self._items


def live_frame(index: int, time_s: float, size_wh: tuple[int, int] = (80, 60)) -> Frame:
    return Frame(np.full((size_wh[1], size_wh[0], 3), 120, np.uint8), index, time_s, "camera:0")


class Blind(AtOnce):
    """Sees no face in any frame, and counts how often it was told to forget."""

    resets: list[int]
    with_maps = False
    smoothing_s: float | None = 0.25
    resting = None

    def __init__(self) -> None:
        self.resets = []
        self.steps = 0

    def reset(self) -> None:
        self.resets.append(self.steps)

    def step(self, frame: Frame) -> FrameResult:
        self.steps += 1
        return FrameResult(frame, (), ("a", "b"), {"detect": 2.0, "classify": 3.0})

    def explain(self, result: FrameResult) -> FrameResult:
        return result


class Output:
    dropped = 0
    warning = None

    def __init__(self, *, fails_at: int | None = None, fails_closing: bool = False) -> None:
        self.path = Path("out")
        self.written: list[int] = []
        self.canvases: list[Image] = []
        self.state = "open"
        self._fails_at, self._fails_closing = fails_at, fails_closing

    def write(self, result: FrameResult, canvas: Image) -> None:
        if result.frame.index == self._fails_at:
            raise SinkError("disk full")
        self.written.append(result.frame.index)
        self.canvases.append(canvas)

    def close(self) -> None:
        if self._fails_closing:
            raise SinkError("disk full")
        if self.state == "open":
            self.state = "complete"

    def abort(self) -> None:
        if self.state == "open":
            self.state = "gone"


class Keyboard:
    """A screen whose user presses `actions`, one a poll, None for no key, and then nothing."""

    def __init__(self, actions: Sequence[Action | None] = (), clock: "Clock | None" = None) -> None:
        self.shown: list[Image] = []
        self.polls = 0
        self._actions = list(actions)
        self._clock = clock

    def show(self, canvas: Image) -> None:
        self.shown.append(canvas)

    def poll(self, wait_ms: int) -> Action | None:
        self.polls += 1
        if self._clock is not None:
            self._clock.now += wait_ms / 1000
        return self._actions.pop(0) if self._actions else None


def run(
    source: Frames | Live | VideoSource,
    *sinks: Output,
    screen: Keyboard | None = None,
    stop_after: int | None = None,
    said: list[str] | None = None,
    clock: Clock | None = None,
    snapshots: Path = Path(),
    pipeline: Blind | None = None,
) -> SessionOutcome:
    frames = [0]
    return Session(
        source,
        pipeline or Blind(),
        sinks=sinks,
        screen=screen,
        provider="CPU",
        settings=ViewSettings(folder=snapshots),
        stop=lambda: stop_after is not None and frames[0] >= stop_after,
        say=(said if said is not None else []).append,
        on_frame=lambda: frames.__setitem__(0, frames[0] + 1),
        **({"clock": clock} if clock is not None else {}),
    ).run()


def test_a_session_that_is_over_keeps_no_picture() -> None:
    class Pictures(Frames):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                images.append(weakref.ref(frame.image))
                yield frame

    images: list[weakref.ref[Image]] = []
    gc.disable()
    try:
        run(Pictures(5))
        assert [image() for image in images] == [None] * 5
    finally:
        gc.enable()


def test_what_is_no_output_is_refused_before_anything_is_read() -> None:
    with pytest.raises(TypeError, match="a sink has write, close and abort, "):
        run(Frames(5), Output(), None)  # type: ignore[arg-type]


def test_every_frame_reaches_every_output() -> None:
    outputs = Output(), Output()
    outcome = run(Frames(5), *outputs)
    assert (outcome.frames, outcome.cut_short, outcome.interrupted) == (5, None, False)
    for output in outputs:
        assert (output.written, output.state) == ([0, 1, 2, 3, 4], "complete")


def test_source_that_breaks_keeps_what_came() -> None:
    output = Output()
    outcome = run(Frames(3, failure="cable pulled"), output)
    assert (outcome.frames, outcome.cut_short) == (3, "cable pulled")
    assert output.state == "complete"


def test_warning_of_the_source_reaches_the_outcome() -> None:
    assert run(Frames(3, warning="the end is missing")).cut_short == "the end is missing"


@pytest.mark.parametrize("failure", ["does not decode", None])
def test_source_without_frames_is_an_error_and_leaves_nothing(failure: str | None) -> None:
    output = Output()
    with pytest.raises(SourceError, match=failure or "no picture"):
        run(Frames(0, failure=failure), output)
    assert output.state == "gone"


def test_window_says_why_the_selection_holds_no_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    with (
        VideoSource(tmp_path / "clip.mp4", selection=Selection(start_s=100)) as source,
        pytest.raises(SourceError) as error,
    ):
        run(source, screen=Keyboard())
    assert str(error.value) == "clip.mp4 ends at 0.5 s, before the start (100 s)."


@pytest.mark.parametrize("broken", [{"fails_at": 2}, {"fails_closing": True}])
def test_output_that_fails_does_not_take_the_others_along(broken: dict[str, int]) -> None:
    good, bad = Output(), Output(**broken)  # type: ignore[arg-type]
    with pytest.raises(SinkError, match="disk full"):
        run(Frames(4), good, bad)
    assert (good.state, bad.state) == ("complete", "gone")


def test_ctrl_c_ends_after_the_frame_in_hand() -> None:
    output = Output()
    outcome = run(Frames(9), output, stop_after=3)
    assert outcome.interrupted
    assert (output.written, output.state) == ([0, 1, 2], "complete")


def test_quit_completes_the_outputs() -> None:
    output = Output()
    outcome = run(Frames(9), output, screen=Keyboard([None, "quit"]))
    assert not outcome.interrupted
    assert (output.written, output.state) == ([0, 1], "complete")


def test_pause_holds_the_frame_until_space() -> None:
    screen = Keyboard(["pause", None, None, "pause"])
    outcome = run(Frames(3, mode=Mode.LIVE), screen=screen)
    assert outcome.frames == 3
    assert screen.polls > 4 + 1  # the keys were all pressed while the first frame was shown
    assert len(screen.shown) == 3 + 2  # once more when it paused and when it went on
    first, paused, resumed = (canvas[300:].astype(int) for canvas in screen.shown[:3])
    assert (paused > 200).sum() > (first > 200).sum() + 100  # with words
    assert (resumed == first).all()


@pytest.mark.parametrize("mode", [Mode.FILE, Mode.PICTURES])
def test_figures_of_the_run_are_in_the_window_and_in_no_file(mode: Mode) -> None:
    output, screen = Output(), Keyboard([] if mode.is_stream else ["pause", "pause"])
    run(Frames(2, mode=mode), output, screen=screen)
    frames = [frame.image for frame in Frames(2)]
    assert all((a == b).all() for a, b in zip(output.canvases, frames, strict=True))
    assert (screen.shown[-1][:20, :60] > 200).any()


def test_mirror_key_turns_the_picture_at_once() -> None:
    screen = Keyboard(["mirror"])
    run(Frames(2, mode=Mode.LIVE), screen=screen)
    first, turned, second = (canvas[300] for canvas in screen.shown)
    np.testing.assert_array_equal(turned, first[::-1])
    assert second[479, 0] == 101


def test_help_is_shown_and_hidden() -> None:
    screen = Keyboard(["help", "help"])
    run(Frames(2, mode=Mode.LIVE), screen=screen)
    assert len(screen.shown) >= 2
    with_words = [(canvas[100:] > 200).any() for canvas in screen.shown]
    assert with_words == [False, True, True, False]
    assert {canvas.shape for canvas in screen.shown} == {(360, 480, 3)}  # enlarged for words


def test_snapshot_is_written_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    run(Frames(1), screen=Keyboard(["snapshot"]), said=said, snapshots=tmp_path)
    record, picture = sorted(tmp_path.iterdir())
    assert (record.suffix, picture.suffix, record.stem) == (".jsonl", ".png", picture.stem)
    assert [json.loads(line)["frame"] for line in record.read_text().splitlines()] == [0]
    assert said == [f"Saved {picture}."]


def test_failed_snapshot_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = run(
        Frames(2), screen=Keyboard(["snapshot"]), said=said, snapshots=tmp_path / "missing"
    )
    assert outcome.frames == 2
    assert "missing does not exist" in said[0]


def test_file_is_shown_no_faster_than_it_was_filmed() -> None:
    clock = Clock()
    run(Frames(26), screen=Keyboard(clock=clock), clock=clock)
    assert clock.now == pytest.approx(1.0, abs=0.05)


def test_file_that_is_written_is_not_held_up() -> None:
    clock = Clock()
    run(Frames(26), Output(), screen=Keyboard(clock=clock), clock=clock)
    assert clock.now <= 26 * 0.001 + 1e-9


class Late(Blind):
    """Finds a face from the 20th frame on, of those that are 40 ms apart."""

    def step(self, frame: Frame) -> FrameResult:
        result = super().step(frame)
        if frame.index < 20:
            return result
        return replace(result, faces=(tracked_face(1),), labels=LABELS)


@pytest.mark.parametrize("keys", [(), ("pause", None, "pause")])
def test_file_that_is_looked_at_is_looked_back_upon_where_faces_are_blurred(
    keys: tuple[Action | None, ...],
) -> None:
    source, output = Frames(25), Output()
    outcome = Session(
        source,
        Late(),
        sinks=[output],
        screen=Keyboard(keys),
        provider="CPU",
        settings=ViewSettings(blur=True, hud="off"),
        stop=lambda: False,
        say=lambda line: None,
    ).run()
    assert output.written == list(range(25))
    assert (outcome.frames, outcome.blurred_whole) == (25, 20)
    # The edge in the middle of the pictures is gone where they are covered as a whole.
    sharp = [int(np.abs(np.diff(canvas[2, :, 0].astype(int))).max()) for canvas in output.canvases]
    assert max(sharp[:20]) < 50 < min(sharp[20:])


def test_pictures_wait_for_a_key_where_they_are_looked_at() -> None:
    screen = Keyboard([None, None, "pause", None, "quit"])
    outcome = run(Frames(5, mode=Mode.PICTURES), screen=screen)
    assert outcome.frames == 2


def test_pictures_are_drawn_without_a_frame_rate() -> None:
    outputs = Output(), Output()
    clock = Clock()
    run(Frames(2, mode=Mode.PICTURES), outputs[0], clock=clock)
    run(Frames(2), outputs[1], clock=clock)
    np.testing.assert_array_equal(outputs[0].canvases[0], outputs[1].canvases[0])


# Live sources that have no picture for a while


GONE = "Camera 0 stopped delivering pictures."


def test_gap_is_said_once_and_shown_and_identities_begin_anew() -> None:
    said: list[str] = []
    screen, output, pipeline = Keyboard(), Output(), Blind()
    silences = [Silence(None, 0.1), Silence(GONE, 0.2), Silence(GONE, 2.3), Silence(None, 2.4)]
    source = Live(live_frame(0, 0.0), live_frame(1, 0.1), *silences, live_frame(2, 2.6))
    outcome = run(source, output, screen=screen, said=said, pipeline=pipeline)
    assert said == [f"{GONE} Waiting for the next picture.", "camera:0 is back after 2.5 s."]
    assert (output.written, output.state) == ([0, 1, 2], "complete")
    assert pipeline.resets == [2]
    assert (outcome.frames, outcome.cut_short) == (3, None)
    notices = screen.shown[2:4]
    assert len(screen.shown) == 5  # three frames, and the notice once for each text
    for notice in notices:  # over the last picture
        assert notice.shape == (360, 480, 3)  # enlarged, so that it can be read
        assert 0.002 < (notice > 200).mean() < 0.5
    assert (notices[0] != notices[1]).any()  # the seconds


def test_slow_camera_is_no_trouble() -> None:
    said: list[str] = []
    screen, pipeline = Keyboard(), Blind()
    source = Live(live_frame(0, 0.0), Silence(None, 0.1), live_frame(1, 0.2))
    run(source, screen=screen, said=said, pipeline=pipeline)
    assert (said, pipeline.resets, len(screen.shown)) == ([], [], 2)


def test_keys_are_obeyed_while_a_slow_camera_is_waited_for(tmp_path: Path) -> None:
    quiet = Silence(None, 0.1)
    source = Live(live_frame(0, 0.0), quiet, quiet, live_frame(1, 0.3))
    screen = Keyboard([None, "help", "snapshot"])
    run(source, screen=screen, snapshots=tmp_path)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".jsonl", ".png"]
    assert screen.shown[1].shape == (360, 480, 3)  # the help, at once, enlarged


def test_keys_are_obeyed_while_the_picture_stays_away() -> None:
    away = [Silence("Camera 0 is gone.", seconds) for seconds in (1.0, 2.0)]
    screen = Keyboard([None, None, "mirror"])
    source = Live(live_frame(0, 0.0), *away, live_frame(1, 9.0))
    outcome = run(source, screen=screen)
    assert outcome.frames == 2
    assert len(screen.shown) == 5  # two frames, the notice twice, and once more for the key


def test_quit_works_at_once_while_there_is_no_picture() -> None:
    output = Output()
    frames = [live_frame(0, 0.0), *[Silence(GONE, 1.0)] * 9, live_frame(1, 9.0)]
    outcome = run(Live(*frames), output, screen=Keyboard([None, None, "quit"]))
    assert (output.written, output.state, outcome.interrupted) == ([0], "complete", False)


def test_quit_before_the_first_picture_leaves_nothing() -> None:
    output = Output()
    outcome = run(Live(*[Silence(GONE, 1.0)] * 9), output, screen=Keyboard(["quit"]))
    assert (outcome.frames, output.state) == (0, "gone")


def test_ctrl_c_works_at_once_while_there_is_no_picture() -> None:
    output = Output()
    source = Live(live_frame(0, 0.0), *[Silence(GONE, 1.0)] * 9, live_frame(1, 9.0))
    outcome = run(source, output, stop_after=1)
    assert (outcome.frames, outcome.interrupted, output.state) == (1, True, "complete")


def test_picture_of_another_size_begins_anew() -> None:
    pipeline = Blind()
    frames = [live_frame(0, 0.0), live_frame(1, 0.1, (90, 70)), live_frame(2, 0.2, (90, 70))]
    assert run(Live(*frames), pipeline=pipeline).frames == 3
    assert pipeline.resets == [1]
