"""Exports and reports on what a plan's last step gave."""

from collections.abc import Sequence
from pathlib import Path

from app.errors import TrainingError
from app.files.hashing import sha256_of_file
from training.base.licences import choose_licence
from training.checkpoints.checkpoint import load_trained
from training.checkpoints.compact import name_compact, write_compact
from training.checkpoints.digest import hash_checkpoint
from training.config.recipes import Recipe
from training.datasets.pack import Pack
from training.exporting.onnx_file import export
from training.judge.evaluation import evaluate, summary, write_evaluation
from training.making.plan import Plan, facts_in, write_facts
from training.network.half_precision import Storage


def digest(path: Path) -> str | None:
    try:
        return sha256_of_file(path)
    except OSError:
        return None


def given_steps(words: Sequence[str], recipe: Recipe) -> dict[str, Path]:
    """Raises `TrainingError` for a step that is none, or a file that cannot be read."""
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
    """Exports the last step's network and reports on it, as far as that is not done. Returns a line
    for what was left out."""
    best = plan.file(plan.last)
    checkpoint = hash_checkpoint(best)
    known = facts_in(record)
    made_as = (known.get("checkpoint"), known.get("model"), known.get("weights"))
    if made_as != (checkpoint, digest(output), weights):
        export(pack, best, output, choose_licence(pack.meta.dataset), weights=weights)
        write_compact(best, name_compact(output))
        record.parent.mkdir(parents=True, exist_ok=True)
        facts = {"checkpoint": checkpoint, "model": digest(output), "weights": weights}
        write_facts(record, facts)
    report = evaluate(pack, output, "valid")
    left_out = write_evaluation(report, report_folder)
    print(f"{output} ({name}), {output.stat().st_size / 1e6:.1f} MB")
    print(f"validation, majority protocol, {summary(report.majority)}")
    print(f"Report: {report_folder / 'report.md'}")
    return left_out
