"""Reads how long a video's header says that it is, and decides whether a file holds less."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from app.frames.av_versions import to_fraction
from app.sources.packet_decoder import PacketDecoder
from app.sources.video_container import open_container, read_all_packets

# A header's duration may be rounded, or be that of a longer sound.
END_TOLERANCE_S = 0.5
# Formats whose header states the length; libav guesses the length of others from their bytes.
TIMED_FORMATS = frozenset({"mov", "matroska", "webm", "avi", "flv", "asf"})
# The count of frames in the header of an AVI may be too high by one frame in 50, and by 2 more.
AVI_TOLERANCE_DIVISOR = 50
AVI_TOLERANCE_FRAMES = 2


def find_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Gives the length of the pictures in seconds, or else of the whole file, as the header says
    it; None where the header says neither."""
    own_s = find_picture_duration_s(stream)
    if own_s is None and container.duration is not None:
        return container.duration / av.time_base
    return own_s


def find_picture_duration_s(stream: VideoStream) -> float | None:
    """Gives the length of the pictures in seconds as the header says it; None where it does not.

    Matroska has it as a tag such as "00:00:03.200000000", which is the time of the end (libav) or
    the length (mkvmerge).
    """
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def find_announced_end_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Gives the time in seconds at which the pictures end, as the header says it, in the file's own
    times; None where the header does not say it.

    Call this before packets are read: libav changes its mind about where a stream starts. Matroska
    has ends and no lengths. Where mkvmerge has written a length, the end comes out too early, so
    that a file that is cut short may be missed but a whole file is never called so.
    """
    length_s = find_duration_s(container, stream)
    if length_s is None or "matroska" in container.format.name:
        return length_s
    return length_s + float((stream.start_time or 0) * (stream.time_base or 0))


def measure_reach_s(path: Path) -> float:
    """Reads the packets of every kind in `path`, and gives the seconds from the start of the file
    to the end of the last packet."""
    end_s = 0.0
    with open_container(path) as container, contextlib.suppress(av.FFmpegError):
        for packet in read_all_packets(container):
            if packet.pts is not None and packet.time_base:
                end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        end_s -= (container.start_time or 0) / av.time_base
    return end_s


def is_truncated(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    decoder: PacketDecoder,
    *,
    announced_end_s: float | None,
    duration_s: float | None,
    gaps_s: Iterable[float],
) -> bool:
    """Decides whether a file that was read to its end announces more than came out. libav reports
    no error there.

    Args:
        path: The file, which is read once more where nothing else tells.
        container: The open file.
        stream: The video track that was read.
        decoder: The decoder after the last packet.
        announced_end_s: The value of `find_announced_end_s`.
        duration_s: The length of the file in seconds, as the header says it.
        gaps_s: The seconds between the last frames. The time for which the very last frame is shown
            is not always known; it is taken for as long as those.
    """
    formats = set(container.format.name.split(","))
    announced = stream.frames
    if "mov" in formats and announced:
        # The index is exact, while an edit list may show less than the announced duration.
        return decoder.packet_count < len(stream.index_entries)
    if "avi" in formats and announced:
        # Counted with the empty packets, which stand for frames that were dropped.
        came = max(decoder.packet_count, decoder.reached_ticks)
        return came + announced // AVI_TOLERANCE_DIVISOR + AVI_TOLERANCE_FRAMES < announced
    if announced_end_s is None or not formats & TIMED_FORMATS:
        return False
    tolerance_s = max(END_TOLERANCE_S, *gaps_s)
    time_base = to_fraction(stream.time_base) or 0
    missing_s = announced_end_s - float(decoder.reached_ticks * time_base)
    if missing_s <= tolerance_s or find_picture_duration_s(stream) is not None:
        return missing_s > tolerance_s
    # Only the whole file's duration is known: another stream may reach there.
    return (duration_s or 0.0) - measure_reach_s(path) > tolerance_s
