"""The picture that a virtual camera shows. PyAV's own output is tried with a file for a device."""

import os
import sys
import threading
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from app.errors import SinkError
from app.outputs.virtual_camera import (
    V4l2Device,
    VirtualCameraSink,
    find_virtual_camera,
    letterbox_picture,
)
from app.types import Image
from tests.support.receivers import wait_until
from tests.support.synthetic import frame_result, index_of, level_picture

SIZE_WH = (64, 48)


class FakeDevice:
    """Keeps what it was shown. Devices are opened and shown to as long as `works`."""

    def __init__(self) -> None:
        self.works = True
        self.attempts = 0
        self.opened: list[tuple[str, tuple[int, int]]] = []
        self.shown: list[Image] = []
        self.closed = 0
        self.held = threading.Lock()

    def open(self, name: str, size_wh: tuple[int, int]) -> "FakeDevice":
        self._check()
        self.opened.append((name, size_wh))
        return self

    def show(self, picture: Image) -> None:
        with self.held:
            self._check()
            self.shown.append(picture)

    def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        self.attempts += 1
        if not self.works:
            raise OSError(19, "No such device")


def test_the_camera_shows_the_canvases_in_even_numbers_of_pixels() -> None:
    device = FakeDevice()
    sink = VirtualCameraSink("/dev/video7", open_device=device.open)
    sink.write(frame_result(), level_picture(3, (65, 49)))
    wait_until(lambda: len(device.shown) == 1)
    sink.close()
    sink.abort()
    assert device.opened == [("/dev/video7", SIZE_WH)]
    assert device.shown[0].shape == (48, 64, 3)
    assert index_of(device.shown[0]) == 3
    assert device.closed == 1
    with pytest.raises(SinkError, match="closed already"):
        sink.write(frame_result(), level_picture(3, SIZE_WH))


def test_a_slow_device_shows_the_newest_canvas_and_holds_up_nobody() -> None:
    device = FakeDevice()
    sink = VirtualCameraSink("d", open_device=device.open)
    with device.held:
        for index in range(10):
            sink.write(frame_result(), level_picture(index, SIZE_WH))
    wait_until(lambda: bool(device.shown) and index_of(device.shown[-1]) == 9)
    sink.close()
    assert len(device.shown) <= 3


def test_a_device_that_is_gone_is_said_once_and_taken_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.outputs.virtual_camera.RETRY_S", 0.0)
    device, said = FakeDevice(), list[str]()
    device.works = False
    sink = VirtualCameraSink("d", open_device=device.open, say=said.append)
    for count in range(1, 4):
        sink.write(frame_result(), level_picture(1, SIZE_WH))
        wait_until(partial(lambda count: device.attempts == count, count))
    assert len(said) <= 1
    device.works = True
    sink.write(frame_result(), level_picture(2, SIZE_WH))
    wait_until(lambda: len(device.shown) == 1)
    sink.close()
    assert said == [
        "The virtual camera d: it takes no picture (No such device). Frames are sent again as soon "
        "as it is there.",
        "The virtual camera d is back; 3 frames did not reach it.",
    ]


def test_pyav_writes_every_picture_in_the_colours_of_video_calls(tmp_path: Path) -> None:
    path = tmp_path / "device.y4m"
    device = V4l2Device(str(path), SIZE_WH, container_format="yuv4mpegpipe")
    for index in range(4):
        device.show(level_picture(index, SIZE_WH))
    device.close()
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert [index_of(frame.to_ndarray(format="bgr24")) for frame in frames] == [0, 1, 2, 3]
    assert {(frame.format.name, frame.width, frame.height) for frame in frames} == {
        ("yuv420p", *SIZE_WH)
    }


def test_a_device_that_cannot_be_opened_is_an_error_of_the_system(tmp_path: Path) -> None:
    path = str(tmp_path / "none/video9")
    device = V4l2Device(path, SIZE_WH, container_format="yuv4mpegpipe")
    with pytest.raises(OSError, match="No such file"):
        device.show(level_picture(0, SIZE_WH))


@pytest.mark.parametrize(
    ("shape_wh", "bars"),
    [((64, 48), (0, 0)), ((128, 96), (0, 0)), ((32, 48), (16, 0)), ((64, 24), (0, 12))],
)
def test_other_shapes_get_black_bars(shape_wh: tuple[int, int], bars: tuple[int, int]) -> None:
    fitted = letterbox_picture(np.full((shape_wh[1], shape_wh[0], 3), 200, np.uint8), SIZE_WH)
    assert fitted.shape == (48, 64, 3)
    rows, columns = np.nonzero(fitted[..., 0])
    assert (int(columns.min()), int(rows.min())) == bars
    assert (63 - int(columns.max()), 47 - int(rows.max())) == bars


def test_the_first_virtual_device_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    two_commands = r"sudo apt install v4l2loopback-dkms; sudo modprobe v4l2loopback"
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SinkError, match=two_commands):
            find_virtual_camera(devices=folder)
    for name in ("video4", "video2"):
        (tmp_path / name).mkdir()
    assert find_virtual_camera(devices=tmp_path) == "/dev/video2"
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "none"):
        with pytest.raises(SinkError, match=two_commands):
            find_virtual_camera(str(wrong))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices of Linux")
def test_a_device_that_is_no_virtual_camera_is_refused(tmp_path: Path) -> None:
    null = os.stat("/dev/null").st_rdev
    for number, is_virtual in (("81:2", False), (f"{os.major(null)}:{os.minor(null)}", True)):
        (tmp_path / "video2").mkdir(exist_ok=True)
        (tmp_path / "video2" / "dev").write_text(f"{number}\n")
        if is_virtual:  # whatever name it has here
            assert find_virtual_camera("/dev/null", devices=tmp_path) == "/dev/null"
            continue
        for folder in (tmp_path, tmp_path / "missing"):
            with pytest.raises(SinkError, match="/dev/null is no virtual camera of v4l2loopback"):
                find_virtual_camera("/dev/null", devices=folder)


def test_elsewhere_the_package_that_is_needed_is_named_with_its_licence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setitem(__import__("sys").modules, "pyvirtualcam", None)
    with pytest.raises(SinkError, match=r"pyvirtualcam here, .*GPL, version 2: python -m pip"):
        VirtualCameraSink()
