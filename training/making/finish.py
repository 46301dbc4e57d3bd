"""Exports the network of a plan's last step, and reports on it."""

from collections.abc import Sequence
from pathlib import Path

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.compact import name_compact, write_compact
from training.checkpoints.digest import hash_checkpoint
from training.checkpoints.origins import complete_licence
from training.config.recipes import Recipe
from training.datasets.pack import Pack
from training.exporting.onnx_file import export_model
from training.judge.evaluation import evaluate, format_summary, write_evaluation
from training.making.plan import Plan, read_facts_file, write_facts
from training.network.half_precision import Storage


def read_digest(path: Path) -> str | None:
    """Computes a file's SHA-256; None where the file cannot be read."""
    try:
        return sha256_of_file(path)
    except OSError:
        return None


def parse_given_steps(words: Sequence[str], recipe: Recipe) -> dict[str, Path]:
    """Reads the words STEP=FILE.pt of --given. Raises `TrainingError` for a step that the recipe
    lacks, and for a file that cannot be read."""
    given = {}
    for word in words:
        name, _, file = word.partition("=")
        if name not in recipe.steps or not file:
            raise TrainingError(
                f"--given {word}: write STEP=FILE.pt, with one of {', '.join(recipe.steps)}."
            )
        load_trained(Path(file))
        given[name] = Path(file)
    return given


def finish_model(
    name: str,
    plan: Plan,
    pack: Pack,
    output: Path,
    record: Path,
    report_folder: Path,
    weights: Storage,
) -> list[str]:
    """Exports the last step's network and reports on it. A finished export, which `record` names,
    is not made again.

    Args:
        name: The model's name, for the line that is printed.
        plan: The plan; all of its steps are finished.
        pack: The data.
        output: The model to write.
        record: The file that names the checkpoint which `output` was made from.
        report_folder: The folder of the report.
        weights: "half" stores the weights in 16 bits.

    Returns:
        A line for each output that was left out.
    """
    best = plan.find_file(plan.last)
    checkpoint = hash_checkpoint(best)
    known = read_facts_file(record)
    made_as = (known.get("checkpoint"), known.get("model"), known.get("weights"))
    if made_as != (checkpoint, read_digest(output), weights):
        licence = complete_licence(load_trained(best).origins, pack.meta.dataset)
        export_model(pack, best, output, licence, weights=weights)
        write_compact(best, name_compact(output))
        record.parent.mkdir(parents=True, exist_ok=True)
        facts = {"checkpoint": checkpoint, "model": read_digest(output), "weights": weights}
        write_facts(record, facts)
    report = evaluate(pack, output, "valid")
    left_out = write_evaluation(report, report_folder)
    print(f"{output} ({name}), {output.stat().st_size / 1e6:.1f} MB")
    print(f"validation, majority protocol, {format_summary(report.majority)}")
    print(f"Report: {report_folder / 'report.md'}")
    return left_out
