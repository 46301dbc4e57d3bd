"""Holds the figures of a benchmark."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class TimeSpread:
    """Percentiles and mean of times, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float

    @classmethod
    def summarise(cls, times_ms: Sequence[float]) -> "TimeSpread":
        """Summarises times. Raises `ValueError` where there are none.

        >>> TimeSpread.summarise([1.0, 2.0, 3.0])
        TimeSpread(p50_ms=2.0, p95_ms=2.9, p99_ms=2.98, mean_ms=2.0)
        """
        if not len(times_ms):
            raise ValueError("no times to speak of")
        p50, p95, p99 = np.percentile(times_ms, (50, 95, 99)).tolist()
        return cls(p50, p95, p99, float(np.mean(times_ms)))


@dataclass(frozen=True, slots=True)
class BenchmarkFigures:
    """The figures of one benchmark.

    `clip` is the name of the video, and `fitted` is True where its pictures were scaled. `stages`
    stand in their order; "frame" is the frame as a whole, "networks" the part of it that the
    networks took, and "rest" the frame without them. `alone` times one call of each network on a
    ready input. `fps` counts from picture to canvas, `fps_decoding` with the decoding of the clip,
    too. `cpu_ms` is processor time of all threads for each frame. `latency` and the other figures
    of the camera count from capture to canvas; of all faces of its frames, `camera_looked_share`
    were looked at by a detector and `camera_read_share` read, the others moved on and kept their
    readings. The memory is that of the process: before the first
    frame, after the last, and at the end, with the camera's own decoder.
    """

    clip: str
    fitted: bool
    model: str
    provider: str
    fallback: str | None
    threads: dict[str, str]
    machine: str
    frames: int
    faces_a_frame: float
    detections_a_frame: float
    readings_a_second: float
    stages: dict[str, TimeSpread]
    alone: dict[str, TimeSpread]
    cpu_ms: float
    fps: float
    fps_decoding: float
    latency: TimeSpread | None
    camera_fps: float
    camera_frames: int
    camera_missed: int
    camera_looked_share: float
    camera_read_share: float
    start_s: list[float] = field(default_factory=list)
    memory_start_mb: float | None = None
    memory_end_mb: float | None = None
    memory_whole_mb: float | None = None

    def to_json(self) -> str:
        """Writes all figures as a JSON object."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)
