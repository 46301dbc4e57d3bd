"""Words the benchmark's figures for people, with the aims for two cores beside them."""

from statistics import median

from app.diagnostics.benchmark_figures import BenchmarkFigures, TimeSpread
from app.wording import format_count

# The aims on two cores, for pictures of 1280 x 720 with one face.
AIM_REST_MS = 2.5
AIM_FPS = 60
AIM_LATENCY_FRAMES = 2  # of a camera of 30 frames/s
AIM_START_S = 2.0
AIM_MEMORY_MB = 400


def format_figures(figures: BenchmarkFigures) -> str:
    """Words all figures in lines of at most 120 letters."""
    size = "fitted into 1280 x 720" if figures.fitted else "1280 x 720"
    provider = figures.provider + (f" ({figures.fallback})" if figures.fallback else "")
    threads = ", ".join(f"{name} {count}" for name, count in figures.threads.items())
    lines = [
        f"{figures.clip}, {size}, looped: {format_count(figures.frames, 'frame')}, "
        f"{figures.faces_a_frame:.2f} faces a frame",
        f"{figures.model} on {provider}; threads: {threads}",
        figures.machine,
        "",
        _row("ms", "p50", "p95", "p99", "mean"),
        *(_spread(_NAMES.get(name, name), spread) for name, spread in figures.stages.items()),
        "",
        _row("a network alone, ms", "p50", "p95", "p99", "mean"),
        *(_spread(name, spread) for name, spread in figures.alone.items()),
        "",
    ]
    rest = figures.stages["rest"].p50_ms
    rows = [
        (f"all but the networks {rest:.2f} ms a frame", f"aim {AIM_REST_MS}"),
        (
            f"{figures.fps:.1f} frames/s from picture to canvas, {figures.fps_decoding:.1f} with "
            "decoding",
            f"aim {AIM_FPS}",
        ),
        (f"{figures.cpu_ms:.2f} ms of processor time a frame, all threads", ""),
        (
            f"{figures.detections_a_frame:.2f} calls of the detectors a frame; each face read "
            f"{figures.readings_a_second:.0f} times a second",
            "",
        ),
    ]
    if figures.latency is not None:
        ms = figures.latency
        rows.append(
            (
                f"capture to canvas {ms.p50_ms:.1f} / {ms.p95_ms:.1f} / {ms.p99_ms:.1f} ms (p50, "
                f"p95, p99), {figures.camera_fps:.1f} frames/s, {figures.camera_missed} skipped",
                f"aim p95 {1000 * AIM_LATENCY_FRAMES / 30:.0f}",
            )
        )
        rows.append(
            (
                f"of the camera's faces, {100 * figures.camera_looked_share:.0f} % are looked at "
                f"and {100 * figures.camera_read_share:.0f} % read in a frame",
                "",
            )
        )
    if figures.start_s:
        rows.append(
            (f"first frame {median(figures.start_s):.2f} s after the start", f"aim {AIM_START_S:g}")
        )
    if figures.memory_start_mb is not None and figures.memory_end_mb is not None:
        rows.append(
            (
                f"resident memory {figures.memory_start_mb:.0f} MB, after those frames "
                f"{figures.memory_end_mb:.0f} MB, with the camera {figures.memory_whole_mb:.0f} MB",
                f"aim {AIM_MEMORY_MB}, flat",
            )
        )
    lines += [f"{text} ({aim})" if aim else text for text, aim in rows]
    return "\n".join(lines)


_NAMES = {
    "detect": "find and follow faces",
    "align": "cut them out",
    "classify": "read them",
    "track": "keep them apart",
    "actions": "read facial actions",
    "draw": "draw",
    "frame": "frame, picture to canvas",
    "networks": "  of it the networks",
    "rest": "  of it all else",
}


def _row(name: str, *cells: str) -> str:
    return f"{name:<26}" + "".join(f"{cell:>9}" for cell in cells)


def _spread(name: str, spread: TimeSpread) -> str:
    values = (spread.p50_ms, spread.p95_ms, spread.p99_ms, spread.mean_ms)
    return _row(name, *(f"{value:.2f}" for value in values))
