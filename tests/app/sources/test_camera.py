"""Cameras: always the newest frame, and again after they were unplugged."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.sources import camera_list
from app.sources.camera import MJPG, CameraSource, ask_for_jpegs, open_device, request_mode
from app.sources.latest_frame import Gap, LiveSource, UnmadePicture
from app.types import Frame, Mode, Silence
from tests.support.synthetic import index_of, level_picture


class FakeCapture:
    """Delivers `pictures` one per `allow()`; then its reads fail, or wait until it is released."""

    def __init__(
        self,
        pictures: Any = (),
        *,
        opened: bool = True,
        hangs: bool = False,
        error: Exception | None = None,
    ) -> None:
        self.pictures = list(pictures)
        self.opened = opened
        self.hangs = hangs
        self.error = error
        self.released = threading.Event()
        self.allowed = threading.Semaphore(0)
        self.asked = threading.Semaphore(0)

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def allow(self, count: int) -> None:
        """Lets `count` reads through and returns when the reader is back for more."""
        for _ in range(count):
            self.asked.acquire()
            self.allowed.release()
        self.asked.acquire()
        self.asked.release()

    def read(self) -> tuple[bool, Any]:
        self.asked.release()
        if self.pictures:
            self.allowed.acquire()
            return True, self.pictures.pop(0)
        if self.error is not None:
            raise self.error
        if self.hangs:
            self.released.wait(5)
        return False, None

    def release(self) -> None:
        self.released.set()


class Clock:
    """Stands still unless told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def pictures(count: int, start: int = 0) -> list[Any]:
    return [level_picture(start + index, (32, 24)) for index in range(count)]


def camera(*captures: FakeCapture, **options: Any) -> CameraSource:
    """A camera that opens as `captures`, one after the other, with no time between."""
    waiting = list(captures)
    options.setdefault("delays_s", (0.0,))
    return CameraSource(0, open_capture=lambda target: waiting.pop(0), **options)


def frame(items: Iterator[Frame | Silence]) -> Frame:
    """The next frame, whatever is said before it."""
    return next(item for item in items if isinstance(item, Frame))


def trouble(items: Iterator[Frame | Silence]) -> Silence:
    """The next word about what is wrong."""
    return next(item for item in items if isinstance(item, Silence) and item.why)


def test_camera_delivers_the_newest_frame_and_none_twice() -> None:
    capture, clock = FakeCapture(pictures(6)), Clock()
    with camera(capture, clock=clock) as source:
        frames = iter(source)
        capture.allow(3)
        first = frame(frames)
        clock.now = 102
        capture.allow(2)
        second = frame(frames)
        clock.now = 103
        capture.allowed.release()
        third = frame(frames)
    assert [index_of(one.image) for one in (first, second, third)] == [2, 4, 5]
    assert [one.index for one in (first, second, third)] == [0, 1, 2]
    assert [one.time_s for one in (first, second, third)] == [0.0, 2.0, 3.0]
    assert first.captured_s == 100.0
    assert {one.source for one in (first, second, third)} == {"camera:0"}
    assert (source.mode, source.gaps, source.warning) == (Mode.LIVE, (), None)
    assert capture.released.is_set()


def test_no_two_frames_have_one_time_where_the_clock_stands_still() -> None:
    capture, clock = FakeCapture(pictures(3)), Clock()
    with camera(capture, clock=clock) as source:
        frames = iter(source)
        times = []
        for _ in range(3):
            capture.allowed.release()
            times.append(frame(frames).time_s)
    assert times == pytest.approx([0.0, 0.001, 0.002])


class Sleepy(FakeCapture):
    """Fails so many times before its first picture."""

    def __init__(self, failures: int, pictures: Any) -> None:
        super().__init__(pictures)
        self._failures = failures

    def read(self) -> tuple[bool, Any]:
        if self._failures:
            self._failures -= 1
            return False, None
        return super().read()


def test_camera_may_fail_until_it_is_awake() -> None:
    capture = Sleepy(30, pictures(1))
    with camera(capture) as source:
        capture.allowed.release()
        assert frame(iter(source)).index == 0


def test_camera_that_waits_for_a_frame_says_so() -> None:
    capture, clock = FakeCapture(pictures(1)), Clock()
    with camera(capture, clock=clock) as source:
        frames = iter(source)
        assert next(frames) == Silence(None, 0.0)
        capture.allowed.release()
        assert frame(frames).index == 0


def test_unplugged_camera_comes_back_with_later_times_and_the_gap_in_them() -> None:
    first, gone, second = (
        FakeCapture(pictures(2)),
        FakeCapture(opened=False),
        FakeCapture(pictures(2, 5)),
    )
    clock = Clock()
    with camera(first, gone, second, clock=clock) as source:
        frames = iter(source)
        first.allow(1)
        one = frame(frames)
        first.allowed.release()
        clock.now += 0.04
        two = frame(frames)
        said = trouble(frames)
        clock.now += 3
        assert source.gaps == (Gap(two.time_s, 3.0),)
        second.allow(1)
        three = frame(frames)
        second.allowed.release()
        clock.now += 0.04
        four = frame(frames)
    assert said.why is not None
    assert said.why.startswith("Camera 0 ")
    assert [index_of(f.image) for f in (one, two, three, four)] == [0, 1, 5, 6]
    assert [f.index for f in (one, two, three, four)] == [0, 1, 2, 3]
    times_s = [f.time_s for f in (one, two, three, four)]
    assert times_s == sorted(times_s)
    (gap,) = source.gaps
    assert gap.after_s == two.time_s
    assert gap.seconds == pytest.approx(three.time_s - two.time_s)
    assert first.released.is_set()


def test_return_before_anybody_noticed_is_said_too() -> None:
    first, second = FakeCapture(pictures(1)), FakeCapture(pictures(1, 5))
    with camera(first, second) as source:
        frames = iter(source)
        first.allowed.release()
        frame(frames)
        second.allow(1)  # lost, and back, before the consumer asks
        said, after = next(frames), next(frames)
    assert isinstance(said, Silence)
    assert said.why == (
        "Camera 0 stopped delivering pictures. Check its cable, or close the program that took it."
    )
    assert isinstance(after, Frame)
    assert len(source.gaps) == 1


def test_attempts_come_at_growing_distances_up_to_a_limit() -> None:
    rests: list[float] = []
    captures = [
        FakeCapture(pictures(1)),
        *(FakeCapture(opened=False) for _ in range(4)),
        FakeCapture(pictures(1)),
        FakeCapture(hangs=True),
    ]
    for capture in captures:
        capture.allowed.release(9)
    with camera(*captures, delays_s=(0.5, 1.0, 2.0), rest=rests.append) as source:
        frames = iter(source)
        frame(frames)
        while captures[5].pictures:
            frame(frames)
        captures[6].asked.acquire()
        captures[6].released.set()
    # Five attempts until it is back, and one after it was lost again.
    assert rests[:6] == [0.5, 1.0, 2.0, 2.0, 2.0, 0.5]


def test_pause_of_a_driver_is_a_gap() -> None:
    capture, clock = FakeCapture(pictures(2)), Clock()
    with camera(capture, clock=clock, stall_timeout_s=5) as source:
        frames = iter(source)
        capture.allow(1)
        frame(frames)
        assert next(frames) == Silence(None, 0.0)
        clock.now += 6
        assert trouble(frames) == Silence(
            "Camera 0 delivered no picture for 5 s. Unplug and replug it, or close the program "
            "that uses it.",
            6.0,
        )
        capture.allowed.release()
        assert frame(frames).time_s == 6.0
    assert source.gaps == (Gap(0.0, 6.0),)


def test_closing_while_it_is_away_ends_at_once_and_counts_the_gap() -> None:
    first, clock = FakeCapture(pictures(1)), Clock()
    source = camera(
        first, *(FakeCapture(opened=False) for _ in range(9)), delays_s=(60,), clock=clock
    )
    frames = iter(source)
    first.allowed.release()
    frame(frames)
    trouble(frames)
    clock.now += 7
    began_s = time.monotonic()
    source.close()
    assert time.monotonic() - began_s < 10
    assert source.gaps == (Gap(0.0, 7.0),)
    assert list(frames) == []


def test_odd_pictures_do_not_stop_a_camera() -> None:
    grey = level_picture(2, (32, 24))[..., 0]
    odd = [
        level_picture(1, (32, 24)),
        np.zeros((0, 0, 3), np.uint8),
        grey,
        grey.astype(np.uint16) << 8,
        np.zeros((4, 4, 5), np.uint8),
        np.dstack([level_picture(3, (50, 31)), grey[:1].repeat(31, 0)[:, :1].repeat(50, 1)]),
    ]
    capture = FakeCapture(odd)
    with camera(capture) as source:
        frames = iter(source)
        seen = []
        for reads in (1, 2, 1, 2):
            capture.allow(reads)
            seen.append(frame(frames).image)
    assert [image.shape for image in seen] == [(24, 32, 3)] * 3 + [(31, 50, 3)]
    assert [index_of(image) for image in seen] == [1, 2, 2, 3]
    assert source.skipped_count == 2
    assert source.warning == (
        "2 pictures of camera:0 could not be used: empty, or of an unknown kind."
    )


def test_driver_error_before_the_first_frame_reaches_the_consumer_with_its_cause() -> None:
    broken = cv2.error("driver\ngone")
    with (
        camera(FakeCapture(error=broken)) as source,
        pytest.raises(
            SourceError, match="Camera 0 stopped delivering pictures: driver gone"
        ) as caught,
    ):
        frame(iter(source))
    assert caught.value.__cause__ is broken


def test_failure_of_the_reader_itself_is_not_lost() -> None:
    broken = RuntimeError("a bug")
    with (
        camera(FakeCapture(error=broken)) as source,
        pytest.raises(SourceError, match="Camera 0 stopped delivering pictures") as caught,
    ):
        frame(iter(source))
    assert caught.value.__cause__ is broken


# Pictures that are made when they are wanted


class Jpegs:
    """Is like OpenCV's capture of a camera that sends JPEGs: `pictures`, one per `allowed`."""

    def __init__(self, pictures: list[Any], backend: str = "V4L2") -> None:
        self.backend = backend
        self.pictures = pictures
        self.allowed = threading.Semaphore(0)
        self.converts = True

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def getBackendName(self) -> str:  # noqa: N802
        return self.backend

    def get(self, what: int) -> float:
        return float(MJPG) if what == cv2.CAP_PROP_FOURCC else 0.0

    def set(self, what: int, value: float) -> bool:
        if what == cv2.CAP_PROP_CONVERT_RGB:
            self.converts = bool(value)
        return True

    def read(self) -> tuple[bool, Any]:
        self.allowed.acquire()
        if not self.pictures:
            return False, None
        picture = self.pictures.pop(0)
        return True, picture if self.converts else picture.reshape(1, -1)

    def release(self) -> None:
        self.pictures = []
        self.allowed.release(99)


def jpeg(index: int) -> np.ndarray:
    return cv2.imencode(".jpg", level_picture(index, (64, 48)))[1]


def test_jpegs_of_a_camera_are_decoded_beside_the_reader() -> None:
    capture = Jpegs([jpeg(1), np.full((9, 1), 7, np.uint8), jpeg(2)])
    with CameraSource(0, open_capture=lambda target: capture) as source:
        frames = iter(source)
        capture.allowed.release()
        first = frame(frames)
        capture.allowed.release()
        assert next(frames) == Silence(None, pytest.approx(0.1, abs=0.2))
        capture.allowed.release()
        second = frame(frames)
        assert source.skipped_count == 1
        capture.release()
    assert [index_of(one.image) for one in (first, second)] == [1, 2]
    assert first.image.shape == (48, 64, 3)
    assert not capture.converts
    assert not [one for one in threading.enumerate() if one.name.startswith("camera:0")]


@pytest.mark.parametrize("backend", ["MSMF", "AVFOUNDATION", "DSHOW"])
def test_only_v4l2_is_asked_for_jpegs(backend: str) -> None:
    capture = Jpegs([], backend)
    assert not ask_for_jpegs(capture)
    assert capture.converts
    assert not ask_for_jpegs(FakeCapture())


class SlowFeed:
    """Gives unmade pictures: each is made when `may_make` is set."""

    def __init__(self, count: int, *, error: Exception | None = None) -> None:
        self.begun, self.may_make = threading.Event(), threading.Event()
        self.left, self.made = list(range(count)), []
        self.error = error
        self.closed = threading.Event()
        self.all_read = threading.Event()

    def read(self) -> object:
        if self.left:
            number = self.left.pop(0)
            if number == 1:
                self.begun.wait(5)
            return UnmadePicture(lambda: self._make(number))
        self.all_read.set()
        if self.error is not None:
            raise self.error
        self.closed.wait(5)
        return None

    def _make(self, number: int) -> Any:
        self.begun.set()
        self.made.append(number)
        self.may_make.wait(5)
        return level_picture(number, (32, 24))

    def close(self) -> None:
        self.closed.set()


def live(*feeds: SlowFeed) -> LiveSource:
    waiting = list(feeds)
    return LiveSource(
        lambda: waiting.pop(0),
        name="live",
        title="It",
        remedy="",
        patience_s=5,
        stall_s=5,
        delays_s=(0.0,),
    )


def test_a_picture_that_is_in_work_when_the_stream_ends_is_delivered_first() -> None:
    feed = SlowFeed(1, error=SourceError("It ended."))
    after = SlowFeed(0)
    with live(feed, after) as source:
        frames = iter(source)
        feed.all_read.wait(5)
        feed.may_make.set()
        assert index_of(frame(frames).image) == 0
        assert trouble(frames).why == "It ended."
        after.closed.set()


def test_pictures_that_were_replaced_are_not_made() -> None:
    feed = SlowFeed(40)
    with live(feed) as source:
        frames = iter(source)
        feed.all_read.wait(5)
        feed.may_make.set()
        while index_of(frame(frames).image) != 39 % 16:
            pass
        feed.closed.set()
    assert feed.made == [0, 39]  # the first was in work, the last is the newest


@pytest.mark.parametrize(
    ("target", "there", "remedy"),
    [
        (0, (0, 1), "Try --camera 1, close the program that uses it, or look at --list-cameras."),
        (3, (0, 3), "Try --camera 0, close"),
        ("/dev/video9", (0,), "Try --camera 0, close"),
        (0, (0,), "Close the program that uses it, or unplug and replug it."),
        (0, (), "No camera is here. Plug one in, or use --video, --image or --demo."),
    ],
)
def test_camera_that_does_not_open_names_another_one(
    target: int | str, there: tuple[int, ...], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_list, "list_camera_numbers", lambda: there)
    with pytest.raises(SourceError, match=rf"Camera {target} did not open\. {remedy}"):
        CameraSource(target, open_capture=lambda target: FakeCapture(opened=False))


def test_camera_that_never_delivers_times_out() -> None:
    capture, clock = FakeCapture(hangs=True), Clock()
    source = camera(capture, clock=clock, first_frame_timeout_s=10)
    frames = iter(source)
    next(frames)
    clock.now += 11
    with pytest.raises(SourceError, match=r"Camera 0 delivered no picture for 10 s"):
        next(frames)
    capture.released.set()
    source.close()


def test_closing_a_camera_ends_its_thread_and_the_iteration() -> None:
    capture = FakeCapture(pictures(1))
    source = camera(capture)
    frames = iter(source)
    capture.allowed.release()
    frame(frames)
    began_s = time.monotonic()
    source.close()
    assert time.monotonic() - began_s < 10
    assert list(frames) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "camera:0"]


# What a camera is asked for


class Modes(FakeCapture):
    """A camera with few modes: `plain` without and `packed` with compression."""

    def __init__(self, plain: tuple[int, int, float], packed: tuple[int, int, float]) -> None:
        super().__init__(hangs=True)
        self.plain, self.packed, self.fourcc = plain, packed, 0.0

    def set(self, what: int, value: float) -> bool:
        if what == cv2.CAP_PROP_FOURCC:
            self.fourcc = value
        return True

    def get(self, what: int) -> float:
        names = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        return (self.packed if self.fourcc == MJPG else self.plain)[names.index(what)]


VGA, HD, SLOW_HD = (640, 480, 30.0), (1280, 720, 30.0), (1280, 720, 10.0)


@pytest.mark.parametrize(
    ("modes", "size_wh", "rate", "given"),
    [
        ((HD, HD), (1280, 720), None, "1280 x 720 at 30 frames/s"),
        ((SLOW_HD, HD), (1280, 720), 30, "1280 x 720 at 30 frames/s"),
        ((SLOW_HD, HD), (1280, 720), None, "1280 x 720 at 10 frames/s"),
        ((VGA, HD), (1280, 720), None, "1280 x 720 at 30 frames/s"),
        (
            (VGA, VGA),
            (1920, 1080),
            60,
            "640 x 480 at 30 frames/s, not 1920 x 1080 and 60 frames/s as was asked",
        ),
        ((VGA, VGA), None, 15, "640 x 480 at 30 frames/s, not 15 frames/s as was asked"),
    ],
)
def test_camera_says_what_it_really_gives(
    modes: Any, size_wh: tuple[int, int] | None, rate: float | None, given: str
) -> None:
    assert request_mode(Modes(*modes), size_wh, rate) == given


def test_mode_is_asked_for_again_after_it_was_unplugged() -> None:
    first, second = Modes(VGA, HD), Modes(VGA, HD)
    first.hangs = False
    first.pictures = pictures(1)
    first.allowed.release()
    with camera(first, second, size_wh=(1280, 720)) as source:
        assert source.mode_note == "Camera 0 gives 1280 x 720 at 30 frames/s."
        frames = iter(source)
        frame(frames)
        trouble(frames)
        second.asked.acquire()
        assert second.fourcc == MJPG
        second.released.set()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be opened: No such file or directory. --list-cameras"),
        (lambda path: path.write_bytes(b"x"), "is not a camera's device. Use --video for a file."),
        (lambda path: path.mkdir(), "is not a camera's device"),
    ],
)
def test_only_devices_are_cameras(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(SourceError, match=message):
        open_device(str(path))


def test_device_is_found_again_by_its_lasting_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, asked = tmp_path / "by-id", []
    monkeypatch.setattr(cv2, "VideoCapture", lambda *what: asked.append(what))
    for device in ("/dev/null", "/dev/zero"):
        link.unlink(missing_ok=True)
        link.symlink_to(device)
        open_device(str(link))
    assert asked == [("/dev/null", cv2.CAP_V4L2), ("/dev/zero", cv2.CAP_V4L2)]


def test_cameras_are_live_sources() -> None:
    assert issubclass(CameraSource, LiveSource)
