"""What the user sees, and has switched on: from a result to a canvas, from a canvas to the screen,
and what each key changes. The loop is the session's."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from app.errors import SinkError
from app.live.keys import Action
from app.live.recording import Recorder, save_snapshot
from app.live.screen_notes import Notes, figures_room, with_notes
from app.overlay.drawing import draw_result
from app.overlay.history import History
from app.overlay.memory import OverlayMemory
from app.overlay.scene import HUD_MODES, HudMode
from app.privacy.blur import HOLD_S, FaceBlur, blur_whole
from app.privacy.face_ledger import IfLost
from app.process.stage_clock import KEEP_S, StageClock
from app.tracking.resting_face import LOOK_S, RestingFaces
from app.types import Frame, FrameResult, Image, Mode
from app.wording import format_count

MESSAGE_S = 3.0
SMOOTHINGS_S = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
PAUSED = "Paused. Press space to go on."
PICTURES = "Pictures stand for themselves"
NO_NEUTRAL = "This model has no class named neutral"
LOOKING = "Look neutral for {:.0f} s"


class Stage(Protocol):
    """What is done to frames, as `app.pipeline.Pipeline` does it."""

    with_maps: bool
    smoothing_s: float | None

    @property
    def resting(self) -> RestingFaces | None: ...

    def step(self, frame: Frame) -> FrameResult: ...
    def explain(self, result: FrameResult) -> FrameResult: ...
    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """How a view begins. `folder` takes recordings and snapshots; `if_lost`: what is done, while
    faces are blurred, with frames whose faces cannot be accounted for."""

    mirror: bool = False
    hud: HudMode = "full"
    blur: bool = False
    folder: Path = Path()
    if_lost: IfLost = "whole"
    all_faces: bool = True  # else some are left out, which blurring could not cover


class View:
    """One run's view. `say` also puts a line where the program's other lines are. Pictures have
    no history; in a live stream, time that passes without frames, such as a pause, is left out of
    the history, unless it is long. `on_screen`: canvases are also shown, with the run's figures
    over them, for which room is left."""

    def __init__(
        self,
        stage: Stage,
        look: Look,
        *,
        provider: str,
        mode: Mode,
        say: Callable[[str], None],
        on_screen: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage = stage
        self._look = look
        self._provider = provider
        self._mode = mode
        self._say = say
        self._on_screen = on_screen
        self._figures: tuple[float | None, float | None] = None, None
        self._overlay = OverlayMemory()
        self._clock = clock
        self.paused = False
        self._help = False
        self._history = History()
        self._history_clock = StageClock() if mode.is_live else None
        self._blur = FaceBlur(hold_s=HOLD_S if mode.is_stream else 0.0)
        self._message: tuple[str, float] | None = None  # and when it goes
        self._shown = Notes()
        self._corrected = 0
        self.recorder = Recorder(look.folder)

    @property
    def blurs(self) -> bool:
        """Whether faces are blurred just now."""
        return self._look.blur

    # From a result to the screen

    def take(self, result: FrameResult) -> FrameResult:
        """Every new result, once: what is shown and stored of it."""
        frame = result.frame
        size_wh = frame.image.shape[1], frame.image.shape[0]
        faces = [*(face.face for face in result.faces), *result.unread]
        self._blur.add_frame(faces, frame.time_s, size_wh)
        if self._mode.is_stream:
            self._remember(result)
        self._follow_resting()
        for line in self.recorder.news():
            self._tell(line)
        return self._covered(result)

    def _remember(self, result: FrameResult) -> None:
        time_s = result.frame.time_s
        if self._history_clock is not None:
            time_s = self._history_clock.at(time_s)
            if self._history_clock.too_long and (len(self._history) or self._corrected):
                self._corrected = 0
                self._tell(
                    f"Nothing was looked at for more than {KEEP_S:.0f} s: faces are numbered anew, "
                    "and resting faces and history are forgotten."
                )
        self._history.add(result.faces, result.labels, time_s)

    def _covered(self, result: FrameResult) -> FrameResult:
        image = result.frame.image
        if not self._look.blur:
            return replace(result, blurred=None)
        covered = self._blur.cover(image) if result.doubt is None else blur_whole(image)
        return replace(result, blurred=covered)

    def canvas(self, result: FrameResult) -> Image:
        """What is saved, and shown below the notes."""
        height, width = result.picture.shape[:2]
        figures = self._figure_texts(None) if self._on_screen else ()
        return draw_result(
            result,
            self._look.hud,
            mirror=self._look.mirror,
            history=self._history if self._mode.is_stream else None,
            memory=self._overlay if self._mode.is_stream else None,
            reserved=[figures_room(figures, width, height)] if figures else (),
        )

    def measured(self, fps: float | None, latency_ms: float | None) -> None:
        """Takes the figures that the screen shows from now on; None where one is not known."""
        self._figures = fps, latency_ms

    def _figure_texts(self, figures: tuple[float | None, float | None] | None) -> tuple[str, ...]:
        """Returns what the screen says of the run; None for the longest figures that there are."""
        if self._look.hud != "full":
            return ()
        fps, latency_ms = figures or (888.0, 8888.0)
        parts = (
            "" if fps is None else f"{fps:.0f} FPS",
            "" if latency_ms is None else f"{latency_ms:.0f} ms",
            self._provider,
            "mirrored" if self._look.mirror else "",
            "faces blurred" if self._look.blur else "",
            f"neutral set ({self._corrected})" if self._corrected else "",
        )
        return tuple(part for part in parts if part)

    def screen(self, canvas: Image, *, notice: str | None = None) -> Image:
        """What is shown of a canvas, with everything that is to be said just now."""
        self._shown = self._notes(notice)
        return with_notes(canvas, self._shown)

    def stale(self) -> bool:
        """Whether there is something else to say by now than on the last screen."""
        return self._notes(None) != self._shown

    def _notes(self, notice: str | None) -> Notes:
        if self._message is not None and self._clock() >= self._message[1]:
            self._message = None
        message, progress = (None if self._message is None else self._message[0]), None
        if message is None and self.paused:
            message = PAUSED
        left_s = None if self._stage.resting is None else self._stage.resting.left_s
        if left_s is not None:
            # What a key did meanwhile is told first; the bar shows that the look goes on.
            message, progress = message or LOOKING.format(max(1.0, left_s)), 1 - left_s / LOOK_S
        return Notes(
            show_help=self._help,
            notice=notice,
            message=message,
            progress=progress,
            figures=self._figure_texts(self._figures),
            recording_s=self.recorder.seconds if self.recorder.running else None,
        )

    def _follow_resting(self) -> None:
        resting = self._stage.resting
        if resting is None or (resting.left_s is None and resting.known == self._corrected):
            return
        if resting.known > self._corrected:
            people = "1 person" if resting.known == 1 else f"{resting.known} people"
            self._tell(f"The resting face of {people} is allowed for. n forgets it.")
        elif resting.known < self._corrected:
            gone = self._corrected - resting.known
            whose = "for its person is gone" if gone == 1 else "for their people are gone"
            left = (
                f"{format_count(resting.known, 'is', 'are')} left"
                if resting.known
                else "none is left"
            )
            what = "A resting face is" if gone == 1 else f"{gone} resting faces are"
            self._tell(f"{what} forgotten, {whose}; {left}.")
        self._corrected = resting.known

    # Keys

    def obey(self, action: Action, result: FrameResult, canvas: Image) -> FrameResult | None:
        """Does what a key asks for, but for "quit" and the passing of time. The result to be drawn
        anew, None where the picture stays as it is."""
        look = self._look
        if action == "pause":
            self.paused = not self.paused
            return result
        if action == "mirror":
            self._look = replace(look, mirror=not look.mirror)
        elif action == "help":
            self._help = not self._help
        elif action == "hud":
            at = HUD_MODES.index(look.hud)
            self._look = replace(look, hud=HUD_MODES[at - 1])
        elif action == "map":
            return self._switch_maps(result)
        elif action == "blur" and not look.all_faces:
            self._tell("--max-faces leaves faces out, which could not be blurred")
        elif action == "blur":
            self._look = replace(look, blur=not look.blur)
            self._tell("Faces are blurred" if self._look.blur else "Faces are not blurred any more")
            return self._covered(result)
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
            self._rest()
        return result

    def _switch_maps(self, result: FrameResult) -> FrameResult:
        wanted = self._stage.with_maps = not self._stage.with_maps
        if wanted:
            self._tell("Bright is what speaks for the label. It is no proof: docs/live_view.md")
            return self._stage.explain(result)
        return replace(result, faces=tuple(replace(face, map=None) for face in result.faces))

    def _snapshot(self, result: FrameResult, canvas: Image) -> None:
        try:
            self._tell(f"Saved {save_snapshot(self._look.folder, result, canvas)}.")
        except SinkError as error:
            self._tell(str(error))

    def _record(self) -> None:
        if not self._mode.is_stream:
            self._tell(f"{PICTURES}: there is nothing to record. s saves one.")
        elif self.recorder.running:
            self.recorder.stop()
        else:
            self._tell(self.recorder.start())

    def _smooth(self, steps: int) -> None:
        now = self._stage.smoothing_s
        if now is None:
            self._tell(f"{PICTURES}: there is nothing to smooth.", aloud=False)
            return
        others = [s for s in SMOOTHINGS_S if (s > now if steps > 0 else s < now)]
        if others:
            now = self._stage.smoothing_s = others[0] if steps > 0 else others[-1]
        self._tell(f"Smoothing over {now:g} s" if now else "No smoothing", aloud=False)

    def _rest(self) -> None:
        resting = self._stage.resting
        if resting is None or resting.neutral is None:
            why = PICTURES if resting is None else NO_NEUTRAL
            self._tell(f"{why}: a resting face cannot be allowed for.", aloud=False)
        elif resting.left_s is not None or resting.known:
            resting.clear()
            self._corrected = 0
            self._tell("Resting faces are forgotten.")
        else:
            resting.start()
            self._message = None

    def _tell(self, line: str, *, aloud: bool = True) -> None:
        self._message = line, self._clock() + MESSAGE_S
        if aloud:
            self._say(line)
