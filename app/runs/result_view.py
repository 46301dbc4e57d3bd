"""Draws the results of one run, blurs faces, and keeps the history that is drawn beside them."""

from collections.abc import Sequence
from dataclasses import replace

from app.overlay.drawing import Drawing, plan_drawing
from app.overlay.history import History
from app.overlay.memory import OverlayMemory
from app.placement.rects import Rect
from app.privacy.blur import COVER_HOLD_S, FaceBlur, blur_whole
from app.process.stage_clock import StageClock
from app.runs.plan import ViewSettings
from app.types import FrameResult, Image, Mode


class ResultView:
    """Draws each result of one run onto its frame.

    `settings` may be replaced at any time. Pictures have no history. In a live stream, time that
    passes without frames, such as a pause, is left out of the history, unless it is long.
    """

    def __init__(self, settings: ViewSettings, mode: Mode) -> None:
        self.settings = settings
        self._is_stream = mode.is_stream
        self._overlay = OverlayMemory()
        self._history = History()
        self._history_clock = StageClock() if mode.is_live else None
        self._blur = FaceBlur(hold_s=COVER_HOLD_S if mode.is_stream else 0.0)

    @property
    def has_history(self) -> bool:
        """True if the history holds readings of a result before."""
        return len(self._history) > 0

    def add(self, result: FrameResult) -> FrameResult:
        """Takes a new result, once each and in order. Returns the result to draw and to store."""
        self.remember(result)
        return self.cover(result)

    def remember(self, result: FrameResult) -> bool:
        """Takes a new result into the memory of what is drawn: once each, in order.

        Returns True if so much time passed since the result before that faces are numbered anew.
        """
        frame = result.frame
        faces = [*(face.face for face in result.faces), *result.unread]
        self._blur.add_frame(faces, frame.time_s, frame.size_wh)
        if not self._is_stream:
            return False
        time_s, is_anew = frame.time_s, False
        if self._history_clock is not None:
            time_s = self._history_clock.advance(time_s)
            is_anew = self._history_clock.is_too_long
        self._history.add(result.faces, result.labels, time_s)
        return is_anew

    def cover(self, result: FrameResult) -> FrameResult:
        """Returns the result with its faces blurred, or the whole frame where a face may be
        missed; with nothing blurred unless the settings ask for it."""
        if not self.settings.blur:
            return replace(result, blurred=None)
        image = result.frame.image
        covered = self._blur.cover(image) if result.doubt is None else blur_whole(image)
        return replace(result, blurred=covered)

    def draw(self, result: FrameResult, reserved: Sequence[Rect] = ()) -> Image:
        """Draws a result that `cover` returned. Nothing is placed on `reserved` rectangles, in px.

        Returns an image uint8 (H, W, 3) BGR of the frame's size.
        """
        return self.plan(result, reserved).make_canvas()

    def plan(self, result: FrameResult, reserved: Sequence[Rect] = ()) -> Drawing:
        """Plans what `draw` draws, without touching the picture."""
        return plan_drawing(
            result,
            self.settings.hud,
            mirror=self.settings.mirror,
            history=self._history if self._is_stream else None,
            memory=self._overlay if self._is_stream else None,
            reserved=reserved,
        )
