"""Makes 8-bit files of an exported model, and reports how good and how fast each of them is."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import ModelError, TrainingError
from app.files.atomic import describe_write_error, discard_partial
from app.files.hidden import build_hidden_path
from training.datasets.pack import Pack
from training.exporting.int8 import Int8Settings
from training.exporting.int8_quality import (
    QuantisationQuality,
    find_faults,
    load_subject,
    make_int8_file,
    time_files,
)
from training.judge.latency import (
    THREADS,
    Milliseconds,
    Spread,
    compute_ratio,
    describe_timing_machine,
)
from training.measures.metrics import Metrics

ROUNDS = 300  # turns in which files are timed
# The changes to the settings that a survey tries, one by one.
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


def format_metrics_line(metrics: Metrics) -> str:
    """Formats accuracy, mean class recall and calibration error in one line."""
    return (
        f"accuracy {100 * metrics.accuracy:.2f} % (± {100 * metrics.standard_error:.2f}), mean "
        f"class recall {metrics.mean_class_recall:.3f}, ECE {metrics.ece:.3f}"
    )


def write_int8_file(
    pack: Pack,
    path: Path,
    output: Path,
    settings: Int8Settings,
    *,
    anyway: bool = False,
    rounds: int = ROUNDS,
    threads: int = THREADS,
) -> tuple[list[str], list[str]]:
    """Quantises an exported model into `output`, if the result is as good as the original and
    faster.

    Args:
        pack: The data that the model was trained on.
        path: The exported model.
        output: The file to write or replace.
        settings: What is quantised, and how.
        anyway: True writes the file whatever its faults.
        rounds: Turns in which both files are timed.
        threads: CPU threads of ONNX Runtime.

    Returns:
        (lines about the file, its faults). With faults and without `anyway`, `output` stays as it
            was.

    Raises:
        TrainingError: The file cannot be written.
    """
    subject = load_subject(pack, path)
    partial = build_hidden_path(output.with_suffix(""), ".partial.onnx")
    try:
        quality = make_int8_file(subject, settings, partial)
        times = time_files({"fp32": path, "int8": partial}, rounds, threads)
        speed = compute_ratio(times["int8"], times["fp32"])
        megabytes = [file.stat().st_size / 1e6 for file in (partial, path)]
        lines = [
            f"int8: {format_metrics_line(quality.metrics)}, {megabytes[0]:.1f} MB",
            f"fp32: {format_metrics_line(subject.metrics)}, {megabytes[1]:.1f} MB",
            f"the fp32 file's label on {100 * quality.agreement:.2f} % of "
            f"{quality.metrics.count} validation faces, maps correlate by {quality.maps:.3f}",
            f"one face: {Spread.from_values(times['int8']).format()} ms, fp32 "
            f"{Spread.from_values(times['fp32']).format()} ms, ratio {speed.format()}; medians and "
            f"the middle eight tenths of {len(times['int8'])} rounds in turn",
            describe_timing_machine(threads),
        ]
        faults = find_faults(subject.metrics, quality.metrics, speed)
        if anyway or not faults:
            os.replace(partial, output)
    except OSError as cause:
        raise TrainingError(describe_write_error(output, cause)) from cause
    finally:
        discard_partial(partial)
    return lines, faults


def survey_settings(
    pack: Pack, path: Path, settings: Int8Settings, *, rounds: int, threads: int
) -> str:
    """Makes a Markdown page on all `VARIANTS` of the settings, timed in turn with the fp32 file."""
    subject = load_subject(pack, path)
    made: dict[str, QuantisationQuality | str] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {"fp32": path}
        for number, (name, changes) in enumerate(VARIANTS.items()):
            if changes and replace(settings, **changes) == settings:
                continue  # the settings are this variant already
            file = Path(folder) / f"{number}.onnx"
            try:
                made[name] = make_int8_file(subject, replace(settings, **changes), file)
                files[name] = file
            except ModelError as cause:
                made[name] = str(cause).replace(str(file), "it")
        times = time_files(files, rounds, threads)
        sizes = {name: file.stat().st_size / 1e6 for name, file in files.items()}
    lines = [
        "| variant | accuracy, % | mean class recall | ECE | same label as fp32, % | mean gap of "
        "a probability | correlation of the maps | MB | ms a face | × fp32 |",
        "|---" * 10 + "|",
        format_row(
            "fp32", subject.metrics, ("", "", ""), sizes["fp32"], times["fp32"], times["fp32"]
        ),
    ]
    for name, quality in made.items():
        if isinstance(quality, str):
            lines.append(f"| {name} | {quality} |" + " |" * 8)
            continue
        alike = (f"{100 * quality.agreement:.2f}", f"{quality.gap:.4f}", f"{quality.maps:.3f}")
        lines.append(
            format_row(name, quality.metrics, alike, sizes[name], times[name], times["fp32"])
        )
    count = len(times["fp32"])
    return (
        "\n".join(lines)
        + f"\n\n{subject.metrics.count} validation faces; times are medians and the middle eight "
        f"tenths of {count} rounds in turn. {describe_timing_machine(threads)}\n"
    )


def format_row(
    name: str,
    metrics: Metrics,
    alike: Sequence[str],
    megabytes: float,
    own: Milliseconds,
    fp32: Milliseconds,
) -> str:
    """Formats a row of the survey's table."""
    cells = [
        name,
        f"{100 * metrics.accuracy:.2f} ± {100 * metrics.standard_error:.2f}",
        f"{metrics.mean_class_recall:.3f}",
        f"{metrics.ece:.3f}",
        *alike,
        f"{megabytes:.2f}",
        Spread.from_values(own).format(),
        compute_ratio(own, fp32).format(),
    ]
    return "| " + " | ".join(cells) + " |"
