"""Makes 8-bit files of an exported model, and says how good and how fast each is."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import ModelError, TrainingError
from app.files.hidden import build_hidden_path
from training.datasets.pack import Pack
from training.exporting.int8 import Int8Settings
from training.exporting.int8_quality import Quality, faults, make, subject_of, time_in_turn
from training.judge.latency import THREADS, Milliseconds, Spread, machine_line, ratio
from training.measures.metrics import Metrics

ROUNDS = 300
VARIANTS: dict[str, dict[str, Any]] = {
    "as asked for": {},
    "one scale a layer": {"per_channel": False},
    "8-bit weights": {"weight_bits": 8},
    "minmax": {"calibration": "minmax"},
    "percentile": {"calibration": "percentile"},
    "entropy": {"calibration": "entropy"},
    "maps in int8, too": {"keep_float": "none"},
    "int8 activations": {"activations": "int8"},
}


def figures(metrics: Metrics) -> str:
    return (
        f"accuracy {100 * metrics.accuracy:.2f} % (± {100 * metrics.standard_error:.2f}), mean "
        f"class recall {metrics.mean_class_recall:.3f}, ECE {metrics.ece:.3f}"
    )


def quantise(
    pack: Pack,
    path: Path,
    output: Path,
    settings: Int8Settings,
    *,
    anyway: bool = False,
    rounds: int = ROUNDS,
    threads: int = THREADS,
) -> tuple[list[str], list[str]]:
    """(what to say of the file, its faults). With faults, the file is written only `anyway`;
    otherwise what was at `output` stays."""
    subject = subject_of(pack, path)
    partial = build_hidden_path(output.with_suffix(""), ".partial.onnx")
    try:
        quality = make(subject, settings, partial)
        times = time_in_turn({"fp32": path, "int8": partial}, rounds, threads)
        speed = ratio(times["int8"], times["fp32"])
        megabytes = [file.stat().st_size / 1e6 for file in (partial, path)]
        says = [
            f"int8: {figures(quality.metrics)}, {megabytes[0]:.1f} MB",
            f"fp32: {figures(subject.metrics)}, {megabytes[1]:.1f} MB",
            f"the fp32 file's label on {100 * quality.agreement:.2f} % of "
            f"{quality.metrics.count} validation faces, maps correlate by {quality.maps:.3f}",
            f"one face: {Spread.of(times['int8']).says()} ms, fp32 "
            f"{Spread.of(times['fp32']).says()} ms, ratio {speed.says()}; medians and the middle "
            f"eight tenths of {len(times['int8'])} rounds in turn",
            machine_line(threads),
        ]
        found = faults(subject.metrics, quality.metrics, speed)
        if anyway or not found:
            os.replace(partial, output)
    except OSError as cause:
        raise TrainingError(f"{output} could not be written: {cause.strerror or cause}.") from cause
    finally:
        partial.unlink(missing_ok=True)
    return says, found


def survey(pack: Pack, path: Path, settings: Int8Settings, *, rounds: int, threads: int) -> str:
    """A Markdown page: every variant of the settings, timed in turn with the fp32 file."""
    subject = subject_of(pack, path)
    made: dict[str, Quality | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {"fp32": path}
        for number, (name, changes) in enumerate(VARIANTS.items()):
            if changes and replace(settings, **changes) == settings:
                continue  # it is what was asked for
            file = Path(folder) / f"{number}.onnx"
            try:
                made[name] = make(subject, replace(settings, **changes), file)
                files[name] = file
            except ModelError as cause:
                made[name] = str(cause).replace(str(file), "it")
        times = time_in_turn(files, rounds, threads)
        sizes = {name: file.stat().st_size / 1e6 for name, file in files.items()}
    lines = [
        "| variant | accuracy, % | mean class recall | ECE | same label as fp32, % | mean gap of "
        "a probability | correlation of the maps | MB | ms a face | × fp32 |",
        "|---" * 10 + "|",
        row("fp32", subject.metrics, ("", "", ""), sizes["fp32"], times["fp32"], times["fp32"]),
    ]
    for name, quality in made.items():
        if isinstance(quality, str):
            lines.append(f"| {name} | {quality} |" + " |" * 8)
            continue
        alike = (f"{100 * quality.agreement:.2f}", f"{quality.gap:.4f}", f"{quality.maps:.3f}")
        lines.append(row(name, quality.metrics, alike, sizes[name], times[name], times["fp32"]))
    count = len(times["fp32"])
    return (
        "\n".join(lines)
        + f"\n\n{subject.metrics.count} validation faces; times are medians and the middle eight "
        f"tenths of {count} rounds in turn. {machine_line(threads)}\n"
    )


def row(
    name: str,
    metrics: Metrics,
    alike: Sequence[str],
    megabytes: float,
    own: Milliseconds,
    fp32: Milliseconds,
) -> str:
    cells = [
        name,
        f"{100 * metrics.accuracy:.2f} ± {100 * metrics.standard_error:.2f}",
        f"{metrics.mean_class_recall:.3f}",
        f"{metrics.ece:.3f}",
        *alike,
        f"{megabytes:.2f}",
        Spread.of(own).says(),
        ratio(own, fp32).says(),
    ]
    return "| " + " | ".join(cells) + " |"
