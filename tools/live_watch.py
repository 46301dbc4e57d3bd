"""Runs `run_demo.py` live, in front of a stand-in for the screen, and measures what it would show:

python tools/live_watch.py FILE SECONDS FILM WORDS...

WORDS are those of `run_demo.py`, which is taken from PYTHONPATH, so that any build of this project
can be measured. No display and no camera are needed: OpenCV's windows are replaced before the
program begins, and its cameras by one that plays FILM, a Motion JPEG (`-`: none is replaced). Every
picture bears a number (`stamp_picture`), which is read from the canvas when it is shown. The
measurement begins `WARM_UP_S` after the first canvas; after SECONDS more the key q is pressed. FILE
gets a JSON object:

- shown: [number, time.monotonic()] of every canvas with another picture than the one before;
- unreadable: canvases whose number could not be read, because something is drawn over it;
- sent: [number, time.monotonic()] of every picture of the camera, when it was due;
- seconds, processor_s: of the process in that time, with all its threads and children;
- resident_mb, peak_mb: the memory of the process at the end, None where the system does not tell.

Only av, cv2, numpy and the standard library are used here beside the program.
"""

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WARM_UP_S = 3.0  # networks are warmed, the face is known, decoders have their buffers
LIMIT_S = 90.0  # beyond the measured time, for a program that shows nothing
FPS = 30  # of the camera
INCOMPLETE = 1  # the program's exit code where records lack frames, for the disk was too slow
WAITING = 3  # pictures in the driver of a camera; it has four buffers, of which one is being read
NUMBERS = 256  # of pictures; the next one is 0 again
BITS = 8
# The stamp, in every corner: a row of cells, of which the first two are dark and light.
CELLS = 2 + BITS + 1  # the last one makes the number of light ones even
CELL_SHARE = 1 / 64  # of the picture's width
EDGE_SHARE = 1 / 64  # between the stamp and the picture's edges
DARK = 32  # grey levels, so near that a search for what has changed sees no change
LIGHT = 48
MAX_OFF_GREY = 4  # of a cell's mean from one of the two, as compression leaves it
Image = NDArray[np.uint8]


def _place_stamps(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Yields the left edge, the upper edge and the side of a cell, px, of each stamp."""
    side = max(4, round(width * CELL_SHARE))
    edge = max(2, round(width * EDGE_SHARE))
    across, down = width - edge - CELLS * side, height - edge - side
    if across >= 0 and down >= 0:
        yield from ((x, y, side) for y in (down, edge) for x in (across, edge))


def _encode_number(number: int) -> list[int]:
    """Returns the cells as 0 and 1, in Gray's code: neighbours differ in one bit."""
    code = (number % NUMBERS) ^ ((number % NUMBERS) >> 1)
    bits = [(code >> place) & 1 for place in range(BITS)]
    return [0, 1, *bits, sum(bits) % 2]


def stamp_picture(image: Image, number: int) -> None:
    """Writes a number, modulo `NUMBERS`, into the corners of a picture `(H, W, 3)` uint8."""
    for x, y, side in _place_stamps(image.shape[1], image.shape[0]):
        for place, bit in enumerate(_encode_number(number)):
            image[y : y + side, x + place * side : x + (place + 1) * side] = LIGHT if bit else DARK


def read_stamp(image: Image) -> int | None:
    """Reads the number from a canvas of any size; None where there is none."""
    stamps = _place_stamps(image.shape[1], image.shape[0])
    return next((n for stamp in stamps if (n := _read_cells(image, *stamp)) is not None), None)


def _read_cells(image: Image, x: int, y: int, side: int) -> int | None:
    inner = max(1, side // 4)
    row = image[y + inner : y + side - inner, x : x + CELLS * side]
    # One mean of the green of all cells, because the reading counts as work of the program.
    cells = row[..., 1].reshape(len(row), CELLS, side)[:, :, inner : side - inner]
    levels: list[float] = cells.mean(axis=(0, 2)).tolist()
    bits = [int(abs(level - LIGHT) < abs(level - DARK)) for level in levels]
    if any(
        abs(level - (LIGHT if bit else DARK)) > MAX_OFF_GREY
        for level, bit in zip(levels, bits, strict=True)
    ):
        return None
    if bits[:2] != [0, 1] or sum(bits[2:]) % 2:
        return None
    number = code = sum(bit << place for place, bit in enumerate(bits[2 : 2 + BITS]))
    while code := code >> 1:
        number ^= code
    return number


def measure_processor_s() -> float:
    """Returns the processor seconds of this process and of the children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure_memory_mb() -> tuple[float | None, float | None]:
    """Returns the resident memory of this process and its peak; None where Linux does not say."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    kib = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return int(kib["VmRSS"]) * 1.024 / 1000, int(kib["VmHWM"]) * 1.024 / 1000


def loop_jpegs(film: str) -> Iterator[bytes]:
    """Yields the pictures of a Motion JPEG again and again, as they are stored."""
    while True:
        with av.open(film) as container:
            yield from (bytes(packet) for packet in container.demux(video=0) if packet.size)


class FilmCamera:
    """Stands in for `cv2.VideoCapture` of a camera that sends JPEGs at `FPS`, on Linux.

    `read` decodes a JPEG as OpenCV does, or gives it as it is where `CAP_PROP_CONVERT_RGB` is 0.
    Pictures that find no free buffer are lost, as in a driver.
    """

    film = ""
    sent: list[tuple[int, float]] = []  # noqa: RUF012 - of all cameras of the process

    def __init__(self, *_: object) -> None:
        self._jpegs = loop_jpegs(self.film)
        self._numbers = itertools.count()
        self._due_s: float | None = None
        self._waiting: deque[bytes] = deque()
        self._values: dict[int, float] = {
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"MJPG")),
            cv2.CAP_PROP_FPS: float(FPS),
            cv2.CAP_PROP_CONVERT_RGB: 1.0,
        }

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Returns True."""
        return True

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        """Returns the name of Linux's cameras."""
        return "V4L2"

    def get(self, prop: int) -> float:
        """Returns a value, 0 for one that was never set."""
        return self._values.get(prop, 0.0)

    def set(self, prop: int, value: float) -> bool:
        """Keeps a value. Returns True."""
        self._values[prop] = float(value)
        return True

    def _fill(self, now_s: float) -> None:
        """Takes what was due by now."""
        if self._due_s is None:
            self._due_s = now_s
        while self._due_s <= now_s:
            jpeg, number = next(self._jpegs), next(self._numbers)
            if len(self._waiting) < WAITING:
                self._waiting.append(jpeg)
                self.sent.append((number, self._due_s))
            self._due_s += 1 / FPS

    def grab(self) -> bool:
        """Waits until a picture is there. Returns True."""
        self._fill(time.monotonic())
        while not self._waiting:
            assert self._due_s is not None
            time.sleep(max(0.0, self._due_s - time.monotonic()))
            self._fill(time.monotonic())
        return True

    def retrieve(self) -> tuple[bool, Image]:
        """Gives the oldest picture."""
        data = np.frombuffer(self._waiting.popleft(), np.uint8)
        if not self._values[cv2.CAP_PROP_CONVERT_RGB]:
            return True, data[None]
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert image is not None
        return True, np.asarray(image, np.uint8)

    def read(self) -> tuple[bool, Image]:
        """Waits for a picture and gives it."""
        self.grab()
        return self.retrieve()

    def release(self) -> None:
        """Closes the film."""
        self._jpegs.close()  # type: ignore[attr-defined]  # it is a generator


class Watch:
    """Stands in for OpenCV's windows and notes what is shown."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._first_s: float | None = None
        self._begun: tuple[float, float] | None = None  # clock and processor, after the warm-up
        self._size_wh = (1, 1)
        self._last: int | None = None
        self.figures: dict[str, Any] | None = None  # JSON values
        self.shown: list[tuple[int, float]] = []
        self.unreadable = 0

    def show(self, title: str, canvas: Image) -> None:
        """Notes a canvas, as `cv2.imshow` gets it."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        if self._begun is None and now_s - self._first_s >= WARM_UP_S:
            self._begun = now_s, measure_processor_s()
        number = read_stamp(canvas)
        if self._begun is not None and self.figures is None:
            if number is None:
                self.unreadable += 1
            elif number != self._last:
                self.shown.append((number, now_s))
            if now_s - self._begun[0] >= self._seconds:
                self._finish(now_s)
        self._last = number

    def _finish(self, now_s: float) -> None:
        assert self._begun is not None
        resident_mb, peak_mb = measure_memory_mb()
        self.figures = {
            "seconds": now_s - self._begun[0],
            "processor_s": measure_processor_s() - self._begun[1],
            "resident_mb": resident_mb,
            "peak_mb": peak_mb,
            "shown": self.shown,
            "unreadable": self.unreadable,
            "sent": list(FilmCamera.sent),
        }

    def wait_key(self, wait_ms: int = 0) -> int:
        """Waits as `cv2.waitKeyEx` does. Returns q when all is measured."""
        time.sleep(max(1, wait_ms) / 1000)
        return ord("q") if self.figures is not None else -1

    def resize(self, title: str, width: int, height: int) -> None:
        """Keeps the size of the window."""
        self._size_wh = width, height

    def install(self) -> None:
        """Replaces OpenCV's windows."""
        replaced: dict[str, Any] = {  # functions of any shape
            "imshow": self.show,
            "waitKey": self.wait_key,
            "waitKeyEx": self.wait_key,
            "pollKey": lambda: self.wait_key(1),
            "resizeWindow": self.resize,
            "getWindowProperty": lambda title, prop: 1.0,
            "getWindowImageRect": lambda title: (0, 0, *self._size_wh),
            **dict.fromkeys(
                ("namedWindow", "destroyWindow", "destroyAllWindows", "moveWindow"),
                lambda *words: None,
            ),
        }
        for name, function in replaced.items():
            setattr(cv2, name, function)
        run = subprocess.run

        def answer_probe(words: Any, *rest: Any, **more: Any) -> Any:  # as of subprocess.run
            """Answers the program's question, put to another process, if windows open here."""
            if "namedWindow" in str(words):
                return subprocess.CompletedProcess(words, 0)
            return run(words, *rest, **more)

        setattr(subprocess, "run", answer_probe)  # noqa: B010 - types allow no assignment
        os.environ["DISPLAY"] = ":stand-in"


def main() -> int:
    """Runs the program. Returns its exit code; 1 where it has not shown enough."""
    path, seconds, film, words = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4:]
    sys.path.pop(0)  # this folder, so that `app` and `run_demo` come from PYTHONPATH
    watch = Watch(seconds)
    watch.install()
    if film != "-":
        FilmCamera.film = film
        setattr(cv2, "VideoCapture", FilmCamera)  # noqa: B010 - types allow no assignment
    limit = threading.Timer(seconds + LIMIT_S, os.kill, (os.getpid(), signal.SIGINT))
    limit.daemon = True
    limit.start()
    from run_demo import main as run_program

    code = int(run_program(words))
    limit.cancel()
    if watch.figures is None:
        print(f"Only {len(watch.shown)} pictures were shown in time.", file=sys.stderr)
        return code or 1
    path.write_text(json.dumps(watch.figures), encoding="utf-8")
    return 0 if code == INCOMPLETE else code


if __name__ == "__main__":
    sys.exit(main())
