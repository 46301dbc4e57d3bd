"""Writes the file of an annotated video: encodes the pictures and muxes them with the audio."""

import contextlib
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from app.frames.yuv_colour import BT709, LIMITED_RANGE, ColourTags, guess_colour_tags
from app.outputs.audio_copy import AudioCopy, list_tracks
from app.outputs.encoder_trial import calm_threads
from app.outputs.encoders import MPEG4_TIME_BASE, Encoder, Encoding, build_context_settings
from app.outputs.film_pictures import FilmPictures
from app.overlay.drawing import Drawing
from app.types import Image

# Edit lists, which delay audio that starts late, count in these ticks; milliseconds by default.
MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "90000"}
CAMERA_TIME_BASE = Fraction(1, 90_000)
CAMERA_RATE = Fraction(30)  # frames per second, for the encoder; frames have times of their own
MATROSKA_TIME_BASE = Fraction(1, 1000)  # the only one that its muxer, also WebM's, knows
MAX_MPEG4_TICKS = 65_535  # per second


class FilmedSource(Protocol):
    """The source video of a film: the part of `app.sources.video.VideoSource` that it needs."""

    @property
    def path(self) -> Path:
        """The file, from which the audio is copied."""

    @property
    def time_base(self) -> Fraction:
        """The seconds of a tick."""

    @property
    def rate(self) -> Fraction:
        """The frames per second on average."""

    @property
    def has_audio(self) -> bool:
        """True if the file has sound that can be copied."""

    @property
    def made_plain(self) -> bool:
        """True if the colours of the file were made into those of BT.709."""

    @property
    def origin_s(self) -> Fraction:
        """The time in the file, in seconds, from which `Frame.time_s` counts."""

    def list_shifts_s(self, until_s: float) -> Sequence[Fraction]:
        """Lists the seconds added to the file's times where they begin anew, one for each such
        place up to the frame at `until_s`. Frames behind it may have been read already."""

    @property
    def begins_s(self) -> Fraction:
        """The start of the selection in seconds."""

    @property
    def frame_duration_s(self) -> float:
        """The seconds for which the last delivered frame is shown."""

    @property
    def finished(self) -> bool:
        """True if all that can be read was gone through."""

    @property
    def cut_short(self) -> bool:
        """True if the file ought to have more than came out."""

    @property
    def replaced(self) -> bool:
        """True if the name of the file leads to another file, or nowhere, by now."""


class Film:
    """A video file that is being written: the encoder, the audio tracks and the container.

    Args:
        path: The file, which is replaced.
        format_name: FFmpeg's name of the container.
        size_wh: The size of the pictures, px.
        colour: The colours in which the pictures are stored; None: those that players expect of
            this size.
        source: The source video, for times and audio; None for a camera.
        threads: The most threads that the encoder may take; None: as many as there are cores.
        encoding: The encoder and quality.

    Raises:
        av.FFmpegError, OSError, ValueError: The encoder does not open for this video, or the file
            cannot be written. Nothing stays open then.
    """

    def __init__(
        self,
        path: Path,
        format_name: str,
        size_wh: tuple[int, int],
        colour: ColourTags | None,
        source: FilmedSource | None,
        threads: int | None,
        encoding: Encoding,
    ) -> None:
        self._source = source
        encoder = encoding.encoder
        self._begins_s = Fraction(0) if source is None else source.begins_s
        self._size_wh = width, height = size_wh
        made_plain = source is not None and source.made_plain
        self._colour = colour or (BT709 if made_plain else guess_colour_tags(width, height))
        self._pictures = FilmPictures(size_wh, self._colour, encoder.pix_fmt)
        self._time_base = CAMERA_TIME_BASE if source is None else source.time_base
        if format_name in ("matroska", "webm"):
            self._time_base = MATROSKA_TIME_BASE
        elif encoder.codec == "mpeg4" and self._time_base.denominator > MAX_MPEG4_TICKS:
            self._time_base = MPEG4_TIME_BASE
        self._held: tuple[VideoFrame, int] | None = None  # until the next frame ends its duration
        self._at_s = 0.0  # the time of the last frame in the source
        self._durations: dict[int, int] = {}  # pts -> ticks, of frames that are being encoded
        self._last_duration = round(1 / CAMERA_RATE / self._time_base)
        self._tracks: list[AudioCopy] = []
        self._lost_tracks: list[str] = []
        self._container = av.open(
            str(path.absolute()),
            "w",
            format=format_name,
            container_options=MP4_OPTIONS if format_name in ("mp4", "mov") else {},
        )
        try:
            self._open_encoder(encoder, encoding.crf, threads)
            if source is not None:
                self._open_tracks(source)
        except BaseException:
            self.abandon()
            raise

    def _open_encoder(self, encoder: Encoder, crf: int | None, threads: int | None) -> None:
        source, (width, height) = self._source, self._size_wh
        rate = CAMERA_RATE if source is None else source.rate
        settings = build_context_settings(
            encoder, size_wh=self._size_wh, rate=rate, crf=crf, threads=threads
        )
        stream = self._container.add_stream(
            encoder.name,
            rate=rate,
            options=settings.options,
            width=width + width % 2,
            height=height + height % 2,
            time_base=self._time_base,
            pix_fmt=encoder.pix_fmt,
        )
        assert isinstance(stream, VideoStream)
        self._stream, self._pix_fmt = stream, encoder.pix_fmt
        context = stream.codec_context
        if settings.bit_rate is not None:
            context.bit_rate = settings.bit_rate
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = self._colour.tag
        context.color_range = LIMITED_RANGE
        if encoder.codec == "hevc" and self._container.format.name in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # the tag that Apple's players need
        context.sample_aspect_ratio = Fraction(1)
        os.environ.setdefault("SVT_LOG", "0")
        context.open()  # before the audio is opened, so that a refusal leaves nothing else behind
        calm_threads()

    def _open_tracks(self, source: FilmedSource) -> None:
        """Opens the audio tracks. Those that cannot be read are left out and noted."""
        if source.replaced:  # the audio is read from the file's name
            self._lost_tracks.append("the sound is missing, for its file was taken away")
            return
        try:
            numbers, count = list_tracks(source.path) if source.has_audio else ([], 0)
        except (av.FFmpegError, OSError, ValueError):
            self._lost_tracks.append("the sound cannot be read")
            return
        if len(numbers) < count:
            self._lost_tracks.append(f"{count - len(numbers)} sound tracks cannot be decoded")
        for number in numbers:
            try:
                track = AudioCopy(
                    source.path,
                    self._container,
                    number=number,
                    origin_s=source.origin_s + self._begins_s,
                    cut=self._begins_s > 0,
                    shifts=lambda: source.list_shifts_s(self._at_s),
                )
            except (av.FFmpegError, OSError, ValueError):
                self._lost_tracks.append(f"sound track {number + 1} cannot be read")
            else:
                self._tracks.append(track)

    @property
    def audio_trouble(self) -> str | None:
        """The missing part of the audio, in words for users; None where nothing is missing."""
        troubles = [*self._lost_tracks, *(track.trouble for track in self._tracks)]
        return "; ".join(text for text in troubles if text) or None

    def add(self, canvas: Image, time_s: float) -> None:
        """Adds a canvas, uint8 `(H, W, 3)` BGR, as the frame at `time_s` of the source."""
        self._add(self._pictures.convert(canvas), time_s)

    def add_drawing(self, drawing: Drawing) -> None:
        """Adds a drawing as the frame at the time of its result."""
        self._add(self._pictures.compose(drawing), drawing.result.frame.time_s)

    def _add(self, frame: VideoFrame, time_s: float) -> None:
        self._at_s = time_s
        pts = max(0, round((time_s - float(self._begins_s)) / self._time_base))
        if self._held is not None:
            held, held_pts = self._held
            pts = max(pts, held_pts + 1)  # where both times lie within one tick
            self._encode(held, held_pts, pts - held_pts)
        self._held = frame, pts

    def _encode(self, frame: VideoFrame, pts: int, duration: int) -> None:
        frame.pts, frame.time_base = pts, self._time_base
        self._durations[pts] = self._last_duration = duration
        self._mux_encoded(frame)
        for track in self._tracks:
            track.pump((pts + duration) * self._time_base)

    def _mux_encoded(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            # The encoder gives every packet the average duration.
            packet.duration = self._durations.pop(packet.pts or 0, packet.duration)
            self._container.mux(packet)

    def complete(self) -> None:
        """Writes what is still held, and closes the file. If the source was read to its end, the
        audio may last longer than the pictures; else it ends with them."""
        source = self._source
        if self._held is not None:
            held, pts = self._held
            self._held = None
            duration = self._last_duration
            if source is not None:
                duration = max(1, round(source.frame_duration_s / self._time_base))
            self._encode(held, pts, duration)
        self._mux_encoded(None)
        for track in self._tracks:
            if source is not None and source.finished and not source.cut_short:
                track.pump(None)
            track.close()
        self._container.close()

    def abandon(self) -> None:
        """Closes the file without completing it."""
        self._held = None
        for track in self._tracks:
            track.close()
        with contextlib.suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()
