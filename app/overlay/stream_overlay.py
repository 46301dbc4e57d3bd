"""Draws the results of one stream with texts that keep their places from frame to frame."""

from app.overlay.drawing import draw_result
from app.overlay.history import History
from app.overlay.memory import OverlayMemory
from app.overlay.scene import HUD_MODES, HudMode
from app.types import FrameResult, Image


class Overlay:
    """Draws the results of one stream in order: labels and panels keep their places while faces
    move, and panels show the last ten seconds. For a single picture, use `Recogniser.draw`. An
    overlay belongs to one stream, and to one thread at a time.

    Args:
        mode: "full" (boxes, labels, and panels with bars), "boxes" (with labels) or "off".
        mirror: Whether pictures are mirrored. Texts are not.

    Raises:
        ValueError: For another mode.
    """

    def __init__(self, mode: HudMode = "full", *, mirror: bool = False) -> None:
        if mode not in HUD_MODES:
            raise ValueError(f"mode must be one of {', '.join(HUD_MODES)}, got {mode!r}")
        self._mode, self._mirror = mode, mirror
        self._history, self._memory = History(), OverlayMemory()

    def draw(self, result: FrameResult) -> Image:
        """Draws a frame and its results on a new canvas, uint8 `(H, W, 3)` BGR. After a time that
        runs backwards, earlier frames are forgotten. Raises `ValueError` for a picture without
        pixels."""
        self._history.add(result.faces, result.labels, result.frame.time_s)
        return draw_result(
            result,
            self._mode,
            mirror=self._mirror,
            history=self._history,
            memory=self._memory,
        )
