"""The library's front door: pictures and streams of frames in, results out. docs/library.md is the
description for users."""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from app.defaults import find_model
from app.detection.search_pool import SharedSearch
from app.overlay.drawing import draw_result
from app.overlay.scene import HudMode
from app.pictures.reader import read_picture
from app.pipeline import Pipeline, build_pipeline
from app.recognition.classifier import DEFAULT_MODEL, Classifier, Device
from app.sources.latest_frame import LiveSource
from app.sources.video import VideoSource
from app.tracking.smoothing import SMOOTH_S
from app.tracking.tracker import Tracker
from app.types import Frame, FrameResult, Image, Mode, Silence


class Recogniser:
    """Finds faces and reads their expressions. A context manager; or call `close`.

    `model` is a shipped one's name ("default", "int8", "small", "small_int8") or an exported
    `.onnx` file; `device` "auto" takes CUDA where it works. `max_faces` keeps the largest;
    `far_faces` looks for small ones, too, which takes longer. In streams, readings are averaged
    over `smoothing_s` seconds. `prior_correction` says rare expressions more often
    (docs/doubt.md). `threads` are the classifier's, None: one per core, at most 4.

    One may be used from several threads, also while others iterate over streams of it: it holds
    nothing that a call changes, and what a stream remembers belongs to that stream. It belongs to
    the process that made it: in a fork of that, every use raises `DeviceError`.

    Raises `ModelError` and `DeviceError`; `ValueError` for a setting that cannot be.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        *,
        device: Device = "auto",
        max_faces: int | None = None,
        far_faces: bool = False,
        smoothing_s: float = SMOOTH_S,
        prior_correction: float = 0.0,
        threads: int | None = None,
    ) -> None:
        if max_faces is not None and max_faces < 1:
            raise ValueError(f"max_faces is at least 1, or None for all; got {max_faces}")
        Tracker(smooth_s=smoothing_s)  # says what is wrong with it before models are loaded
        self._smoothing_s = smoothing_s
        self._classifier = Classifier(
            find_model(os.fspath(model)),
            device=device,
            threads=threads,
            prior_correction=prior_correction,
        )
        self._search = SharedSearch(max_faces=max_faces, far_faces=far_faces)
        self._closed = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The K expressions that the model knows, in the order of all probabilities."""
        return self._classifier.labels

    @property
    def provider(self) -> str:
        """What runs the model: "CPU" or "CUDA"."""
        return self._classifier.provider

    def image(self, picture: str | os.PathLike[str] | Image) -> FrameResult:
        """The faces of one picture, which stands for itself: the path of a file, or an array uint8
        `(H, W, 3)` in OpenCV's BGR order. They are numbered from 1, the largest first.

        Raises `SourceError` for a file that cannot be read, `ValueError` for another array,
        `TypeError` for what is neither.
        """
        if isinstance(picture, np.ndarray):
            frame = Frame(_own(picture), 0, 0.0, "image")
        elif not isinstance(picture, str | os.PathLike):
            given = type(picture).__name__
            raise TypeError(f"a picture is the path of a file or an array, not {given}")
        else:
            path = Path(picture)
            frame = Frame(read_picture(path), 0, 0.0, path.name)
        self._check_open()
        return self._build(Mode.PICTURES).step(frame)

    def stream(
        self,
        frames: Iterable[Frame | Silence | tuple[Image, float]],
        *,
        name: str = "frames",
        live: bool | None = None,
    ) -> Iterator[FrameResult]:
        """A result for each frame of one stream, as they are asked for: people keep their
        `face_id`, and readings are steadied over time.

        `frames` is a `VideoSource`, `CameraSource` or `StreamSource`, or anything that gives
        `Frame`s or pairs of an array, as `image` takes it, and its time in seconds; those come in
        the order of their times, and their results say `name` for a source. What a live source
        says while it has no frame is passed over. A time before the last one, or a frame of another
        size, begins anew, with new people. `live`: frames are read while they are filmed, so the
        work on one of them is bounded however late it comes, and a late one cuts nothing; None: as
        `frames` says, which is yes for a `CameraSource` and a `StreamSource` alone. Else the first
        frame is searched whole, and so is one that comes more than a second after the one before.

        Raises what `frames` raises, and `ValueError` or `TypeError` for what is no frame.
        """
        self._check_open()
        is_live = isinstance(frames, LiveSource) if live is None else live
        pipeline = self._build(Mode.LIVE if is_live else Mode.FILE)
        return _results(pipeline, _frames(frames, name))

    def draw(self, result: FrameResult, mode: HudMode = "full") -> Image:
        """Returns a new picture uint8 (H, W, 3) BGR of the frame with what was read: "full" with
        bars, "boxes" with labels alone, "off" the frame as it is. The same result gives the same
        picture; `app.Overlay` draws a stream, where texts should stay in place. Raises `ValueError`
        for another mode, and for a picture without pixels."""
        return draw_result(result, mode)

    def close(self) -> None:
        """Frees the networks. May be called again."""
        self._closed = True
        self._search.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError(
            "a Recogniser cannot be sent to another process; make one there (docs/library.md)"
        )

    def _build(self, mode: Mode) -> Pipeline:
        """Faces come with their quality, because a `RecordsSink` may be given the results."""
        return build_pipeline(
            self._search,
            self._classifier,
            mode,
            smooth_s=self._smoothing_s,
            with_quality=True,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this recogniser is closed")


def _results(pipeline: Pipeline, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """A picture of another size has other coordinates, so nobody in it can be known again."""
    shape: tuple[int, ...] | None = None
    for frame in frames:
        if shape not in (None, frame.image.shape):
            pipeline.reset()
        shape = frame.image.shape
        yield pipeline.step(frame)


def _frames(frames: Iterable[Frame | Silence | tuple[Image, float]], name: str) -> Iterator[Frame]:
    index = 0
    fresh = isinstance(frames, VideoSource | LiveSource)  # each picture is an array of its own
    for given in frames:
        if isinstance(given, Silence):
            continue
        if isinstance(given, Frame):
            yield given if fresh else replace(given, image=_own(given.image))
            continue
        if not (isinstance(given, tuple) and len(given) == 2):
            raise TypeError(
                "frames are Frame or pairs (image, time in seconds), got "
                f"{type(given).__name__}; a single picture goes to image()"
            )
        image, time_s = _own(given[0]), float(given[1])
        if not math.isfinite(time_s):
            raise ValueError(f"a frame's time is a finite number of seconds, got {time_s}")
        yield Frame(image, index, time_s, name)
        index += 1


def _own(image: Image) -> Image:
    """A copy of `image`, whose pixels lie in order, for views of arrays do not suit every library.
    Results are kept, and whoever gave the picture may use its memory for the next one."""
    if not isinstance(image, np.ndarray):
        raise TypeError(f"an image is an array uint8 (H, W, 3), got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "an image is uint8 (H, W, 3) in BGR order, got "
            f"{image.dtype} {image.shape}; cv2.cvtColor converts"
        )
    return np.array(image, order="C")
