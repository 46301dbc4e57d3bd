"""Draws the live view: from a result to a canvas, from a canvas to the screen. Obeys the keys."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.errors import SinkError
from app.live.keys import Action
from app.live.live_pipeline import LivePipeline
from app.live.recording import Recorder, save_snapshot
from app.live.remote import LiveState
from app.live.screen_notes import Notes, draw_notes, find_figures_room
from app.live.teacher import FaceTeacher
from app.overlay.scene import HUD_MODES
from app.process.stage_clock import MAX_PAUSE_S
from app.runs.plan import ViewSettings
from app.runs.result_view import ResultView
from app.tracking.resting_face import RESTING_LOOK_S
from app.types import FrameResult, Image, Mode
from app.wording import format_count

MESSAGE_S = 3.0  # in which a message can be read
SMOOTHINGS_S = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # between which keys step
PAUSED = "Paused. Press space to go on."
PICTURES = "Pictures stand for themselves"
NO_NEUTRAL = "This model has no class named neutral"
LOOKING = "Look neutral for {:.0f} s"


class LiveView:
    """Makes of results what the user sees, and obeys the keys that change it.

    Args:
        pipeline: The pipeline whose switches the keys turn.
        settings: The settings with which the view begins.
        provider: The name of the device that runs the model, which the screen shows.
        mode: The kind of frames of the run.
        say: Puts a line where the program's other lines are.
        on_screen: True if canvases are also shown, with the run's figures over them, for which
            room is left.
        on_message: Takes each message that the screen shows for some seconds; None: nobody does.
        teacher: Holds lessons; None: nothing can be taught here.
        clock: Gives the time in seconds.

    `paused` tells whether the user holds the picture; `recorder` makes the recordings.
    """

    def __init__(
        self,
        pipeline: LivePipeline,
        settings: ViewSettings,
        *,
        provider: str,
        mode: Mode,
        say: Callable[[str], None],
        on_screen: bool = False,
        on_message: Callable[[str], object] | None = None,
        teacher: FaceTeacher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._teacher = teacher
        self._on_message = on_message
        self._pipeline = pipeline
        self._drawn = ResultView(settings, mode)
        self._provider = provider
        self._mode = mode
        self._say = say
        self._on_screen = on_screen
        self._figures: tuple[float | None, float | None] = None, None
        self._clock = clock
        self.paused = False
        self._help = False
        self._message: tuple[str, float] | None = None  # and when it goes
        self._shown = Notes()
        self._known_resting = 0
        self.recorder = Recorder(settings.folder)
        if teacher is not None and teacher.begins_at_once:
            self._teach()

    @property
    def _settings(self) -> ViewSettings:
        return self._drawn.settings

    @_settings.setter
    def _settings(self, settings: ViewSettings) -> None:
        self._drawn.settings = settings

    @property
    def blurs(self) -> bool:
        """True while faces are blurred."""
        return self._settings.blur

    @property
    def state(self) -> LiveState:
        """The switches and figures of this moment."""
        resting, (fps, latency_ms) = self._pipeline.resting, self._figures
        return LiveState(
            blur=self._settings.blur,
            with_maps=self._pipeline.with_maps,
            smoothing_s=self._pipeline.smoothing_s,
            neutral_left_s=None if resting is None else resting.left_s,
            neutral_known=0 if resting is None else resting.known_count,
            fps=fps,
            latency_ms=latency_ms,
        )

    # From a result to the screen

    def add(self, result: FrameResult) -> FrameResult:
        """Takes a new result, once each and in order. Returns the result to show and to store."""
        had_something = self._drawn.has_history or self._known_resting > 0
        if self._drawn.remember(result) and had_something:
            self._known_resting = 0
            self._tell(
                f"Nothing was looked at for more than {MAX_PAUSE_S:.0f} s: faces are numbered "
                "anew, and resting faces and history are forgotten."
            )
        self._follow_resting()
        for line in self.recorder.take_news():
            self._tell(line)
        if self._teacher is not None:
            self._tell_all(self._teacher.add(result))
        return self._drawn.cover(result)

    def end_lesson(self) -> None:
        """Ends a lesson that is not finished when the stream ends, and says so."""
        if self._teacher is not None:
            self._tell_all(self._teacher.close())

    def draw(self, result: FrameResult) -> Image:
        """Draws a result that `add` or `obey` returned: the canvas that is saved, and shown below
        the notes. Returns an image uint8 (H, W, 3) BGR."""
        height, width = result.picture.shape[:2]
        figures = self._figure_texts(None) if self._on_screen else ()
        return self._drawn.draw(
            result, reserved=[find_figures_room(figures, width, height)] if figures else ()
        )

    def set_figures(self, fps: float | None, latency_ms: float | None) -> None:
        """Sets the figures that the screen shows from here on; None for an unknown figure."""
        self._figures = fps, latency_ms

    def _figure_texts(self, figures: tuple[float | None, float | None] | None) -> tuple[str, ...]:
        """Formats the figures of the run; None stands for the longest ones, for which room is
        left."""
        if self._settings.hud != "full":
            return ()
        fps, latency_ms = figures or (888.0, 8888.0)
        parts = (
            "" if fps is None else f"{fps:.0f} FPS",
            "" if latency_ms is None else f"{latency_ms:.0f} ms",
            self._provider,
            "mirrored" if self._settings.mirror else "",
            "faces blurred" if self._settings.blur else "",
            f"neutral set ({self._known_resting})" if self._known_resting else "",
        )
        return tuple(part for part in parts if part)

    def draw_screen(self, canvas: Image, *, notice: str | None = None) -> Image:
        """Draws the notes of this moment over a canvas, and `notice` in its middle. Returns the
        image to show, which is larger than a canvas that is too small for texts."""
        self._shown = self._notes(notice)
        return draw_notes(canvas, self._shown)

    def is_stale(self) -> bool:
        """Tells whether the notes of this moment differ from those of the last screen."""
        return self._notes(None) != self._shown

    def _notes(self, notice: str | None) -> Notes:
        if self._message is not None and self._clock() >= self._message[1]:
            self._message = None
        message, progress = (None if self._message is None else self._message[0]), None
        if message is None and self.paused:
            message = PAUSED
        left_s = None if self._pipeline.resting is None else self._pipeline.resting.left_s
        if left_s is not None:
            # What a key did meanwhile is told first; the bar shows that the look goes on.
            message = message or LOOKING.format(max(1.0, left_s))
            progress = 1 - left_s / RESTING_LOOK_S
        return Notes(
            show_help=self._help,
            notice=notice,
            message=message,
            progress=progress,
            figures=self._figure_texts(self._figures),
            recording_s=self.recorder.seconds if self.recorder.is_running else None,
            lesson=None if self._teacher is None else self._teacher.moment,
            summary=() if self._teacher is None else self._teacher.summary,
        )

    def _follow_resting(self) -> None:
        resting = self._pipeline.resting
        if resting is None or (
            resting.left_s is None and resting.known_count == self._known_resting
        ):
            return
        if resting.known_count > self._known_resting:
            people = "1 person" if resting.known_count == 1 else f"{resting.known_count} people"
            self._tell(f"The resting face of {people} is allowed for. n forgets it.")
        elif resting.known_count < self._known_resting:
            gone = self._known_resting - resting.known_count
            whose = "for its person is gone" if gone == 1 else "for their people are gone"
            left = (
                f"{format_count(resting.known_count, 'is', 'are')} left"
                if resting.known_count
                else "none is left"
            )
            what = "A resting face is" if gone == 1 else f"{gone} resting faces are"
            self._tell(f"{what} forgotten, {whose}; {left}.")
        self._known_resting = resting.known_count

    # Keys

    def obey(self, action: Action, result: FrameResult, canvas: Image) -> FrameResult | None:
        """Does what a key asks for, except to quit and to let time pass.

        `result` and `canvas` are shown at this moment. Returns the result to draw anew, None where
        the picture stays as it is.
        """
        settings = self._settings
        if action == "pause" and self._teacher is not None and self._teacher.moment is not None:
            self._teacher.skip()
        elif action == "teach":
            self._teach()
        elif action == "pause":
            self.paused = not self.paused
        elif action == "mirror":
            self._settings = replace(settings, mirror=not settings.mirror)
        elif action == "help":
            self._help = not self._help
        elif action == "hud":
            at = HUD_MODES.index(settings.hud)
            self._settings = replace(settings, hud=HUD_MODES[at - 1])
        elif action == "map":
            return self._switch_maps(result)
        elif action == "blur" and not settings.all_faces:
            self._tell("--max-faces leaves faces out, which could not be blurred")
        elif action == "blur":
            self._settings = replace(settings, blur=not settings.blur)
            self._tell(
                "Faces are blurred" if self._settings.blur else "Faces are not blurred any more"
            )
            return self._drawn.cover(result)
        elif action == "snapshot":
            self._snapshot(result, canvas)
            return None
        elif action == "record":
            self._record()
            return None
        elif action in ("quick", "calm"):
            self._smooth(1 if action == "calm" else -1)
            return None
        elif action == "neutral":
            self._switch_resting()
        return result

    def _switch_maps(self, result: FrameResult) -> FrameResult:
        wanted = self._pipeline.with_maps = not self._pipeline.with_maps
        if wanted:
            self._tell("Bright is what speaks for the label. It is no proof: docs/live_view.md")
            return self._pipeline.explain(result)
        return replace(result, faces=tuple(replace(face, map=None) for face in result.faces))

    def _snapshot(self, result: FrameResult, canvas: Image) -> None:
        try:
            self._tell(f"Saved {save_snapshot(self._settings.folder, result, canvas)}.")
        except SinkError as error:
            self._tell(str(error))

    def _record(self) -> None:
        if not self._mode.is_stream:
            self._tell(f"{PICTURES}: there is nothing to record. s saves one.")
        elif self.recorder.is_running:
            self.recorder.stop()
        else:
            self._tell(self.recorder.start())

    def _smooth(self, steps: int) -> None:
        now = self._pipeline.smoothing_s
        if now is None:
            self._tell(f"{PICTURES}: there is nothing to smooth.", aloud=False)
            return
        others = [s for s in SMOOTHINGS_S if (s > now if steps > 0 else s < now)]
        if others:
            now = self._pipeline.smoothing_s = others[0] if steps > 0 else others[-1]
        self._tell(f"Smoothing over {now:g} s" if now else "No smoothing", aloud=False)

    def _switch_resting(self) -> None:
        resting = self._pipeline.resting
        if resting is None or resting.neutral is None:
            why = PICTURES if resting is None else NO_NEUTRAL
            self._tell(f"{why}: a resting face cannot be allowed for.", aloud=False)
        elif resting.left_s is not None or resting.known_count:
            resting.clear()
            self._known_resting = 0
            self._tell("Resting faces are forgotten.")
        else:
            resting.start()
            self._message = None

    def _teach(self) -> None:
        if self._teacher is None or not self._mode.is_stream:
            why = "Teaching needs the window" if self._mode.is_stream else PICTURES
            self._tell(f"{why}: nothing can be taught here.", aloud=False)
            return
        self.paused = False
        line = self._teacher.press()
        if line is not None:
            self._tell(line)

    def _tell_all(self, lines: Sequence[str]) -> None:
        """Says lines, of which the screen shows the last one."""
        for line in lines[:-1]:
            self._say(line)
        if lines and self._teacher is not None and self._teacher.summary:
            self._say(lines[-1])  # the screen shows all of them
        elif lines:
            self._tell(lines[-1])

    def _tell(self, line: str, *, aloud: bool = True) -> None:
        self._message = line, self._clock() + MESSAGE_S
        if self._on_message is not None:
            self._on_message(line)
        if aloud:
            self._say(line)
