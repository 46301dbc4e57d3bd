"""The sound of a video for its annotated copy: the same bits, where the copy can hold them.

No fault of a sound track is worth the pictures or the records: what cannot be read, decoded or held
is left out and said in `trouble`. Only a disk that takes no more is an error here.
"""

import contextlib
import errno
import io
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from app.frames.av_versions import to_fraction
from app.sources.frame_times import FrameTimes
from app.sources.video_container import open_container, read_packets

# What players of each container can be expected to play; anything else becomes AAC.
COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "vorbis"}),
}
ELSE = {"webm": "libopus"}  # what the others become there; AAC elsewhere
OPUS_RATE_HZ = 48_000
AAC_RATES_HZ = frozenset(
    {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
)
TRIED = 3  # packets that a container gets to see before it is trusted with a track
MOST_LOST = 200  # packets in a row that a container may refuse
JUMP_S = 1.0  # a longer step forward is compared with what comes behind it
APART_S = 2.0  # pictures and sound whose times begin anew do so within this
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})

T = TypeVar("T")


def list_tracks(path: Path) -> tuple[list[int], int]:
    """The sound tracks that can be read, by their place among the sound tracks, and how many
    there are in all."""
    with open_container(path) as container:
        sounds = container.streams.audio
        readable = [number for number, s in enumerate(sounds) if s.codec_context is not None]
        return readable, len(sounds)


class AudioCopy:
    """Feeds a sound track of `path` (`number` counts its sound tracks) into `output`, in step with
    the pictures.

    It reads the file once more, on its own, so that neither side has to store what the other
    is not ready for. Times are shifted by `origin_s`, as those of the pictures are; `cut`: what is
    over by then is left out. Where the file's times begin anew, the sound is moved by what the
    pictures are moved by: `shifts` gives those of the pictures so far, in seconds.
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
        self._origin_s = origin_s
        self._shifts = shifts
        self._until_s: Fraction | None = None
        self._broken: str | None = None
        self._lost = self._lost_in_a_row = 0
        self._end_s = Fraction(0)  # of what was written
        self._first: list[Any] = []  # packets that were read ahead
        self._input = open_container(path)
        try:
            self._from = self._input.streams.audio[number]
            for other in self._input.streams:
                if other is not self._from:
                    other.discard = av.stream.Discard.all
            self._packets = self._copied() if self._can_be_copied() else self._transcoded()
        except BaseException:
            self._input.close()
            raise
        self._waiting: Any = None
        self._last_dts: int | None = None

    @property
    def trouble(self) -> str | None:
        """What is missing, None where nothing is."""
        if self._broken is not None:
            return f"the sound ends at {float(self._end_s):.1f} s ({self._broken})"
        if self._lost:
            parts = "1 damaged part" if self._lost == 1 else f"{self._lost} damaged parts"
            return f"{parts} of the sound left out"
        return None

    def pump(self, until_s: Fraction | None) -> None:
        """Writes what begins before `until_s`; None: all the rest. Raises `av.FFmpegError` where
        the disk is full."""
        self._until_s = until_s
        while self._broken is None:
            packet, self._waiting = self._waiting, None
            if packet is None:
                try:
                    packet = next(self._packets)
                except StopIteration:
                    return
                except Exception as error:
                    self._broken = _reason(error)
                    return
            if packet is None:  # the pictures have not come to where times begin anew
                return
            start_s = packet.pts * packet.time_base
            if until_s is not None and start_s >= until_s:
                self._waiting = packet
                return
            if self._last_dts is not None and packet.dts <= self._last_dts:
                packet.dts = self._last_dts + 1  # a damaged file; muxers insist on order
                packet.pts = max(packet.pts, packet.dts)
            self._last_dts = packet.dts
            self._end_s = max(self._end_s, start_s + (packet.duration or 0) * packet.time_base)
            self._mux(packet)

    def _mux(self, packet: Any) -> None:
        try:
            self._output.mux(packet)
            self._lost_in_a_row = 0
        except (av.FFmpegError, OSError, ValueError) as error:
            if getattr(error, "errno", None) in FULL:
                raise
            self._lost += 1
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= MOST_LOST:
                self._broken = _reason(error)

    def _read(self) -> Iterator[Any]:
        # Damage ends the sound where it cannot be read any further; the pictures tell the user.
        with contextlib.suppress(av.FFmpegError):
            yield from read_packets(self._input, self._from)

    # As it is

    def _can_be_copied(self) -> bool:
        """Whether the container is to hold such sound, and takes it."""
        allowed = COPIED.get(self._output.format.name) or self._output.supported_codecs
        if self._from.codec_context.codec.canonical_name not in allowed:
            return False
        self._first = first = [packet for packet in islice(self._read(), TRIED) if packet.size]
        try:
            with av.open(io.BytesIO(), "w", format=self._output.format.name) as trial:
                to = trial.add_stream_from_template(self._from)
                for number, packet in enumerate(first):
                    tried = Packet(bytes(packet))
                    tried.pts = tried.dts = number * max(1, packet.duration or 1)
                    tried.time_base, tried.stream = packet.time_base, to
                    with contextlib.suppress(av.error.InvalidDataError):
                        trial.mux(tried)  # damaged inside, which is no fault of the container
        except (av.FFmpegError, OSError, ValueError):
            return False
        return bool(first)

    def _copied(self) -> Iterator[Any]:
        to = self._output.add_stream_from_template(self._from)
        self._name(to)
        return self._shifted(to)

    def _begins_at_nought(self, to: AudioStream) -> bool:
        """Whether nothing may be there before the start. MP4 has edit lists for what decoders need
        but nobody hears; other containers would move the pictures, but for Opus' own lead."""
        lists = self._output.format.name in ("mp4", "mov")
        return self._cut or not (lists or to.codec_context.codec.canonical_name == "opus")

    def _name(self, to: AudioStream) -> None:
        """What tells tracks apart: language and title, and which of them is played unasked."""
        for word in ("language", "title"):
            if word in self._from.metadata:
                to.metadata[word] = self._from.metadata[word]
        to.disposition = self._from.disposition

    def _shifted(self, to: AudioStream) -> Iterator[Any]:
        clock = _SampleClock(self._from)
        base = clock.own
        found = (packet for packet in chain(self._first, self._read()) if packet.size)
        own = ((p.pts if p.pts is not None else p.dts, p) for p in found)
        usual = Fraction(self._from.codec_context.frame_size or 0, clock.rate_hz) or JUMP_S / 50
        for start_s, packet, anew in self._placed(own, base, usual):
            if packet is None:
                yield None
                continue
            known_s = clock.duration_of(packet.duration) * clock.time_base
            if self._overlaps(start_s, known_s, anew):
                continue
            packet.pts, packet.duration = clock.take(start_s, packet.duration)
            packet.dts, duration = packet.pts, packet.duration
            if packet.pts < 0 and self._begins_at_nought(to):
                if 2 * packet.pts + duration < 0:
                    continue
                packet.pts = packet.dts = 0
            packet.time_base = clock.time_base
            packet.stream = to
            yield packet

    # At its place

    def _placed(
        self, own: Iterator[tuple[int | None, T]], base: Fraction, usual_s: float | Fraction
    ) -> Iterator[tuple[Fraction, T | None, bool]]:
        """(seconds in the copy, what begins there, whether times have begun anew before it); None
        as long as its place is not known. `base` is the unit of own times."""
        step, jump = (max(1, round(span_s / base)) for span_s in (usual_s, JUMP_S))
        times = FrameTimes(own, step=step, jump=jump)
        for ticks, found in times:
            gone_on_s = ticks * base - self._origin_s
            count = len(times.shifts)
            if not count:
                yield gone_on_s, found, False
                continue
            own_s = gone_on_s - times.shifts[-1] * base
            while (start_s := self._moved(count, own_s, gone_on_s)) is None:
                yield gone_on_s, None, True
            yield start_s, found, True

    def _moved(self, count: int, own_s: Fraction, gone_on_s: Fraction) -> Fraction | None:
        """Where something is behind the `count`-th place at which times begin anew: as far from the
        pictures as it was, or, if those know no such place, behind what came before it. None: they
        may still come to it."""
        shifts = self._shifts()
        if len(shifts) >= count:
            start_s = own_s + shifts[count - 1]
            return start_s if abs(start_s - gone_on_s) < APART_S else gone_on_s
        if self._until_s is not None and self._until_s < gone_on_s + Fraction(JUMP_S):
            return None
        return gone_on_s

    def _overlaps(self, start_s: Fraction, duration_s: Fraction, anew: bool) -> bool:
        """Whether the sound before it, of another part of the file, still lasts."""
        return anew and start_s + duration_s / 2 < self._end_s

    # Made anew

    def _transcoded(self) -> Iterator[Any]:
        heard = self._from.codec_context
        codec = ELSE.get(self._output.format.name, "aac")
        rate_hz = OPUS_RATE_HZ
        if codec == "aac" and heard.sample_rate in AAC_RATES_HZ:
            rate_hz = heard.sample_rate
        layout = "mono" if heard.layout.nb_channels == 1 else "stereo"
        to = self._output.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(to, AudioStream)
        to.codec_context.bit_rate = 96_000 if layout == "mono" else 192_000
        self._name(to)
        return self._encoded(to, layout, rate_hz)

    def _encoded(self, to: AudioStream, layout: str, rate_hz: int) -> Iterator[Any]:
        resampler = self._resampler(to, layout, rate_hz)
        shape = None
        heard = self._from.codec_context
        base = Fraction(1, heard.sample_rate or rate_hz)
        usual = base * (heard.frame_size or 1024)
        for start_s, frame, anew in self._placed(self._decoded(base), base, usual):
            if frame is None:
                yield None
                continue
            duration_s = Fraction(frame.samples, frame.sample_rate)
            if self._overlaps(start_s, duration_s, anew) or (self._cut and start_s < 0):
                continue
            before, shape = shape, (frame.format.name, frame.layout.name, frame.sample_rate)
            if before not in (None, shape):  # broadcasts change between programmes
                resampler = self._resampler(to, layout, rate_hz)
            frame.time_base = Fraction(1, frame.sample_rate)
            frame.pts = round(start_s / frame.time_base)
            for resampled in resampler.resample(frame):
                yield from to.encode(resampled)
        for resampled in resampler.resample(None):
            yield from to.encode(resampled)
        yield from to.encode(None)

    def _decoded(self, base: Fraction) -> Iterator[tuple[int | None, AudioFrame]]:
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

    def _resampler(self, to: AudioStream, layout: str, rate_hz: int) -> AudioResampler:
        kind = "flt" if to.codec_context.name == "libopus" else "fltp"
        return AudioResampler(kind, layout, rate_hz)

    def close(self) -> None:
        self._packets = iter(())
        self._waiting = None
        self._input.close()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class _SampleClock:
    """Start times of packets in samples.

    A container that counts milliseconds has rounded them; counting samples on from packet to
    packet, for as long as that agrees, gives back what was rounded away.
    """

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        own = to_fraction(stream.time_base)
        assert own is not None
        self.own = own
        self.rate_hz = context.sample_rate
        coarse = self.own > Fraction(1, context.sample_rate) and context.frame_size > 1
        self._frame = context.frame_size if coarse else 0
        self.time_base = Fraction(1, context.sample_rate) if coarse else self.own
        self._next: int | None = None
        self._before: int | None = None

    def take(self, start_s: Fraction, ticks: int | None) -> tuple[int, int]:
        """Start and duration of the next packet. One whose duration the file does not say is as
        long as the one before it was: a last packet of no duration is not played."""
        start = round(start_s / self.time_base)
        if (
            self._frame
            and self._next is not None
            and abs(start - self._next) * self.time_base <= self.own
        ):
            start = self._next
        duration = self.duration_of(ticks)
        if not duration and self._before is not None:
            duration = max(0, start - self._before)
        self._before, self._next = start, start + duration
        return start, duration

    def duration_of(self, ticks: int | None) -> int:
        return self._frame or ticks or 0
