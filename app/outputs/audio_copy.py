"""Copies the audio of a video into its annotated copy: the same bits where the container allows it,
else encoded again.

No fault of an audio track costs the pictures or the records. Audio that cannot be read, decoded or
held is left out and named in `AudioCopy.trouble`. Only a full disk is an error here.
"""

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from app.outputs.audio_clock import SampleClock
from app.outputs.audio_formats import (
    MONO_BITS_PER_S,
    STEREO_BITS_PER_S,
    choose_encoder,
    may_copy,
    takes_packets,
)
from app.outputs.audio_times import AudioTimes
from app.sources.video_container import open_container, read_packets

if TYPE_CHECKING:
    from av.stream import Stream

    AudioPacket: TypeAlias = Packet[AudioStream] | Packet[Stream]
else:  # PyAV's classes are generic for type checkers alone
    AudioPacket = Packet

MAX_TRIED = 3  # packets that a container must take before a track is copied into it
MAX_LOST_IN_A_ROW = 200  # packets that a container refuses, before the track is given up
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
USUAL_PACKET_S = 0.02  # of a codec that does not say how many samples a packet holds
USUAL_FRAME_SAMPLES = 1024  # of a decoder that does not say


def list_tracks(path: Path) -> tuple[list[int], int]:
    """Lists the audio tracks of a video file that can be read, each by its index among all audio
    tracks, and counts all. Raises `av.FFmpegError` and `OSError`."""
    with open_container(path) as container:
        tracks = container.streams.audio
        readable = [number for number, s in enumerate(tracks) if s.codec_context is not None]
        return readable, len(tracks)


class AudioCopy:
    """Feeds one audio track into an output file, in step with the pictures.

    The video file is opened a second time, so that neither pictures nor audio must be stored while
    the other is behind.

    Args:
        path: The video file.
        output: The file that is written.
        number: The index of the track among the audio tracks.
        origin_s: The time in the file at which the pictures of the copy begin.
        cut: Whether audio that ends before the pictures begin is left out.
        shifts: Gives the seconds by which the pictures so far were moved, for each place where the
            file's times restart. The audio is moved by the same.

    Raises:
        av.FFmpegError, OSError, ValueError: The track cannot be read, or the output refuses it.
    """

    def __init__(
        self,
        path: Path,
        output: OutputContainer,
        *,
        number: int = 0,
        origin_s: Fraction,
        cut: bool = False,
        shifts: Callable[[], Sequence[Fraction]] = tuple,
    ) -> None:
        self._output = output
        self._cut = cut
        self._times = AudioTimes(origin_s, shifts)
        self._broken: str | None = None
        self._lost = self._lost_in_a_row = 0
        self._first: list[AudioPacket] = []  # packets that were read ahead
        self._input = open_container(path)
        try:
            self._from = self._input.streams.audio[number]
            for other in self._input.streams:
                if other is not self._from:
                    other.discard = av.stream.Discard.all
            self._packets = self._copy() if self._can_be_copied() else self._transcode()
        except BaseException:
            self._input.close()
            raise
        self._waiting: AudioPacket | None = None
        self._last_dts: int | None = None

    @property
    def trouble(self) -> str | None:
        """The missing part of the audio, in words for users; None where nothing is missing."""
        if self._broken is not None:
            return f"the sound ends at {float(self._times.end_s):.1f} s ({self._broken})"
        if self._lost:
            parts = "1 damaged part" if self._lost == 1 else f"{self._lost} damaged parts"
            return f"{parts} of the sound left out"
        return None

    def pump(self, until_s: Fraction | None) -> None:
        """Writes the audio that begins before `until_s`, in the copy's time; None: all the rest.
        Raises `av.FFmpegError` or `OSError` for a full disk."""
        self._times.until_s = until_s
        while self._broken is None:
            packet, self._waiting = self._waiting, None
            if packet is None:
                try:
                    packet = next(self._packets)
                except StopIteration:
                    return
                except Exception as error:
                    self._broken = _explain(error)
                    return
            if packet is None:  # the pictures have not reached the place where times restart
                return
            assert packet.pts is not None
            assert packet.time_base is not None
            start_s = packet.pts * packet.time_base
            if until_s is not None and start_s >= until_s:
                self._waiting = packet
                return
            dts, last = packet.dts, self._last_dts
            if last is not None and dts is not None and dts <= last:
                packet.dts = last + 1  # a damaged file; muxers take rising times alone
                packet.pts = max(packet.pts, packet.dts)
            self._last_dts = packet.dts
            end_s = start_s + (packet.duration or 0) * packet.time_base
            self._times.end_s = max(self._times.end_s, end_s)
            self._mux(packet)

    def _mux(self, packet: AudioPacket) -> None:
        try:
            self._output.mux(packet)
            self._lost_in_a_row = 0
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, av.FFmpegError | OSError) and error.errno in FULL_DISK:
                raise
            self._lost += 1
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= MAX_LOST_IN_A_ROW:
                self._broken = _explain(error)

    def _read(self) -> Iterator[AudioPacket]:
        # Damage ends the audio where it cannot be read any further. The pictures tell the user.
        with contextlib.suppress(av.FFmpegError):
            yield from read_packets(self._input, self._from)

    # Copying

    def _can_be_copied(self) -> bool:
        """Returns whether the container may hold such audio, and takes it."""
        if not may_copy(self._from.codec_context.codec.canonical_name, self._output):
            return False
        self._first = [packet for packet in islice(self._read(), MAX_TRIED) if packet.size]
        return takes_packets(self._output.format.name, self._from, self._first)

    def _copy(self) -> Iterator[AudioPacket | None]:
        to = self._output.add_stream_from_template(self._from)
        self._describe(to)
        return self._shift(to)

    def _must_begin_at_zero(self, to: AudioStream) -> bool:
        """Returns whether no packet may lie before the start. Decoders need a lead that is not
        heard. MP4 hides it with edit lists, and Opus has a setting for it; in other containers it
        would move the pictures."""
        has_edit_lists = self._output.format.name in ("mp4", "mov")
        is_opus = to.codec_context.codec.canonical_name == "opus"
        return self._cut or not (has_edit_lists or is_opus)

    def _describe(self, to: AudioStream) -> None:
        """Copies the track's language and title, and whether players choose it by default."""
        for word in ("language", "title"):
            if word in self._from.metadata:
                to.metadata[word] = self._from.metadata[word]
        to.disposition = self._from.disposition

    def _shift(self, to: AudioStream) -> Iterator[AudioPacket | None]:
        """Yields the packets at their times in the copy; None while the next time is unknown."""
        clock = SampleClock(self._from)
        base = clock.own
        whole = (packet for packet in chain(self._first, self._read()) if packet.size)
        own = ((p.pts if p.pts is not None else p.dts, p) for p in whole)
        samples = self._from.codec_context.frame_size or 0
        usual_s = Fraction(samples, clock.rate_hz) or USUAL_PACKET_S
        for start_s, packet, is_restarted in self._times.place(own, base, usual_s):
            if packet is None:
                yield None
                continue
            known_s = clock.get_duration(packet.duration) * clock.time_base
            if self._times.overlaps_earlier(start_s, known_s, is_restarted):
                continue
            start, duration = clock.take(start_s, packet.duration)
            if start < 0 and self._must_begin_at_zero(to):
                if 2 * start + duration < 0:  # most of the packet lies before the start
                    continue
                start = 0
            packet.pts = packet.dts = start
            packet.duration = duration
            packet.time_base = clock.time_base
            packet.stream = to
            yield packet

    # Encoding again

    def _transcode(self) -> Iterator[AudioPacket | None]:
        codec, rate_hz, layout = choose_encoder(self._output.format.name, self._from.codec_context)
        to = self._output.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(to, AudioStream)
        to.codec_context.bit_rate = MONO_BITS_PER_S if layout == "mono" else STEREO_BITS_PER_S
        self._describe(to)
        return self._encode(to, layout, rate_hz)

    def _encode(self, to: AudioStream, layout: str, rate_hz: int) -> Iterator[AudioPacket | None]:
        resampler = _make_resampler(to, layout, rate_hz)
        shape = None
        heard = self._from.codec_context
        base = Fraction(1, heard.sample_rate or rate_hz)
        usual_s = base * (heard.frame_size or USUAL_FRAME_SAMPLES)
        for start_s, frame, is_restarted in self._times.place(self._decode(base), base, usual_s):
            if frame is None:
                yield None
                continue
            duration_s = Fraction(frame.samples, frame.sample_rate)
            if self._times.overlaps_earlier(start_s, duration_s, is_restarted) or (
                self._cut and start_s < 0
            ):
                continue
            before, shape = shape, (frame.format.name, frame.layout.name, frame.sample_rate)
            if before not in (None, shape):  # broadcasts change between programmes
                resampler = _make_resampler(to, layout, rate_hz)
            frame.time_base = Fraction(1, frame.sample_rate)
            frame.pts = round(start_s / frame.time_base)
            for resampled in resampler.resample(frame):
                yield from to.encode(resampled)
        for resampled in resampler.resample(None):
            yield from to.encode(resampled)
        yield from to.encode(None)

    def _decode(self, base: Fraction) -> Iterator[tuple[int | None, AudioFrame]]:
        for packet in chain(self._first, self._read()):
            try:
                frames = self._from.decode(packet)
            except av.FFmpegError:
                self._lost += 1
                continue
            for frame in frames:
                own = None
                if frame.pts is not None and frame.time_base:
                    own = round(frame.pts * frame.time_base / base)
                yield own, frame

    def close(self) -> None:
        """Closes the video file."""
        self._packets = iter(())
        self._waiting = None
        self._input.close()


def _make_resampler(to: AudioStream, layout: str, rate_hz: int) -> AudioResampler:
    kind = "flt" if to.codec_context.name == "libopus" else "fltp"
    return AudioResampler(kind, layout, rate_hz)


def _explain(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, av.FFmpegError | OSError) else None
    return strerror or str(error) or type(error).__name__
