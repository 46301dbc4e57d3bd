"""The annotated video: H.264 that browsers play, unless another codec is asked for, at the source's
own times, with its sound."""

import contextlib
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from app.errors import SinkError
from app.files.atomic import make_write_error, reserve
from app.files.hidden import HiddenFile
from app.files.suffixes import read_suffix
from app.frames.to_bgr import letterbox
from app.frames.yuv_colour import BT709, LIMITED_RANGE, guess_colour_tags, to_yuv
from app.outputs.audio_copy import AudioCopy, list_tracks
from app.outputs.encoders import (
    MPEG4_TIME_BASE,
    Encoder,
    Encoding,
    build_context_settings,
    calm_threads,
    choose_encoding,
)
from app.types import FrameResult, Image

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
# Edit lists, which delay a sound that starts late, count in this; the default is milliseconds.
MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "90000"}
CAMERA_TIME_BASE = Fraction(1, 90_000)
CAMERA_RATE = Fraction(30)
MATROSKA_TIME_BASE = Fraction(1, 1000)  # its muxer, which is WebM's too, knows no other
MOST_MPEG4_TICKS = 65_535  # a second


class FilmedSource(Protocol):
    """What `VideoSink` needs of the video that is annotated; `VideoSource` has it."""

    @property
    def path(self) -> Path: ...
    @property
    def time_base(self) -> Fraction: ...
    @property
    def rate(self) -> Fraction: ...
    @property
    def has_audio(self) -> bool: ...
    @property
    def made_plain(self) -> bool: ...
    @property
    def origin_s(self) -> Fraction: ...
    @property
    def shifts_s(self) -> Sequence[Fraction]: ...
    @property
    def begins_s(self) -> Fraction: ...
    @property
    def frame_duration_s(self) -> float: ...
    @property
    def finished(self) -> bool: ...
    @property
    def cut_short(self) -> bool: ...
    @property
    def replaced(self) -> bool: ...


def check_video_format(path: Path) -> str:
    """FFmpeg's name for a file's kind. Raises `SinkError` for a suffix that is not written."""
    known = ", ".join(FORMATS)
    return FORMATS[
        read_suffix(path, FORMATS, f"is not a video that can be written. Use one of {known}.")
    ]


class VideoSink:
    """Writes each canvas as one frame at its frame's own time.

    `source_video` None stands for a camera: no sound, and frames come when they come. `size_wh` is
    that of the first canvas unless given; canvases of another size are fitted into it. When a run
    ends early, the sound ends with the pictures. Of a source that is read from `begins_s` on, that
    is where the copy begins. `threads` is for the encoder; None takes all cores. `encoding` None:
    what is usual in the file's kind. `encoder` says which one writes, once it does.
    """

    dropped = 0

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        size_wh: tuple[int, int] | None = None,
        source_video: FilmedSource | None = None,
        threads: int | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        path = Path(path)
        self._format = check_video_format(path)
        self._encoding = encoding or choose_encoding(None, None, self._format)
        self.encoder: dict[str, Any] | None = None
        self.path = path
        self._size_wh = size_wh
        self._source = source_video
        self._threads = threads
        inputs = () if source_video is None else (source_video.path,)
        reserve(path, overwrite=overwrite, inputs=inputs)
        try:
            self._partial = HiddenFile(path, overwrite=overwrite)
        except OSError as error:
            raise make_write_error(path, error) from error
        self._film: _Film | None = None
        self._done = False

    @property
    def warning(self) -> str | None:
        """What the sound lacks, in one line."""
        trouble = None if self._film is None else self._film.sound_trouble
        return trouble and f"In {self.path}, {trouble}."

    def write(self, result: FrameResult, canvas: Image) -> None:
        if self._done:
            raise SinkError(f"{self.path} is closed already.")
        try:
            if self._film is None:
                self._film = self._begin(self._size_wh or (canvas.shape[1], canvas.shape[0]))
            self._film.add(canvas, result.frame.time_s)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise make_write_error(self.path, error) from error

    def _begin(self, size_wh: tuple[int, int]) -> "_Film":
        """What worked in a trial may still refuse a size; then the fallback has its turn."""
        wanted = self._encoding
        try:
            film = self._film_of(size_wh, wanted)
        except (av.FFmpegError, OSError, ValueError):
            instead = wanted.fallen_back()
            if instead is None:
                raise
            wanted = instead
            film = self._film_of(size_wh, wanted)
        self.encoder = wanted.facts()
        return film

    def _film_of(self, size_wh: tuple[int, int], encoding: Encoding) -> "_Film":
        return _Film(
            self._partial.path, self._format, size_wh, self._source, self._threads, encoding
        )

    def close(self) -> None:
        if self._done:
            return
        if self._film is None:
            self.abort()
            raise SinkError(f"{self.path} got no frame, so it was not written.")
        try:
            self._film.complete()
            self._done = True
            self._partial.settle()
        except (av.FFmpegError, OSError, ValueError) as error:
            self._done = False
            self.abort()
            raise make_write_error(self.path, error) from error

    def abort(self) -> None:
        if self._done:
            return
        self._done = True
        if self._film is not None:
            self._film.abandon()
        self._partial.discard()


class _Film:
    """A file that is being written: the encoder, the sound beside it, and the container."""

    def __init__(
        self,
        path: Path,
        format_name: str,
        size_wh: tuple[int, int],
        source: FilmedSource | None,
        threads: int | None,
        encoding: Encoding,
    ) -> None:
        self._source = source
        encoder = encoding.encoder
        self._begins_s = Fraction(0) if source is None else source.begins_s
        self._size_wh = width, height = size_wh
        made_plain = source is not None and source.made_plain
        self._colour = BT709 if made_plain else guess_colour_tags(width, height)
        self._reformatter = VideoReformatter()
        self._time_base = CAMERA_TIME_BASE if source is None else source.time_base
        if format_name in ("matroska", "webm"):
            self._time_base = MATROSKA_TIME_BASE
        elif encoder.codec == "mpeg4" and self._time_base.denominator > MOST_MPEG4_TICKS:
            self._time_base = MPEG4_TIME_BASE
        self._held: tuple[VideoFrame, int] | None = None  # until the next says how long it lasts
        self._durations: dict[int, int] = {}  # pts -> ticks, of what the encoder has in hand
        self._last_duration = round(1 / CAMERA_RATE / self._time_base)
        self._sounds: list[AudioCopy] = []
        self._sounds_lost: list[str] = []
        self._container = av.open(
            str(path.absolute()),
            "w",
            format=format_name,
            container_options=MP4_OPTIONS if format_name in ("mp4", "mov") else {},
        )
        try:
            self._open(encoder, encoding.crf, threads)
        except BaseException:
            self.abandon()
            raise

    def _open(self, encoder: Encoder, crf: int | None, threads: int | None) -> None:
        source, (width, height) = self._source, self._size_wh
        rate = CAMERA_RATE if source is None else source.rate
        stream = self._container.add_stream(
            encoder.name,
            rate=rate,
            width=width + width % 2,
            height=height + height % 2,
            time_base=self._time_base,
            pix_fmt=encoder.pix_fmt,
            **build_context_settings(
                encoder, size_wh=self._size_wh, rate=rate, crf=crf, threads=threads
            ),
        )
        assert isinstance(stream, VideoStream)
        self._stream, self._pix_fmt = stream, encoder.pix_fmt
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = self._colour.tag
        context.color_range = LIMITED_RANGE
        if encoder.codec == "hevc" and self._container.format.name in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # the name by which Apple's players know it
        context.sample_aspect_ratio = Fraction(1)
        os.environ.setdefault("SVT_LOG", "0")
        context.open()  # before sound is begun, so that a refusal leaves nothing else behind
        calm_threads()
        if source is not None:
            self._open_sounds(source)

    def _open_sounds(self, source: FilmedSource) -> None:
        """Those that cannot be had are left out."""
        if source.replaced:  # it is opened by its name once more
            self._sounds_lost.append("the sound is missing, for its file was taken away")
            return
        try:
            numbers, count = list_tracks(source.path) if source.has_audio else ([], 0)
        except (av.FFmpegError, OSError, ValueError):
            self._sounds_lost.append("the sound cannot be read")
            return
        if len(numbers) < count:
            self._sounds_lost.append(f"{count - len(numbers)} sound tracks cannot be decoded")
        for number in numbers:
            try:
                sound = AudioCopy(
                    source.path,
                    self._container,
                    number=number,
                    origin_s=source.origin_s + self._begins_s,
                    cut=self._begins_s > 0,
                    shifts=lambda: source.shifts_s,
                )
            except (av.FFmpegError, OSError, ValueError):
                self._sounds_lost.append(f"sound track {number + 1} cannot be read")
            else:
                self._sounds.append(sound)

    @property
    def sound_trouble(self) -> str | None:
        found = [*self._sounds_lost, *(sound.trouble for sound in self._sounds)]
        return "; ".join(text for text in found if text) or None

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
        canvas = letterbox(canvas, self._size_wh)
        if width % 2 or height % 2:
            canvas = np.pad(canvas, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        return to_yuv(canvas, self._colour, self._reformatter, self._pix_fmt)

    def _encode(self, frame: VideoFrame, pts: int, duration: int) -> None:
        frame.pts, frame.time_base = pts, self._time_base
        self._durations[pts] = self._last_duration = duration
        self._mux_encoded(frame)
        for sound in self._sounds:
            sound.pump((pts + duration) * self._time_base)

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
        for sound in self._sounds:
            if source is not None and source.finished and not source.cut_short:
                sound.pump(None)  # a sound may well outlast the pictures
            sound.close()
        self._container.close()

    def abandon(self) -> None:
        self._held = None
        for sound in self._sounds:
            sound.close()
        with contextlib.suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
