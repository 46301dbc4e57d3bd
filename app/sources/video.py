"""Reads every frame of a video file, upright, in its own colours and at its own time."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from app.errors import SourceError
from app.frames.stored_shape import ShapeChanges
from app.frames.upright import UprightConverter
from app.process.bounded_queue import MAX_WAITING
from app.process.machine import count_picture_threads
from app.sources.base import InputFile, SourceDefaults
from app.sources.call_sizes import find_call_sizes_wh
from app.sources.chosen_frames import END_OF_SELECTION, PassedFrame, read_chosen_frames
from app.sources.frame_selection import Selection
from app.sources.frame_times import FrameTimes, TimeChanges
from app.sources.packet_decoder import DecodedFrame, PacketDecoder
from app.sources.reading_thread import FrameReading
from app.sources.video_container import open_original, open_video
from app.sources.video_header import describe_unread_streams, find_origin_ticks, read_video_header
from app.sources.video_length import find_announced_end_s, find_duration_s, is_truncated
from app.types import Frame, Json, Mode
from app.wording import escape_surrogates, format_count, join_warnings

NO_HASH = "a stream is no file that could be hashed"
JUMP_S = 1.0  # the distance of two frames from which on their times are doubted
# A thread decodes 640 x 480 px in 0.4 ms and 1920 x 1080 px in 10 ms. A second thread would
# cost small pictures a fifth more, and large ones hardly anything.
PIXELS_PER_DECODER_THREAD = 1_200_000
MAX_DECODER_THREADS = 4  # each holds pictures of its own
MAX_KEPT_GAPS = 8  # distances of the last frames, which tell how long the very last is shown


class VideoSource(SourceDefaults):
    """Reads a video once, frame by frame. A context manager.

    Times count from the start of the earlier of picture and sound, so that both stay together.
    Frames that the selection leaves out keep their numbers: the frames that are read have the index
    and the time that they have in the file. Nothing is decoded beyond the end of the selection.

    Args:
        path: The video file.
        selection: The frames to deliver; None for all.
        threads: The most threads that the decoder may take; None for one per core.
        name: Another name than the file's own, for users.
        stream: An open stream, which is read in the file's place, once and without its sound.
        stop: Called at every packet; True ends the reading.

    Attributes:
        size_wh: Width and height in pixels of the first picture as it is delivered: upright, in
            square pixels. Later frames may have another size; `picture_facts` tells of all.
        rate: Frames per second on average, a `Fraction`.
        time_base: Seconds of a tick, a `Fraction`. Every `Frame.time_s` is a multiple of it.
        duration_s: The length of the video in seconds as its header says it, or None.
        has_audio: True if the file has sound that can be copied.
        origin_s: The time in the file, in seconds, from which `Frame.time_s` counts.
        begins_s: The start of the selection in seconds.
        frame_duration_s: The seconds for which the frame delivered last is shown.
        reached: The number of frames that were gone through so far, delivered or not.
        watch: Called with `reached` at each frame; False ends the reading.
        finished: True if all that can be read was gone through.
        cut_short: True if the file ought to have more than came out.
        original: The file as it was when it was opened; None for a stream.

    Raises:
        SourceError: If the video cannot be read, or `stop` ends the reading before a picture came.
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
        self.name = escape_surrogates(name or path.name)
        self.finished = False
        self.cut_short = False
        self._is_stream = stream is not None
        self._skipped_frames = 0
        self._reading = FrameReading(stop)
        self._damage: str | None = None
        self._gaps: deque[int] = deque([0], maxlen=MAX_KEPT_GAPS)  # ticks from frame to frame
        self._delivered_s = 0.0
        nothing: Iterator[tuple[int | None, DecodedFrame]] = iter(())
        self._timed = FrameTimes(nothing, step=1, jump=1)
        self._changes = TimeChanges()
        self._title = name or str(path)
        self._container: InputContainer | None = None
        # Opened for its hash before it is opened by its name: the hash is never of a later file.
        self.original = None if stream is not None else open_original(path, self._title)
        try:
            self._container = stream or open_video(path, self._title)
            self._begin(self._container, threads)
        except BaseException:
            self.close()
            raise

    def _begin(self, container: InputContainer, threads: int | None) -> None:
        """Reads what the header says, and decodes the first picture."""
        header = read_video_header(container, self._title)
        self._stream = stream = header.stream
        stream.thread_type = "AUTO"
        context = stream.codec_context
        context.thread_count = min(
            MAX_DECODER_THREADS,
            count_picture_threads(
                (context.width, context.height),
                threads,
                pixels_per_thread=PIXELS_PER_DECODER_THREAD,
            ),
        )
        self._track_remarks = describe_unread_streams(container, stream, self.name)
        self.has_audio = bool(header.sounds) and not self._is_stream
        self.time_base: Fraction = header.time_base
        self.rate = header.rate
        self._step, jump = (max(1, round(s / self.time_base)) for s in (1 / self.rate, JUMP_S))
        sizes_wh: set[tuple[int, int]] = set()
        if not self._is_stream:
            codec = stream.codec_context.name
            sizes_wh = find_call_sizes_wh(self.path, container.format.name, codec)
        self._upright = UprightConverter(stream, sizes_wh)
        self._decoder = PacketDecoder(
            container,
            stream,
            self._upright,
            from_network=self._is_stream,
            stop=self._reading.is_stopped,
        )
        self._timed = FrameTimes(self._decoder.decode_frames(), step=self._step, jump=jump)
        first = next(self._timed, None)
        if first is None:
            raise SourceError(self._explain_no_picture())
        self._first: tuple[int, DecodedFrame] | None = first
        self._shapes = ShapeChanges(first[1].shape)
        self.size_wh = first[1].shape.size_wh
        self._changes = self._timed.changes
        is_start_wrong = bool(self._changes.mended)
        self._origin = find_origin_ticks(header, first[0], is_start_wrong=is_start_wrong)
        self.origin_s: Fraction = self._origin * self.time_base
        # Here, because libav changes its mind about where a stream starts while it is read.
        self._announced_end_s = find_announced_end_s(container, stream)
        self.duration_s = find_duration_s(container, stream)
        if self.duration_s is not None and "matroska" in container.format.name:
            self.duration_s = max(0.0, self.duration_s - float(first[0] * self.time_base))
        self.frame_count: int | None = stream.frames or None
        if self.frame_count is None and self.duration_s is not None:
            self.frame_count = max(1, round(self.duration_s * self.rate))
        self.frame_duration_s = float(1 / self.rate)

    def _explain_no_picture(self) -> str:
        if self._decoder.is_stopped:
            return f"{self.name} was not read to its end."
        if self._is_stream:
            return f"{self.name} sent no picture that can be decoded."
        return f"{self._title} is damaged: none of its pictures can be decoded."

    def skip(self, frames: int) -> None:
        """Delivers none of the first `frames` of the file, because an earlier run has done them."""
        self._skipped_frames = frames

    @contextmanager
    def read_ahead(self, max_waiting: int = MAX_WAITING) -> Iterator[None]:
        """Reads ahead inside the block: frames are decoded in a thread while earlier ones are
        worked on. Up to `max_waiting` of them wait, or less, as `BoundedQueue` says. After the
        block nothing more can be read.

        All that the source tells is of the frames that it has delivered, as without the thread,
        and `watch` and `stop` are called in the thread that takes the frames.
        """
        self._reading.begin_thread(self._read(), self.name, max_waiting)
        try:
            yield
        finally:
            self._reading.end_thread()

    def _read(self) -> Iterator[PassedFrame | None]:
        first, self._first = self._first, None
        return read_chosen_frames(
            first,
            self._timed,
            self._upright,
            self.selection,
            from_index=self._skipped_frames,
            origin_ticks=self._origin,
            step_ticks=self._step,
            time_base=self.time_base,
        )

    def __iter__(self) -> Iterator[Frame]:
        last = 0
        for passed in self._reading.take_frames(self._read):
            if passed is END_OF_SELECTION or self._container is None:
                return
            self.reached = passed.index + 1
            self._changes = passed.changes
            self._gaps.append(passed.ticks - last)
            last = passed.ticks
            self._shapes.note(
                passed.shape, passed.time_s, passed.index, interlaced=passed.is_interlaced
            )
            self._delivered_s = passed.time_s + passed.shown_s
            if not self.watch(self.reached):
                return
            frame = passed.make_frame(self.name)
            if frame is None:
                self.frame_duration_s += passed.shown_s  # the frame before is shown in its place
                continue
            self.frame_duration_s = passed.shown_s
            yield frame
        if self._container is not None and not self._decoder.is_stopped:
            self._finish(self.reached)

    def _finish(self, delivered: int) -> None:
        self.finished = True
        decoder, broke_off = self._decoder, self._decoder.is_broken_off
        self.cut_short = broke_off or (not self._is_stream and self._ends_early())
        if broke_off:
            self._damage = f"{self.name} broke off or fell silent after {self._delivered_s:.1f} s."
        elif self.cut_short:
            self._damage = (
                f"{self.name} is damaged or cut short after {self._delivered_s:.1f} s "
                f"({format_count(delivered, 'frame')}); the rest was left out."
            )
        elif decoder.trouble_count:
            first_s = float((decoder.first_trouble_ticks or 0) * self.time_base)
            at_s = max(0.0, first_s - float(self.origin_s))
            places = "1 place" if decoder.trouble_count == 1 else f"{decoder.trouble_count} places"
            self._damage = (
                f"{self.name} is damaged in {places}, first at {at_s:.1f} s; what could not be "
                "read there was left out."
            )

    def _ends_early(self) -> bool:
        assert self._container is not None
        return is_truncated(
            self.path,
            self._container,
            self._stream,
            self._decoder,
            announced_end_s=self._announced_end_s,
            duration_s=self.duration_s,
            gaps_s=(gap * float(self.time_base) for gap in self._gaps),
        )

    def explain_no_frames(self) -> str:
        """Says why the selection held no frame of a video that was read to its end."""
        start_s, ends_s = self.selection.start_s, self._delivered_s
        if self.finished and start_s >= ends_s:
            return f"{self.name} ends at {ends_s:.1f} s, before the start ({start_s:g} s)."
        return f"{self.name} has no frame between the start and the end that were asked for."

    @property
    def warning(self) -> str | None:
        """One line on damage and changes of the file so far; None if there are none."""
        return join_warnings(self._damage, self._change())

    @property
    def mended(self) -> str | None:
        """One line on odd times of the file so far, which were mended; None if there are none."""
        return self._changes.warning(self.name, self._seconds)

    def _change(self) -> str | None:
        change = None if self.original is None else self.original.find_change()
        return change and (
            f"{self.name} was {change} while it was read; what was read is of the file as it was "
            "opened."
        )

    @property
    def remarks(self) -> list[str]:
        """Lines on the choice of the track and on the shapes of the pictures."""
        return [*self._track_remarks, *self._shapes.remarks(self.name)]

    @property
    def replaced(self) -> bool:
        """True if the name of the file leads to another file, or nowhere, by now."""
        return self.original is not None and self.original.find_change() not in (None, "changed")

    def list_shifts_s(self, until_s: float) -> list[Fraction]:
        """Lists the seconds that are added to the file's times from each place on at which they
        begin anew, for each such place up to the frame at `until_s`."""
        changes = self._changes
        return [
            shift * self.time_base
            for shift, start in zip(changes.shifts, changes.starts, strict=True)
            if self._seconds(start) <= until_s
        ]

    @property
    def made_plain(self) -> bool:
        """True if the colours of the file were made into those of BT.709."""
        return self._shapes.first.colours is not None

    @property
    def time_changes(self) -> Json:
        """The counts and the first of the times that are not the file's own."""
        return self._changes.describe(self._seconds)

    @property
    def picture_facts(self) -> Json:
        """The way in which the pictures are stored, and what was made of them."""
        return self._shapes.describe()

    def list_files(self) -> Sequence[InputFile]:
        """Lists the file as it was when it was opened, whatever has its name by now."""
        original = self.original
        if original is None:
            return [InputFile(self.name, None, None, why_no_hash=NO_HASH)]
        sha256 = original.compute_sha256()
        return [InputFile(self.name, sha256, original.bytes, change=original.find_change())]

    def describe_stream(self) -> Json:
        """Tells how the pictures are stored, and the rate, length and sound of the file."""
        return {
            **self.picture_facts,
            "rate": str(self.rate),
            "time_base": str(self.time_base),
            "duration_s": self.duration_s,
            "frame_count": self.frame_count,
            "has_audio": self.has_audio,
        }

    def describe_time_changes(self) -> Json:
        """Tells which times are not those of the file; empty if all are."""
        changes = self.time_changes
        return changes if any(changes.values()) else {}

    def _seconds(self, ticks: int) -> float:
        return float((ticks - self._origin) * self.time_base)

    def close(self) -> None:
        """Closes the file. A second call does nothing."""
        self._reading.end_thread()
        if self._container is not None:
            # Streams point into the container: nothing may touch them after this.
            container, self._container = self._container, None
            self._first = None
            self._timed.end()
            container.close()
        if self.original is not None:
            self.original.close()
