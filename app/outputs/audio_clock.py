"""Gives exact start times to audio packets whose container has rounded them."""

from fractions import Fraction

from av.audio.stream import AudioStream

from app.frames.av_versions import to_fraction


class SampleClock:
    """Counts the start times of packets in samples.

    A container that counts milliseconds has rounded the times. Each packet holds a known number of
    samples, so adding them up gives the exact times, for as long as these agree with the rounded
    ones.

    Attributes:
        own: The stream's own time base, seconds per tick.
        rate_hz: Its samples per second.
        time_base: Seconds per tick of the times that this clock gives.
    """

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        own = to_fraction(stream.time_base)
        assert own is not None
        self.own = own
        self.rate_hz = context.sample_rate
        is_coarse = self.own > Fraction(1, context.sample_rate) and context.frame_size > 1
        self._frame = context.frame_size if is_coarse else 0  # samples of a packet; 0: unknown
        self.time_base = Fraction(1, context.sample_rate) if is_coarse else self.own
        self._next: int | None = None
        self._before: int | None = None

    def take(self, start_s: Fraction, ticks: int | None) -> tuple[int, int]:
        """Takes the next packet.

        Args:
            start_s: Its start time as the container has it.
            ticks: Its duration in the stream's own ticks; None or 0: unknown. Then the packet is as
                long as the distance from the one before, because players skip a packet without a
                duration.

        Returns:
            Its start and duration in ticks of `time_base`.
        """
        start = round(start_s / self.time_base)
        if (
            self._frame
            and self._next is not None
            and abs(start - self._next) * self.time_base <= self.own
        ):
            start = self._next
        duration = self.get_duration(ticks)
        if not duration and self._before is not None:
            duration = max(0, start - self._before)
        self._before, self._next = start, start + duration
        return start, duration

    def get_duration(self, ticks: int | None) -> int:
        """Returns the duration of a packet in ticks of `time_base`; 0 if unknown. `ticks` is its
        duration in the stream's own ticks."""
        return self._frame or ticks or 0
