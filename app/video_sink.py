"""The annotated video: H.264 that browsers play, at the source's own times, with its sound."""

import contextlib
import os
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from app.colour import LIMITED_RANGE, implied_colour, to_yuv420p
from app.raw_picture import letterboxed
from app.sinks import reserve, unwritable
from app.sound import Sound
from app.types import FrameResult, Image, SinkError

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
# Without B-frames decoding order is showing order, and each sample lasts exactly as long as its
# frame; with them, containers keep the durations of variable rate only approximately.
ENCODER_OPTIONS = {"crf": "20", "preset": "veryfast", "bf": "0"}
# Edit lists, which delay a sound that starts late, count in this; the default is milliseconds.
MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "90000"}
CAMERA_TIME_BASE = Fraction(1, 90_000)
CAMERA_RATE = Fraction(30)
MATROSKA_TIME_BASE = Fraction(1, 1000)  # its muxer knows no other


class FilmedSource(Protocol):
    """What `VideoSink` needs of the video that is annotated; `VideoSource` has it."""

    @property
    def path(self) -> Path: ...
    @property
    def time_base(self) -> Fraction: ...
    @property
    def rate(self) -> Fraction: ...
    @property
    def pixel_aspect(self) -> Fraction: ...
    @property
    def has_audio(self) -> bool: ...
    @property
    def origin_s(self) -> Fraction: ...
    @property
    def begins_s(self) -> Fraction: ...
    @property
    def frame_duration_s(self) -> float: ...
    @property
    def finished(self) -> bool: ...
    @property
    def warning(self) -> str | None: ...


class VideoSink:
    """Writes each canvas as one frame at its frame's own time.

    `source_video` None stands for a camera: no sound, and frames come when they come. `size_wh` is
    that of the first canvas unless given; canvases of another size are fitted into it. When a run
    ends early, the sound ends with the pictures. Of a source that is read from `begins_s` on, that
    is where the copy begins. `threads` is for the encoder; None takes all cores.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        size_wh: tuple[int, int] | None = None,
        source_video: FilmedSource | None = None,
        threads: int | None = None,
    ) -> None:
        path = Path(path)
        if path.suffix.lower() not in FORMATS:
            known = ", ".join(FORMATS)
            raise SinkError(f"{path} is not a video that can be written. Use one of {known}.")
        self.path = path
        self._size_wh = size_wh
        self._source = source_video
        self._threads = threads
        inputs = () if source_video is None else (source_video.path,)
        self._partial = reserve(path, overwrite=overwrite, inputs=inputs)
        self._film: _Film | None = None
        self._done = False

    def write(self, result: FrameResult, canvas: Image) -> None:
        if self._done:
            raise SinkError(f"{self.path} is closed already.")
        try:
            if self._film is None:
                height, width = canvas.shape[:2]
                format_name = FORMATS[self.path.suffix.lower()]
                size_wh = self._size_wh or (width, height)
                self._film = _Film(self._partial, format_name, size_wh, self._source, self._threads)
            self._film.add(canvas, result.frame.time_s)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        if self._done:
            return
        if self._film is None:
            self.abort()
            raise SinkError(f"{self.path} got no frame, so it was not written.")
        try:
            self._film.complete()
            os.replace(self._partial, self.path)
            self._done = True
        except (av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise unwritable(self.path, error) from error

    def abort(self) -> None:
        if self._done:
            return
        self._done = True
        if self._film is not None:
            self._film.abandon()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)


class _Film:
    """A file that is being written: the encoder, the sound beside it, and the container."""

    def __init__(
        self,
        path: Path,
        format_name: str,
        size_wh: tuple[int, int],
        source: FilmedSource | None,
        threads: int | None,
    ) -> None:
        self._source = source
        self._begins_s = Fraction(0) if source is None else source.begins_s
        self._size_wh = width, height = size_wh
        self._colour = implied_colour(width, height)
        self._reformatter = VideoReformatter()
        self._time_base = CAMERA_TIME_BASE if source is None else source.time_base
        if format_name == "matroska":
            self._time_base = MATROSKA_TIME_BASE
        self._held: tuple[VideoFrame, int] | None = None  # until the next says how long it lasts
        self._durations: dict[int, int] = {}  # pts -> ticks, of what the encoder has in hand
        self._last_duration = round(1 / CAMERA_RATE / self._time_base)
        self._container = av.open(
            str(path.absolute()),
            "w",
            format=format_name,
            container_options={} if format_name == "matroska" else MP4_OPTIONS,
        )
        self._stream = self._container.add_stream(
            "libx264",
            rate=CAMERA_RATE if source is None else source.rate,
            options=ENCODER_OPTIONS | ({} if threads is None else {"threads": str(threads)}),
            width=width + width % 2,
            height=height + height % 2,
            time_base=self._time_base,
            pix_fmt="yuv420p",
        )
        context = self._stream.codec_context
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = self._colour.tag
        context.color_range = LIMITED_RANGE
        self._sound: Sound | None = None
        if source is not None:
            context.sample_aspect_ratio = source.pixel_aspect
            if source.has_audio:
                self._sound = Sound(
                    source.path,
                    self._container,
                    origin_s=source.origin_s + self._begins_s,
                    cut=self._begins_s > 0,
                )

    def add(self, canvas: Image, time_s: float) -> None:
        frame = self._encodable(canvas)
        pts = max(0, round((time_s - float(self._begins_s)) / self._time_base))
        if self._held is not None:
            held, held_pts = self._held
            pts = max(pts, held_pts + 1)  # two times within one tick
            self._encode(held, held_pts, pts - held_pts)
        self._held = frame, pts

    def _encodable(self, canvas: Image) -> VideoFrame:
        """Padded by repeating the last column and row, because 4:2:0 needs even sides."""
        width, height = self._size_wh
        canvas = letterboxed(canvas, self._size_wh)
        if width % 2 or height % 2:
            canvas = np.pad(canvas, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        return to_yuv420p(canvas, self._colour, self._reformatter)

    def _encode(self, frame: VideoFrame, pts: int, duration: int) -> None:
        frame.pts, frame.time_base = pts, self._time_base
        self._durations[pts] = self._last_duration = duration
        self._mux_encoded(frame)
        if self._sound is not None:
            self._sound.pump((pts + duration) * self._time_base)

    def _mux_encoded(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            # The encoder would give every packet the average one.
            packet.duration = self._durations.pop(packet.pts or 0, packet.duration)
            self._container.mux(packet)

    def complete(self) -> None:
        source = self._source
        if self._held is not None:
            held, pts = self._held
            self._held = None
            duration = self._last_duration
            if source is not None:
                duration = max(1, round(source.frame_duration_s / self._time_base))
            self._encode(held, pts, duration)
        self._mux_encoded(None)
        if self._sound is not None and source is not None:
            if source.finished and source.warning is None:
                self._sound.pump(None)  # a sound may well outlast the pictures
            self._sound.close()
        self._container.close()

    def abandon(self) -> None:
        self._held = None
        if self._sound is not None:
            self._sound.close()
        with contextlib.suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
