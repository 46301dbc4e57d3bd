"""Shows canvases in a window and turns keys into actions."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from app.errors import SinkError
from app.frames.to_bgr import letterbox
from app.live.keys import Action, find_action
from app.process.native_stderr import quiet_stderr
from app.requirements.shared_libraries import find_lacking
from app.requirements.system_needs import format_install_line
from app.types import Image

WITHOUT = "Add --no-window, with -o or --records for the results."
PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"
PROBE_TIMEOUT_S = 20.0  # a remote display may be slow
NO_WINDOWS = 3  # the probe's exit code where OpenCV was built without windows
MAX_OPENING_WH = (1600, 900)  # px; OpenCV does not tell the size of the screen
MAX_DISTORTION = 0.01  # share by which one side may be stretched without being noticed
# Qt takes the nearest pixels of a larger canvas. Shrinking it before is smoother and cheaper: in a
# window of 1600 x 900 px, 3.5 ms of processor time against 4.2 for 1920 x 1080, 5.1 against 6.1 for
# 3840 x 2160. Elsewhere a window has finer pixels than OpenCV tells, so its system shrinks it.
SHRINKS_CANVAS = sys.platform.startswith("linux")
MIN_WINDOW_WIDTH_PX = 480  # smaller pictures are enlarged, so that texts can be read


def _probe() -> int:
    """Opens a window in another process, because OpenCV ends the process when it cannot."""
    code = f"try:\n {PROBE}\nexcept Exception: raise SystemExit({NO_WINDOWS})"
    return subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PROBE_TIMEOUT_S,
        check=False,
    ).returncode


def check_display(
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    probe: Callable[[], int] = _probe,
    lacks: Callable[[], Sequence[str]] | None = None,
) -> None:
    """Checks that a window can be opened, before the first one is. Raises `SinkError`.

    The arguments stand for this machine: its environment, its platform, a `probe` that opens a
    window in another process, and `lacks`, which lists shared libraries that are missing.
    """
    unix = platform not in ("win32", "darwin")
    if unix and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise SinkError(f"There is no display to open a window on. {WITHOUT}")
    if not unix:
        return  # there is always one, and probing takes long
    try:
        code = probe()
    except (OSError, subprocess.TimeoutExpired):
        code = 1
    if code == NO_WINDOWS:
        raise SinkError(
            "This OpenCV was built without windows: opencv-python-headless hides "
            f"opencv-contrib-python. Uninstall it, or go on without a window. {WITHOUT}"
        )
    if code != 0:
        if lost := (lacks or list_missing_window_libraries)():
            raise SinkError(
                f"No window opens without {', '.join(lost)}. As root: {format_install_line(lost)}. "
                f"Or go on without a window. {WITHOUT}"
            )
        display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
        raise SinkError(f"The display {display} does not open a window. {WITHOUT}")


def has_same_shape(size_wh: tuple[int, int], other_wh: tuple[int, int]) -> bool:
    """Tells whether one size in px can be scaled to the other without a distortion that shows.

    >>> has_same_shape((640, 480), (1280, 960)), has_same_shape((640, 480), (1280, 720))
    (True, False)
    """
    (width, height), (w, h) = size_wh, other_wh
    return abs(width * h - w * height) <= MAX_DISTORTION * width * h


def _size_wh(canvas: Image) -> tuple[int, int]:
    return canvas.shape[1], canvas.shape[0]


def list_missing_window_libraries() -> list[str]:
    """Lists the shared libraries that OpenCV's windows need and this system does not have."""
    plugins = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms"
    return sorted(find_lacking(plugins.glob("*.so")))


class Window:
    """Shows canvases in one window, and hears its keys. A context manager.

    The window fits itself to the first canvas and can be resized. Nothing is ever stretched: a
    canvas of another shape resizes a window that the user has left alone, and gets black edges in a
    window that the user has resized.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._opened = False
        self._canvas: Image | None = None
        self._fitted_wh = (0, 0)  # the size that the window was given
        self._painted_wh = (0, 0)  # the size that the canvas was painted for
        self._laid_out = False  # before, the system tells a size that no window has

    def show(self, canvas: Image) -> None:
        """Shows a canvas, uint8 (H, W, 3) BGR. Raises `SinkError` if no window opens."""
        if not self._opened:
            with quiet_stderr():  # Qt complains of fonts that it does not need
                self._open(canvas)
        elif self._canvas is not None and not has_same_shape(
            _size_wh(canvas), _size_wh(self._canvas)
        ):
            area_wh = self._area_wh()
            if max(abs(a - b) for a, b in zip(area_wh, self._fitted_wh, strict=True)) <= 1:
                self._fit(canvas)
        self._canvas = canvas
        self._paint()

    def _open(self, canvas: Image) -> None:
        try:
            cv2.namedWindow(
                self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            )
            self._fit(canvas)
        except cv2.error as cause:
            raise SinkError(f"No window can be opened here. {WITHOUT}") from cause
        self._opened = True

    def _fit(self, canvas: Image) -> None:
        width, height = _size_wh(canvas)
        scale = max(1.0, MIN_WINDOW_WIDTH_PX / width)
        scale = min(scale, MAX_OPENING_WH[0] / width, MAX_OPENING_WH[1] / height)
        self._fitted_wh = max(1, round(width * scale)), max(1, round(height * scale))
        cv2.resizeWindow(self._title, *self._fitted_wh)
        self._laid_out = False

    def _area_wh(self) -> tuple[int, int]:
        """Returns the size in px in which the window shows a canvas, or the size that the window
        was given, where the system does not tell."""
        if not self._laid_out:
            return self._fitted_wh
        try:
            width, height = cv2.getWindowImageRect(self._title)[2:]
        except cv2.error:
            return self._fitted_wh
        return (width, height) if width > 0 and height > 0 else self._fitted_wh

    def _paint(self) -> None:
        assert self._canvas is not None
        self._painted_wh = area_wh = self._area_wh()
        picture = self._canvas
        if not has_same_shape(_size_wh(picture), area_wh):
            picture = letterbox(picture, area_wh)
        elif SHRINKS_CANVAS and picture.shape[1] > area_wh[0]:
            picture = np.asarray(cv2.resize(picture, area_wh), np.uint8)
        cv2.imshow(self._title, picture)

    def poll(self, wait_ms: int) -> Action | None:
        """Waits up to `wait_ms` (at least 1) for a key. Returns the key's action, "quit" when the
        window was closed, None otherwise."""
        action = find_action(cv2.waitKeyEx(max(1, wait_ms)))  # `waitKey` makes Left a Q
        self._laid_out = True
        if action is None and self._is_closed():
            return "quit"
        if self._canvas is not None and self._opened and self._area_wh() != self._painted_wh:
            self._paint()  # the window has got another size
        return action

    def _is_closed(self) -> bool:
        if not self._opened:
            return False
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            return True

    def close(self) -> None:
        """Closes the window. May be called again."""
        if self._opened:
            self._opened = False
            try:
                cv2.destroyWindow(self._title)
            except cv2.error:  # the user closed it
                return
            cv2.waitKey(1)  # lets it go at once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
