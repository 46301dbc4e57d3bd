"""Offers the whole recogniser as one class: pictures and streams of frames in, results out.
docs/library.md describes the class for users."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Self, get_args

import numpy as np

from app.actions.reader import ActionReader
from app.contract import MAX_PRIOR_CORRECTION, Contract
from app.defaults import find_model
from app.detection.search_pool import SharedSearch
from app.episodes.sink import EpisodesSink
from app.errors import ModelError
from app.outputs.sink import ReadingsSink, Sink, check_sinks, close_all
from app.overlay.drawing import draw_result
from app.overlay.scene import HudMode
from app.overlay.stream_overlay import Overlay
from app.pictures.reader import read_picture
from app.pipeline import Pipeline, build_pipeline
from app.recognition.classifier import DEFAULT_MODEL, Classifier, Device, format_no_embedding
from app.records.writers import RecordsSink
from app.sources.latest_frame import LiveSource
from app.sources.video import VideoSource
from app.teaching.profile import check_profile_fits, find_profile, load_profile
from app.teaching.taught_face import TaughtFace
from app.tracking.smoothing import SMOOTHING_S
from app.tracking.tracker import Tracker
from app.types import Frame, FrameResult, Image, Mode, Silence


class Recogniser:
    """Finds faces and reads their expressions. A context manager; without `with`, call `close`.

    Several threads may use one recogniser, also while streams of it are read: no call changes the
    recogniser, and each stream has a memory of its own. A recogniser works only in the process that
    made it; in a fork of that process, every use raises `DeviceError`.

    Args:
        model: The name of a shipped model ("default", "int8", "small", "small_int8"), or an
            exported `.onnx` file.
        device: "cpu", "cuda", or "auto", which takes CUDA where it works.
        max_faces: The number of faces to read, the largest ones; None reads all.
        far_faces: True also looks for small faces, which takes longer.
        smoothing_s: The time in seconds, at least 0, over which the readings of a stream are
            averaged.
        prior_correction: Makes rare expressions more frequent, 0 not at all; None as much as the
            model's file says (docs/doubt.md).
        threads: The number of threads of the classifier; None: one per core, at most 4.
        actions: True also reads facial actions (`TrackedFace.actions`, docs/actions.md).
        embeddings: True also gives the embeddings of faces (`TrackedFace.embedding`,
            docs/library.md).
        profile: A file NAME.profile, or a name, whose correction one person of each stream gets
            (docs/teach.md). `image` does not use it.

    Raises:
        ModelError: A model is missing or cannot be used, or it has no embeddings and they are asked
            for.
        ProfileError: The profile is missing, damaged, or was taught with another model.
        DeviceError: The networks do not run here.
        ValueError: A setting is out of its range.
        TypeError: A setting is of another type.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        *,
        device: Device = "auto",
        max_faces: int | None = None,
        far_faces: bool = False,
        smoothing_s: float = SMOOTHING_S,
        prior_correction: float | None = None,
        threads: int | None = None,
        actions: bool = False,
        embeddings: bool = False,
        profile: str | os.PathLike[str] | None = None,
    ) -> None:
        _check_count("max_faces", max_faces, "all")
        _check_count("threads", threads, "one per core")
        if device not in get_args(Device):
            words = ", ".join(map(repr, get_args(Device)))
            raise ValueError(f"device is one of {words}; got {device!r}")
        if prior_correction is not None and not 0 <= prior_correction <= MAX_PRIOR_CORRECTION:
            raise ValueError(
                f"prior_correction is 0 to {MAX_PRIOR_CORRECTION:g}, or None for the model's own; "
                f"got {prior_correction}"
            )
        Tracker(smoothing_s=smoothing_s)  # raises for a wrong time before the models are loaded
        self._smoothing_s = smoothing_s
        self._classifier = Classifier(
            find_model(os.fspath(model)),
            device=device,
            threads=threads,
            prior_correction=prior_correction,
        )
        self._embeddings = embeddings
        if embeddings and self._classifier.embedding_dim is None:
            raise ModelError(format_no_embedding(self._classifier.path))
        self._profile = None if profile is None else load_profile(find_profile(os.fspath(profile)))
        if self._profile is not None:
            check_profile_fits(self._profile, self._classifier)
        self._search = SharedSearch(max_faces=max_faces, far_faces=far_faces)
        self._actions = ActionReader() if actions else None
        self._closed = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The K expressions of the model, in the order of all probabilities."""
        return self._classifier.labels

    @property
    def contract(self) -> Contract:
        """The promises of the model's file: its labels, calibration, origin, embedding."""
        return self._classifier.contract

    @property
    def sha256(self) -> str:
        """The SHA-256 of the model's file, in hexadecimal digits."""
        return self._classifier.sha256

    @property
    def provider(self) -> str:
        """The device that runs the model: "CPU" or "CUDA"."""
        return self._classifier.provider

    def image(self, picture: str | os.PathLike[str] | Image) -> FrameResult:
        """Reads the faces of one picture, which has nothing to do with other pictures.

        Args:
            picture: The path of a file, or an array uint8 (H, W, 3) in OpenCV's BGR order.

        Returns:
            The result, with faces numbered from 1, the largest first.

        Raises:
            SourceError: The file cannot be read.
            ValueError: The array has another type or shape, or the recogniser is closed.
            TypeError: `picture` is neither a path nor an array.
        """
        if isinstance(picture, np.ndarray):
            frame = Frame(_copy_image(picture), 0, 0.0, "image")
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
        exact: bool | None = None,
        sinks: Sequence[Sink] = (),
    ) -> Iterator[FrameResult]:
        """Reads the frames of one stream when their results are asked for.

        People keep their `face_id`, and readings are averaged over time. A time before the last
        one, or a frame of another size, starts the stream again, with new people. A `Silence` of a
        live source is left out.

        Args:
            frames: A `VideoSource`, `CameraSource` or `StreamSource`, or anything that gives
                `Frame`s, or pairs of an array, as `image` takes it, and its time in seconds. Frames
                come in the order of their times.
            name: The source that the results of pairs name.
            live: True for frames that are read while they are filmed: the work on one frame is
                bounded, however late the frame comes, and a late frame is no cut. With False, the
                first frame is searched as a whole, and so is a frame that comes more than a second
                after the one before. None: True for a `CameraSource` and a `StreamSource`, else
                False.
            exact: True looks at every face in every frame and reads it anew. With False, the frames
                of a file are read in groups of a tenth of a second, so `frames` is asked for some
                frames ahead, and faces that neither move nor change are interpolated; in a live
                stream, they move with the picture between two looks (docs/records.md). None: False
                for a `VideoSource` and where `live` is true, else True.
            sinks: Outputs that get each result before it is returned, and a canvas as `Overlay`
                draws it where one of them needs canvases. They are completed when the frames end or
                the iterator is closed, and aborted when an error comes from anywhere else.

        Returns:
            An iterator of one result for each frame. It also raises what `frames` and `sinks`
            raise.

        Raises:
            ValueError: An array or a time is none of a frame, or the recogniser is closed.
            TypeError: `frames` gives something else than frames, or one of `sinks` is no output.
        """
        self._check_open()
        sinks = tuple(sinks or ())
        check_sinks(sinks)
        is_live = _says_live(frames) if live is None else live
        if exact is None:
            exact = not (is_live or isinstance(frames, VideoSource))
        pipeline = self._build(Mode.LIVE if is_live else Mode.FILE, exact=exact)
        results = _read_results(pipeline, _read_frames(frames, name))
        return _write_results(results, sinks) if sinks else results

    def draw(self, result: FrameResult, mode: HudMode = "full") -> Image:
        """Draws a result onto its frame. The same result gives the same picture; `app.Overlay`
        draws a stream, in which texts stay in place.

        Args:
            result: The result of `image` or `stream`.
            mode: "full" draws boxes, labels and bars, "boxes" no bars, "off" nothing.

        Returns:
            A new picture, uint8 (H, W, 3) BGR.

        Raises:
            ValueError: The mode is another one, or the frame has no pixels.
        """
        return draw_result(result, mode)

    def close(self) -> None:
        """Frees the networks. A second call does nothing."""
        self._closed = True
        self._search.close()
        if self._actions is not None:
            self._actions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError(
            "a Recogniser cannot be sent to another process; make one there (docs/library.md)"
        )

    def _build(self, mode: Mode, *, exact: bool = False) -> Pipeline:
        """Builds a pipeline that measures the quality of every face, because a `RecordsSink` may be
        given the results."""
        return build_pipeline(
            self._search,
            self._classifier,
            mode,
            smoothing_s=self._smoothing_s,
            with_quality=True,
            exact=exact,
            actions=self._actions,
            with_embeddings=self._embeddings,
            taught=None
            if self._profile is None
            else TaughtFace(self.labels, self.contract.embedding, self._profile),
        )

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this recogniser is closed")


def _read_results(pipeline: Pipeline, frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Yields the results of a stream, which starts again at a frame of another size, because faces
    have other coordinates there."""
    size_wh: tuple[int, int] | None = None
    for frame in frames:
        if size_wh not in (None, frame.size_wh):
            pipeline.reset()
        size_wh = frame.size_wh
        yield from pipeline.feed(frame)
    yield from pipeline.flush()


def _write_results(results: Iterator[FrameResult], sinks: Sequence[Sink]) -> Iterator[FrameResult]:
    """Yields results that every sink has, and completes the sinks at the end."""
    takes_readings = all(
        isinstance(sink, ReadingsSink | RecordsSink | EpisodesSink) for sink in sinks
    )
    overlay = None if takes_readings else Overlay()
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.abort)  # which does nothing after `close`
        try:
            for result in results:
                canvas = result.picture if overlay is None else overlay.draw(result)
                for sink in sinks:
                    sink.write(result, canvas)
                yield result
        except GeneratorExit:  # the user wants no more results; those so far are whole
            pass
        if failures := close_all(sinks):
            raise failures[0]


def _says_live(frames: object) -> bool:
    """Asks a source whether it is live. Sources of users may say so by an attribute `live`."""
    mode = getattr(frames, "mode", None)
    return mode.is_live if isinstance(mode, Mode) else bool(getattr(frames, "live", False))


def _check_count(name: str, count: int | None, default: str) -> None:
    """Checks a setting that is a number of things, or None for `default`. Raises `ValueError` or
    `TypeError`."""
    if count is None:
        return
    if not isinstance(count, Integral) or isinstance(count, bool):
        raise TypeError(f"{name} is a whole number, or None for {default}; got {count!r}")
    if count < 1:
        raise ValueError(f"{name} is at least 1, or None for {default}; got {count}")


def _read_frames(
    frames: Iterable[Frame | Silence | tuple[Image, float]], name: str
) -> Iterator[Frame]:
    """Yields the frames of a stream, each with pixels that belong to it alone."""
    index = 0
    fresh = isinstance(frames, VideoSource | LiveSource)  # each picture is an array of its own
    for given in frames:
        if isinstance(given, Silence):
            continue
        if isinstance(given, Frame):
            yield given if fresh else replace(given, image=_copy_image(given.image))
            continue
        if not (isinstance(given, tuple) and len(given) == 2):
            raise TypeError(
                "frames are Frame or pairs (image, time in seconds), got "
                f"{type(given).__name__}; a single picture goes to image()"
            )
        image, time_s = _copy_image(given[0]), float(given[1])
        if not math.isfinite(time_s):
            raise ValueError(f"a frame's time is a finite number of seconds, got {time_s}")
        yield Frame(image, index, time_s, name)
        index += 1


def _copy_image(image: Image) -> Image:
    """Returns a copy of an image in C order.

    A copy, because results are kept while the caller may use the memory for the next picture; in C
    order, because not every library takes other views of arrays.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"an image is an array uint8 (H, W, 3), got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "an image is uint8 (H, W, 3) in BGR order, got "
            f"{image.dtype} {image.shape}; cv2.cvtColor converts"
        )
    return np.array(image, order="C")
