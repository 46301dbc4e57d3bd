"""The sound of a video for its annotated copy: the same bits, where the copy can hold them."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

from app.video_file import open_container, packets

# What players of each container can be expected to play; anything else becomes AAC.
COPIED = {
    "mp4": frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus", "flac"}),
    "mov": frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "libopus", "vorbis", "libvorbis"}),
}
ELSE = {"webm": "libopus"}  # what the others become there; AAC elsewhere
OPUS_RATE_HZ = 48_000
AAC_RATES_HZ = frozenset(
    {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
)


def tracks_of(path: Path) -> list[int]:
    """Numbers of the sound tracks that can be read, by their place among the sound tracks."""
    with open_container(path) as container:
        sounds = container.streams.audio
        return [number for number, s in enumerate(sounds) if s.codec_context is not None]


class Sound:
    """Feeds a sound track of `path` (`number` counts its sound tracks) into `output`, in step with
    the pictures.

    It reads the file once more, on its own, so that neither side has to store what the other
    is not ready for. Times are shifted by `origin_s`, as those of the pictures are; `cut`: what is
    over by then is left out.
    """

    def __init__(
        self,
        path: Path,
        output: OutputContainer,
        *,
        number: int = 0,
        origin_s: Fraction,
        cut: bool = False,
    ) -> None:
        self._output = output
        self._cut = cut
        self._origin_s = origin_s
        self._input = open_container(path)
        try:
            self._from = self._input.streams.audio[number]
            for other in self._input.streams:
                if other is not self._from:
                    other.discard = av.stream.Discard.all
            allowed = COPIED.get(output.format.name) or output.supported_codecs
            copies = self._from.codec_context.name in allowed
            self._packets = self._copied() if copies else self._transcoded()
        except BaseException:
            self._input.close()
            raise
        self._waiting: Any = None
        self._last_dts: int | None = None

    def pump(self, until_s: Fraction | None) -> None:
        """Writes what begins before `until_s`; None: all the rest."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            if until_s is not None and packet.pts * packet.time_base >= until_s:
                self._waiting = packet
                return
            if self._last_dts is not None and packet.dts <= self._last_dts:
                packet.dts = self._last_dts + 1  # a damaged file; muxers insist on order
                packet.pts = max(packet.pts, packet.dts)
            self._last_dts = packet.dts
            # A packet that is damaged inside is left out; the pictures' warning covers it.
            with contextlib.suppress(av.error.InvalidDataError):
                self._output.mux(packet)

    def _read(self) -> Iterator[Any]:
        # Damage ends the sound where it cannot be read any further; the pictures tell the user.
        with contextlib.suppress(av.FFmpegError):
            yield from packets(self._input, self._from)

    def _copied(self) -> Iterator[Any]:
        to = self._output.add_stream_from_template(self._from)
        self._name(to)
        return self._shifted(to)

    def _name(self, to: AudioStream) -> None:
        """What tells tracks apart: language and title, and which of them is played unasked."""
        for word in ("language", "title"):
            if word in self._from.metadata:
                to.metadata[word] = self._from.metadata[word]
        to.disposition = self._from.disposition

    def _shifted(self, to: AudioStream) -> Iterator[Any]:
        clock = _SampleClock(self._from)
        for packet in self._read():
            if packet.size == 0:
                continue
            duration = packet.duration
            packet.pts = packet.dts = clock.start_of(packet) - round(
                self._origin_s / clock.time_base
            )
            packet.duration = clock.duration_of(duration)
            if self._cut and packet.pts < 0:
                continue
            packet.time_base = clock.time_base
            packet.stream = to
            yield packet

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
        for packet in self._read():
            try:
                frames = self._from.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                before, shape = shape, (frame.format.name, frame.layout.name, frame.sample_rate)
                if before not in (None, shape):  # broadcasts change between programmes
                    resampler = self._resampler(to, layout, rate_hz)
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(self._origin_s / frame.time_base)
                    if self._cut and frame.pts < 0:
                        continue
                for resampled in resampler.resample(frame):
                    yield from to.encode(resampled)
        for resampled in resampler.resample(None):
            yield from to.encode(resampled)
        yield from to.encode(None)

    def _resampler(self, to: AudioStream, layout: str, rate_hz: int) -> AudioResampler:
        kind = "flt" if to.codec_context.name == "libopus" else "fltp"
        return AudioResampler(kind, layout, rate_hz)

    def close(self) -> None:
        self._packets = iter(())
        self._waiting = None
        self._input.close()


class _SampleClock:
    """Start times of packets in samples.

    A container that counts milliseconds has rounded them; counting samples on from packet to
    packet, for as long as that agrees, gives back what was rounded away.
    """

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        assert stream.time_base is not None
        self._own = stream.time_base
        coarse = self._own > Fraction(1, context.sample_rate) and context.frame_size > 1
        self._frame = context.frame_size if coarse else 0
        self.time_base = Fraction(1, context.sample_rate) if coarse else self._own
        self._next: int | None = None

    def start_of(self, packet: Any) -> int:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None:
            start = self._next or 0
        else:
            start = round(ticks * self._own / self.time_base)
            if (
                self._frame
                and self._next is not None
                and abs(start - self._next) * self.time_base <= self._own
            ):
                start = self._next
        self._next = start + self.duration_of(packet.duration)
        return start

    def duration_of(self, ticks: int | None) -> int:
        return self._frame or ticks or 0
