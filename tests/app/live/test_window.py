"""A display is checked before any window call, and a real window obeys its keys."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.defaults import ROOT
from app.errors import SinkError
from app.live import window
from app.live.window import NO_WINDOWS, Window, check_display, has_same_shape


@pytest.mark.parametrize(
    ("environment", "platform", "code", "message"),
    [
        ({}, "linux", 0, "There is no display"),
        ({"DISPLAY": ""}, "linux", 0, "There is no display"),
        ({"DISPLAY": ":9"}, "linux", -6, "The display :9 does not open a window"),
        ({"WAYLAND_DISPLAY": "w"}, "linux", 1, "The display w does not open a window"),
        ({"DISPLAY": ":9"}, "linux", NO_WINDOWS, "built without windows"),
    ],
)
def test_missing_display_is_said_with_the_way_out(
    environment: dict[str, str], platform: str, code: int, message: str
) -> None:
    with pytest.raises(SinkError, match=message) as caught:
        check_display(environment, platform, lambda: code, list)
    assert "--no-window" in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "platform"), [({"DISPLAY": ":9"}, "linux"), ({}, "darwin"), ({}, "win32")]
)
def test_display_that_works_is_accepted(environment: dict[str, str], platform: str) -> None:
    check_display(environment, platform, lambda: 0)


def test_hung_display_is_given_up() -> None:
    def hangs() -> int:
        raise subprocess.TimeoutExpired("probe", 1)

    with pytest.raises(SinkError, match="does not open a window"):
        check_display({"DISPLAY": ":9"}, "linux", hangs, list)


def test_library_that_windows_lack_is_named() -> None:
    with pytest.raises(SinkError, match=r"without libICE\.so\.6, libSM\.so\.6\. As root: .*libsm6"):
        check_display({"DISPLAY": ":9"}, "linux", lambda: -6, lambda: ["libICE.so.6", "libSM.so.6"])


def test_closing_a_window_that_never_opened_does_nothing() -> None:
    with Window("never"):
        pass


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A virtual screen of its own."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)


CIRCLES = """
import sys, subprocess, cv2, numpy as np
from app.live.window import Window

def shape():
    for _ in range(50):  # a busy machine takes long to show the first picture
        out = subprocess.run(["import", "-window", "root", "png:-"], capture_output=True).stdout
        screen = cv2.imdecode(np.frombuffer(out, np.uint8), cv2.IMREAD_COLOR)
        y, x = np.nonzero((screen == (0, 200, 255)).all(axis=2))
        if x.size:
            break
        window.poll(20)
    return round(np.ptp(x) / np.ptp(y), 2), np.ptp(y)

with Window("t") as window:
    for width, height in ((640, 480), (300, 600), (900, 300), (640, 480), (1280, 960)):
        picture = np.full((height, width, 3), 60, np.uint8)
        cv2.circle(picture, (width // 2, height // 2), min(width, height) // 3, (0, 200, 255), -1)
        window.show(picture)
        for _ in range(5):
            window.poll(20)
        print(*shape(), end=" ")
    cv2.resizeWindow("t", 900, 400)
    for _ in range(5):
        window.poll(20)
    print(*shape())
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("import") is None, reason="needs ImageMagick's import")
def test_pictures_of_any_shape_are_shown_undistorted(display: str) -> None:
    """A circle stays round in one window, whether that fits itself or the user resizes it, and is
    as large as the window allows."""
    done = subprocess.run(
        [sys.executable, "-c", CIRCLES],
        cwd=ROOT,
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    words = [float(word) for word in done.stdout.split()]
    assert words[::2] == pytest.approx([1.0] * 6, abs=0.04)
    assert words[1] == pytest.approx(2 * 160, abs=4)
    assert words[-1] == pytest.approx(2 * 400 / 3, abs=4)


@pytest.mark.parametrize(
    ("size_wh", "shown_wh"),
    [
        ((640, 480), (640, 480)),
        ((320, 240), (320, 240)),  # the system enlarges it
        ((3840, 2160), (1600, 900)),
        ((1200, 1200), (900, 900)),
    ],
)
def test_canvas_that_is_larger_than_its_window_is_shrunk_before(
    size_wh: tuple[int, int], shown_wh: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []
    monkeypatch.setattr(window, "SHRINKS_CANVAS", True)
    for name in ("namedWindow", "resizeWindow"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, picture: shown.append(picture))
    Window("t").show(np.zeros((size_wh[1], size_wh[0], 3), np.uint8))
    assert [picture.shape[1::-1] for picture in shown] == [shown_wh]


@pytest.mark.parametrize(
    ("size_wh", "other_wh", "same"),
    [
        ((640, 480), (320, 240), True),
        ((640, 480), (641, 480), True),
        ((640, 480), (660, 480), False),
        ((640, 480), (480, 640), False),
    ],
)
def test_shapes_are_compared_by_their_sides(
    size_wh: tuple[int, int], other_wh: tuple[int, int], same: bool
) -> None:
    assert has_same_shape(size_wh, other_wh) is same


@pytest.mark.slow
def test_keys_of_a_real_window(display: str, tmp_path: Path) -> None:
    """h, then s, then q in the demo clip's window: a snapshot is left, and the program ends."""
    environment = {**os.environ, "DISPLAY": display}
    demo = subprocess.Popen(
        [sys.executable, str(ROOT / "run_demo.py"), "--demo"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )

    def xdotool(*arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()

    window = xdotool("search", "--sync", "--onlyvisible", "--name", "^Expressions: demo").split()[0]
    assert "640x480" in xdotool("getwindowgeometry", window)
    xdotool("windowfocus", "--sync", window)
    xdotool("key", "space")  # it would otherwise end by itself
    xdotool("key", "s")
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob("snapshot_*.png")) and time.monotonic() < deadline:
        time.sleep(0.05)
    xdotool("key", "q")
    _, said = demo.communicate(timeout=30)
    assert demo.returncode == 0, said
    assert len(list(tmp_path.glob("snapshot_*.png"))) == 1
    lines = said.splitlines()
    assert len(lines) == 3, lines
    assert lines[1].startswith("Saved snapshot_")
