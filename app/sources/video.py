"""Every frame of a video file, upright, in its own colours and at its own time."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from app.errors import SourceError
from app.frames.av_versions import exact
from app.frames.stored_shape import Shape, ShapeChanges
from app.frames.upright import Upright
from app.sources.base import InputFile, SourceDefaults
from app.sources.call_sizes import call_sizes_wh
from app.sources.frame_selection import Selection
from app.sources.frame_times import FrameTimes
from app.sources.video_container import (
    announced_end_s,
    average_rate,
    duration_s,
    films_of,
    open_video,
    original_of,
    own_duration_s,
    packets,
    picture_stream,
    reach_s,
)
from app.types import Frame, Json, Mode
from app.wording import counted, joined, readable

READ_RETRIES = 8
NO_HASH = "a stream is no file that could be hashed"
END_TOLERANCE_S = 0.5  # a header's duration may be rounded, or that of a longer sound
PICTURE_S = 10.0  # of a stream's data without a picture that can be decoded
JUMP_S = 1.0  # frames that are farther apart are compared with those behind them
LAST_GAPS = 8  # distances of the last frames that say how long the very last is shown
# Formats whose header says how long the file ought to be; others guess from what is there.
TIMED_FORMATS = frozenset({"mov", "matroska", "webm", "avi", "flv", "asf"})


class _Decoded(NamedTuple):
    frame: VideoFrame
    shape: Shape
    damaged: bool


class VideoSource(SourceDefaults):
    """Reads `path` once, frame by frame.

    `rate` (frames/s, average), `time_base` (every `time_s` is a multiple of it), `duration_s` and
    `has_audio` describe the video. `size_wh` is the size px of its first picture as it is
    delivered: upright, in square pixels. Later ones have their own shape (`app.frames.upright`);
    `picture_facts` tells of all. Times count from `origin_s`, the start of the earliest of picture
    and sound, so both stay together. `finished` says that all that can be read was delivered,
    `cut_short` that the file ought to have more; `frame_duration_s` is how long the frame delivered
    last is shown. `selection` leaves frames out; those that are left
    keep their number and time, and nothing is decoded beyond its end. `reached` counts the frames
    that were gone through; `watch` is called with that count at each of them, and False ends the
    reading. `begins_s` is the selection's start. `threads` is for the decoder; None: all
    cores. `name` is another one than the file's own. A `stream` that is open already is read in the
    file's place, once and without its sound; `streamed` says so. `stop` is asked at every packet,
    and True ends the reading, before the first picture with `SourceError`.
    """

    mode = Mode.FILE

    def __init__(
        self,
        path: str | Path,
        *,
        selection: Selection | None = None,
        threads: int | None = None,
        name: str | None = None,
        stream: InputContainer | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path = path = Path(path)
        self.selection = selection or Selection()
        self.begins_s = Fraction(self.selection.start_s)
        self.reached = 0
        self.watch: Callable[[int], bool] = lambda reached: True
        self._threads = threads
        self._skip = 0
        self.name = readable(name or path.name)
        self.streamed = stream is not None
        self._stop = stop
        self._stopped = False
        self._no_picture = False
        self._broke_off = False
        self.cut_short = False
        self._damage: str | None = None
        self.finished = False
        self._first_trouble_s: float | None = None
        self._troubles = 0
        self._damaged_from: int | None = None  # ticks; up to the next key frame
        self._packets = 0
        self._slots: deque[int] = deque()  # times of the packets of an AVI, see `_own_times`
        self._gaps: deque[int] = deque([0], maxlen=LAST_GAPS)  # ticks from frame to frame
        self._delivered_s = 0.0
        self._reached = 0  # ticks of the file at which the last packet ends
        nothing: Iterator[tuple[int | None, _Decoded]] = iter(())
        self._timed = FrameTimes(nothing, step=1, jump=1)
        self._title = name or str(path)
        self._container: InputContainer | None = None
        # Before it is opened by its name, so that what is hashed is never of a later file.
        self.original = None if stream is not None else original_of(path, self._title)
        try:
            self._container = stream or open_video(path, self._title)
            self._describe(self._container)
        except BaseException:
            self.close()
            raise

    def _describe(self, container: InputContainer) -> None:
        stream = picture_stream(container, self._title)
        self._stream = stream
        stream.thread_type = "AUTO"
        if self._threads is not None:
            stream.codec_context.thread_count = self._threads
        others = [one for one in films_of(container) if one is not stream]
        self._others = []
        if others:
            sizes = ", ".join(f"{one.width} x {one.height}" for one in others)
            self._others.append(
                f"{self.name} has {len(others) + 1} video tracks: the one of {stream.width} x "
                f"{stream.height} px was read, and not that of {sizes} px."
            )
        heard = [s for s in container.streams.audio if s.codec_context is not None]
        self.has_audio = bool(heard) and not self.streamed
        for other in container.streams:
            # In a file that was cut short, reading ends where any stream that is read ends.
            if other is not stream:
                other.discard = av.stream.Discard.all
        time_base = exact(stream.time_base)
        assert time_base is not None
        self.time_base: Fraction = time_base
        self.rate = average_rate(stream)
        self._step, jump = (max(1, round(s / self.time_base)) for s in (1 / self.rate, JUMP_S))
        sizes_wh: set[tuple[int, int]] = set()
        if not self.streamed:
            codec = stream.codec_context.name
            sizes_wh = call_sizes_wh(self.path, container.format.name, codec)
        self._upright = Upright(stream, sizes_wh)
        self._timed = FrameTimes(self._own_times(container), step=self._step, jump=jump)
        first = next(self._timed, None)
        if first is None:
            raise SourceError(self._why_nothing())
        self._first: tuple[int, _Decoded] | None = first
        self._shapes = ShapeChanges(first[1].shape)
        self.size_wh = first[1].shape.size_wh
        starts = [
            Fraction(s.start_time) * base
            for s in ((*heard,) if self._timed.mended else (stream, *heard))
            if s.start_time is not None and (base := exact(s.time_base)) is not None
        ]
        starts.append(first[0] * self.time_base)
        # In whole ticks: what is shifted by it keeps its exact distances.
        self._origin = floor(min(starts, default=Fraction(0)) / self.time_base)
        self.origin_s: Fraction = self._origin * self.time_base
        # Here, for libav changes its mind about where a stream starts while it is read.
        self._announced_end_s = announced_end_s(container, stream)
        self.duration_s = duration_s(container, stream)
        if self.duration_s is not None and "matroska" in container.format.name:
            self.duration_s = max(0.0, self.duration_s - float(first[0] * self.time_base))
        self.frame_count: int | None = stream.frames or None
        if self.frame_count is None and self.duration_s is not None:
            self.frame_count = max(1, round(self.duration_s * self.rate))
        self.frame_duration_s = float(1 / self.rate)

    def _why_nothing(self) -> str:
        if self._stopped:
            return f"{self.name} was not read to its end."
        if self.streamed:
            return f"{self.name} sent no picture that can be decoded."
        return f"{self._title} is damaged: none of its pictures can be decoded."

    def skip(self, frames: int) -> None:
        """Delivers none of the first `frames` of the file: they were worked on before."""
        self._skip = frames

    def __iter__(self) -> Iterator[Frame]:
        index, last = -1, 0
        chooser = self.selection.chooser(float(self.time_base))
        while self._container is not None:
            timed = self._first or next(self._timed, None)
            self._first = None
            if timed is None:
                if not self._stopped:
                    self._finish(index + 1)
                return
            ticks, (frame, shape, damaged) = timed[0] - self._origin, timed[1]
            index += 1
            time_s = float(ticks * self.time_base)
            if chooser.over(time_s):
                return
            self.reached = index + 1
            self._gaps.append(ticks - last)
            last = ticks
            self._shapes.note(shape, time_s, index, interlaced=frame.interlaced_frame)
            shown_s = float((frame.duration or self._step) * self.time_base)
            self._delivered_s = time_s + shown_s
            if not self.watch(self.reached):
                return
            if not chooser.wants(time_s) or index < self._skip:
                self.frame_duration_s += shown_s  # the one before is shown in its place
                continue
            self.frame_duration_s = shown_s
            image = self._upright.picture(frame, shape)
            yield Frame(image, index, time_s, self.name, damaged=damaged)

    def explain_no_frames(self) -> str:
        """Says why the selection held no frame of a video that was read to its end."""
        start_s, ends_s = self.selection.start_s, self._delivered_s
        if self.finished and start_s >= ends_s:
            return f"{self.name} ends at {ends_s:.1f} s, before the start ({start_s:g} s)."
        return f"{self.name} has no frame between the start and the end that were asked for."

    def _is_damaged(self, decoded: VideoFrame) -> bool:
        """Pictures are made of those before them, so damage lasts until one stands for itself."""
        began = self._damaged_from
        stands_alone = decoded.key_frame and decoded.pts is not None
        if began is not None and stands_alone and (decoded.pts or 0) > began:
            self._damaged_from = began = None
        late = began is not None and (decoded.pts is None or decoded.pts >= began)
        return decoded.is_corrupt or late

    def _own_times(self, container: InputContainer) -> Iterator[tuple[int | None, _Decoded]]:
        """Frames, their shapes, and whether they are damaged, with the file's own times.

        An AVI has none but the places of its packets. The frame that is shown n-th has the n-th of
        them; what libav makes of these places is disordered where frames refer to later ones."""
        for frame in self._decode(container):
            ticks = self._slots.popleft() if self._slots else frame.pts
            yield ticks, _Decoded(frame, self._upright.shape_of(frame), self._is_damaged(frame))

    def _decode(self, container: InputContainer) -> Iterator[VideoFrame]:
        """Frames in the order of presentation. What cannot be decoded is stepped over. Ends after a
        packet where it is to stop, and where a stream gives no picture for long."""
        since_s = time.monotonic()
        for packet in self._demux(container):
            for frame in self._pictures(packet, container.format.name):
                if frame.is_corrupt:
                    self._trouble(frame)
                yield frame
                since_s = time.monotonic()
            self._stopped = self._stop()
            self._no_picture = self.streamed and time.monotonic() - since_s > PICTURE_S
            if self._stopped or self._no_picture:
                return

    def _pictures(self, packet: Any, format_name: str) -> list[VideoFrame]:
        """What a packet decodes to, or the end of the packets; nothing where it is damaged."""
        flush = packet.size == 0 and packet.pts is None and packet.dts is None
        if not flush:
            self._packets += 1
            if packet.size == 0:
                return []  # would end the decoder
            if packet.is_corrupt and format_name != "mpegts":
                self._trouble(packet)  # half a packet: the file ends in it
                return []
        slotted = not flush and packet.dts is not None and format_name == "avi"
        if slotted:
            self._slots.append(packet.dts)
        try:
            return self._stream.decode(packet)
        except av.FFmpegError:
            if slotted:
                self._slots.pop()
            self._trouble(packet)
            return []

    def _demux(self, container: InputContainer) -> Iterator[Any]:
        failed = 0
        while failed < READ_RETRIES:
            try:
                for packet in packets(container, self._stream):
                    failed = 0
                    start = packet.pts if packet.pts is not None else packet.dts
                    if start is not None:
                        self._reached = max(self._reached, start + (packet.duration or 0))
                    yield packet
                return
            except av.FFmpegError:
                if self.streamed:
                    self._broke_off = True
                    break
                failed += 1
                self._trouble(None)
        flush = Packet()
        flush.stream = self._stream
        yield flush

    def _trouble(self, at: Any) -> None:
        self._troubles += 1
        times = [] if at is None else [t for t in (at.pts, at.dts) if t is not None]
        self._damaged_from = min(times, default=self._reached)
        if self._first_trouble_s is None:
            ticks = self._reached if at is None or at.pts is None else at.pts
            self._first_trouble_s = float(ticks * self.time_base)

    def _finish(self, delivered: int) -> None:
        self.finished = True
        broke_off = self._broke_off or self._no_picture
        self.cut_short = broke_off or (not self.streamed and self._ends_early())
        if broke_off:
            self._damage = f"{self.name} broke off or fell silent after {self._delivered_s:.1f} s."
        elif self.cut_short:
            self._damage = (
                f"{self.name} is damaged or cut short after {self._delivered_s:.1f} s "
                f"({counted(delivered, 'frame')}); the rest was left out."
            )
        elif self._troubles:
            at_s = max(0.0, (self._first_trouble_s or 0.0) - float(self.origin_s))
            places = "1 place" if self._troubles == 1 else f"{self._troubles} places"
            self._damage = (
                f"{self.name} is damaged in {places}, first at {at_s:.1f} s; what could not be "
                "read there was left out."
            )

    @property
    def warning(self) -> str | None:
        """What is wrong with what was read so far, in one line."""
        return joined(self._damage, self._timed.warning(self.name, self._seconds), self._change())

    def _change(self) -> str | None:
        change = None if self.original is None else self.original.change()
        return change and (
            f"{self.name} was {change} while it was read; what was read is of the file as it was "
            "opened."
        )

    @property
    def replaced(self) -> bool:
        """Whether the name of the file leads to another one, or nowhere, by now."""
        return self.original is not None and self.original.change() not in (None, "changed")

    @property
    def shifts_s(self) -> list[Fraction]:
        """For each place so far at which the file's times begin anew, what is added from there."""
        return [shift * self.time_base for shift in self._timed.shifts]

    @property
    def time_changes(self) -> Json:
        """Which times are not the file's own, in values that JSON has."""
        return self._timed.facts(self._seconds)

    def describe_time_changes(self) -> Json:
        changes = self.time_changes
        return changes if any(changes.values()) else {}

    def list_files(self) -> Sequence[InputFile]:
        """Lists the file as it was when it was opened, whatever has its name by now."""
        original = self.original
        if original is None:
            return [InputFile(self.name, None, None, why_no_hash=NO_HASH)]
        sha256 = original.sha256()
        return [InputFile(self.name, sha256, original.bytes, change=original.change())]

    def describe_stream(self) -> Json:
        return {
            **self.picture_facts,
            "rate": str(self.rate),
            "time_base": str(self.time_base),
            "duration_s": self.duration_s,
            "frame_count": self.frame_count,
            "has_audio": self.has_audio,
        }

    @property
    def picture_facts(self) -> Json:
        """How the pictures are stored and what is made of them, in values that JSON has."""
        return self._shapes.facts()

    @property
    def made_plain(self) -> bool:
        """True where the colours of the file were made into those of BT.709."""
        return self._shapes.first.colours is not None

    @property
    def remarks(self) -> list[str]:
        """What whoever uses the results must know, in lines; nothing of it is a fault."""
        return [*self._others, *self._shapes.remarks(self.name)]

    def _seconds(self, ticks: int) -> float:
        return float((ticks - self._origin) * self.time_base)

    def _ends_early(self) -> bool:
        """Whether the file announces more than came out; libav ends without an error there."""
        assert self._container is not None
        formats = set(self._container.format.name.split(","))
        announced = self._stream.frames
        if "mov" in formats and announced:
            # The index is exact, while an edit list may show less than the announced duration.
            return self._packets < len(self._stream.index_entries)
        if "avi" in formats and announced:
            # Counted with the empty ones, which stand for frames that were dropped.
            return max(self._packets, self._reached) + announced // 50 + 2 < announced
        if self._announced_end_s is None or not formats & TIMED_FORMATS:
            return False
        # How long the last frame is shown is not always known; as long as those before it.
        tolerance_s = max(END_TOLERANCE_S, *(gap * float(self.time_base) for gap in self._gaps))
        missing_s = self._announced_end_s - float(self._reached * self.time_base)
        if missing_s <= tolerance_s or own_duration_s(self._stream) is not None:
            return missing_s > tolerance_s
        # Only the whole file's duration is known: another stream may reach there.
        return (self.duration_s or 0.0) - reach_s(self.path) > tolerance_s

    def close(self) -> None:
        if self._container is not None:
            # Streams point into the container: nothing may touch them after this.
            container, self._container = self._container, None
            self._first = None
            self._timed.end()
            container.close()
        if self.original is not None:
            self.original.close()
