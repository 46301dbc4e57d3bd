"""From a folder of labelled pictures to a model that runs, in one command:

python -m training.retrain DATA_DIR -o models/mine.onnx

Pictures lie in DATA_DIR/<label>/…, whole photos or face crops, or already split in train/<label>/…
and valid/<label>/…, or in another form of docs/retraining.md. Faces are found, groups are split, a
network is fine-tuned, exported and judged; the run's folder says what happened: pictures.csv,
data.npz, training/, report.html.
"""

import argparse
import datetime
import io
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from app.classifier import DEFAULT_MODEL, Classifier
from app.contract import Contract
from app.one_line_parser import OneLineParser
from app.types import TrainingError, readable
from training.cli import run
from training.compact import compact_of, write_compact
from training.digests import sha256
from training.export import export
from training.files import write_text
from training.finetune import (
    BEST,
    FROM_SCRATCH,
    LEAST_PATIENCE,
    Learned,
    Source,
    find_source,
    learn,
    recipe,
)
from training.gather import Gathered, Gathering, gather
from training.machine import Machine
from training.metrics import interval, measure, softmax
from training.pack import Pack, read_pack
from training.picture_folder import open_folder
from training.predictions import file_logits, judged_examples, uint8_crops
from training.report import Mistake, Page, render
from training.retrain_folder import (
    PACK,
    REPORT,
    TABLE,
    TRAINING,
    Settings,
    made_here,
    run_folder,
)
from training.wording import counted

MAX_MISTAKES = 24
CHOICES = ("epochs", "learning_rate", "batch_size", "patience")


def mistakes(
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    names: Sequence[str],
    classes: Sequence[str],
    temperature: float,
    crops: NDArray[np.uint8],
) -> tuple[Mistake, ...]:
    """What was misread, the surest first. All arrays share their first axis; `crops` (N, S, S, 3)
    BGR."""
    probabilities = softmax(logits, temperature)
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(said != labels)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")][:MAX_MISTAKES]
    return tuple(
        Mistake(
            name=names[place],
            png=png(crops[place]),
            true=classes[labels[place]],
            said=classes[said[place]],
            probability=float(sure[place]),
        )
        for place in wrong.tolist()
    )


def png(crop: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(crop[..., ::-1])).save(buffer, "PNG")
    return buffer.getvalue()


def command(module: str, *arguments: object) -> str:
    return f"python {module} {shlex.join(map(str, arguments))}"


def last_test(gathered: Gathered, model: Path) -> str:
    """The command that opens the test pictures of the folder; its ledger lies beside them."""
    ledger = gathered.pack.with_name("test_ledger.md")
    return command(
        "-m training.evaluate", gathered.pack, model, "--split", "test", "--ledger", ledger
    )


def write_report(
    path: Path,
    *,
    model: Path,
    pack: Pack,
    gathered: Gathered,
    source: Source,
    learned: Learned,
    arguments: Sequence[str],
) -> None:
    classifier = Classifier(model, device="cpu")
    contract = classifier.contract
    examples, labels = judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    logits = file_logits(classifier, examples)
    steps, began = contract.recipe["steps"], learned.began
    settings = {
        f"{group}.{name}": str(value)
        for group in ("train", "model", "augment")
        for name, value in contract.recipe[group].items()
    }
    write_text(
        path,
        render(
            Page(
                title=model.stem,
                made=datetime.date.today().isoformat(),
                labels=contract.labels,
                pictures=gathered.pictures,
                notes=(*gathered.notes, *([learned.ended] if learned.ended else [])),
                lines=tuple(learned.lines),
                chosen_epoch=next(x["epoch"] for x in learned.lines if x["step"] == steps),
                metrics=measure(logits, labels, contract.temperature),
                temperature=contract.temperature,
                mistakes=mistakes(
                    logits,
                    labels,
                    names=[pack.names[row] for row in pack.rows("valid")],
                    classes=contract.labels,
                    temperature=contract.temperature,
                    crops=uint8_crops(examples, torch.arange(len(examples))),
                ),
                settings=settings,
                commands=(
                    ("Run it:", command("run_demo.py", "--model", model)),
                    ("Judge it again:", command("-m training.evaluate", gathered.pack, model)),
                    *(
                        [("Judge it by the test pictures, at last:", last_test(gathered, model))]
                        if len(pack.rows("test"))
                        else []
                    ),
                    (
                        "Go on from it with other pictures:",
                        f"{command('-m training.retrain')}DATA_DIR -o models/next.onnx --from "
                        f"{shlex.quote(str(model))}",
                    ),
                    ("How this was made:", command("-m training.retrain", *arguments)),
                ),
                weights=f"It began {source.said}.",
                weight_lines=(began.summary(), *began.lines()) if began else (),
            )
        ),
    )


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.retrain",
        description="Train on your own pictures: DATA_DIR/<label>/… (whole photos or face crops), "
        "split by person here; or train/<label>/… and valid/<label>/…; or pictures with a table of "
        "their labels, or another form of docs/retraining.md. Writes the model, and in the run's "
        "folder a report (report.html) and what became of each picture (pictures.csv).",
    )
    top.add_argument("data", type=Path, metavar="DATA_DIR", help="the folder of pictures")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the model to write"
    )
    top.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="begin from this model (NAME.onnx with NAME.pt beside it) or checkpoint (.pt); none: "
        f"from chance (default: the shipped models/{DEFAULT_MODEL.name})",
    )
    top.add_argument(
        "--run", type=Path, metavar="FOLDER", help="the run's folder (default: runs/retrain-MODEL)"
    )
    top.add_argument("--resume", action="store_true", help="go on where this very run stopped")
    top.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the model and, without --resume, begin the run anew",
    )
    data = top.add_argument_group("pictures")
    data.add_argument(
        "--valid-share",
        type=float,
        default=Gathering().valid_share,
        metavar="X",
        help="share put aside to judge by, where the folder is not split (default: 0.2)",
    )
    data.add_argument(
        "--group-by",
        default="person",
        metavar="HOW",
        help="what stands on one side of the split: person (default; one sub-folder of a label, or "
        "one name or code in the file's name, as known face sets have it), prefix (file names with "
        "one first word), picture (copies of a picture alone), or a regular expression that is "
        "looked for in the path below the label's folder, as '^S[0-9]+'",
    )
    data.add_argument(
        "--max-unreadable",
        type=float,
        default=0.1,
        metavar="X",
        help="share of pictures that may be unreadable (default: 0.1); more stops",
    )
    data.add_argument("--dataset", metavar="TEXT", help="its name (default: the folder's)")
    data.add_argument("--licence", metavar="TEXT", help="the note that travels with the model")
    how = top.add_argument_group("training")
    how.add_argument("--epochs", type=int, metavar="N", help="default: by the number of pictures")
    how.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="end early where no epoch was better for N (default: a third of the epochs, at least "
        f"{LEAST_PATIENCE}; 0: never)",
    )
    how.add_argument("--learning-rate", type=float, metavar="X", help="the schedule's peak")
    how.add_argument("--batch-size", type=int, metavar="N", help="pictures a step")
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of split and training")
    how.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where to compute; auto (default) takes CUDA where it works",
    )
    return top


def run_of(options: argparse.Namespace) -> Path:
    """The run's folder, as asked or by the model's name."""
    return options.run or Path("runs") / f"retrain-{options.output.stem}"


def checked(options: argparse.Namespace) -> Gathering:
    """Raises `TrainingError` for what cannot be, before anything is done."""
    output: Path = options.output
    if output.suffix != ".onnx":
        raise TrainingError(f"{output}: the output must end in .onnx.")
    if not output.parent.is_dir():
        raise TrainingError(f"{output.parent} is not a folder. Make it first.")
    if not os.access(output.parent, os.W_OK):
        raise TrainingError(f"{output.parent} may not be written to. Choose another -o.")
    replacing = options.overwrite or (options.resume and made_here(output, run_of(options)))
    for path in (output, compact_of(output)):
        try:
            if path.is_dir():
                raise TrainingError(f"{path} is a folder. Choose another -o.")
            if path.exists() and not replacing:
                raise TrainingError(f"{path} is there already. Choose another -o, or --overwrite.")
        except OSError as cause:  # such as a name that is too long
            raise TrainingError(f"{path}: {cause.strerror}. Choose another -o.") from cause
    if not 0 <= options.max_unreadable <= 1:
        raise TrainingError("--max-unreadable is a share, in 0..1.")
    for name in ("epochs", "learning_rate", "batch_size"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise TrainingError(f"--{name.replace('_', '-')} must be above 0.")
    if options.patience is not None and options.patience < 0:
        raise TrainingError("--patience must be at least 0.")
    try:
        return Gathering(options.valid_share, options.seed, options.group_by)
    except ValueError as cause:
        raise TrainingError(f"The split cannot be: {cause}.") from cause


def retrain(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    gathering = checked(options)
    opened = open_folder(options.data)
    source = find_source(options.source)
    weights = source.weights
    if weights and weights.path.resolve() == compact_of(options.output).resolve():
        raise TrainingError(
            f"{options.output} would replace what training begins with. Choose another -o."
        )
    settings = Settings(
        data=str(options.data.resolve()),
        weights=str(weights.path.resolve()) if weights else FROM_SCRATCH,
        weights_sha256=sha256(weights.path) if weights else None,
        dataset=readable(options.dataset or options.data.resolve().name),
        **asdict(gathering),
        **{name: getattr(options, name) for name in CHOICES},
    )
    machine = Machine.choose(options.device, "auto", compile_net=False)
    folder = run_of(options)
    with run_folder(folder, settings, resume=options.resume, overwrite=options.overwrite):
        print(f"Training begins {source.said}.")
        gathered = gather(
            opened,
            dataset=settings.dataset,
            gathering=gathering,
            max_unreadable=options.max_unreadable,
            pack=folder / PACK,
            table=folder / TABLE,
        )
        for note in gathered.notes:
            print(f"Note: {note}")
        pack = read_pack(gathered.pack)
        config = recipe(
            weights.config if weights else None,
            len(pack.rows("train")),
            seed=settings.seed,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            batch_size=settings.batch_size,
        )
        training = folder / TRAINING
        learned = learn(
            pack,
            config,
            weights,
            training,
            machine,
            patience=settings.patience,
            resume=options.resume,
        )
        contract, _ = export(
            pack, training / BEST, options.output, options.licence or source.licence
        )
        write_compact(training / BEST, compact_of(options.output))
        write_report(
            folder / REPORT,
            model=options.output,
            pack=pack,
            gathered=gathered,
            source=source,
            learned=learned,
            arguments=arguments,
        )
    say_result(options.output, contract, folder, gathered, tests=len(pack.rows("test")))
    return 1 if gathered.skipped or gathered.left_out else 0


def say_result(
    model: Path, contract: Contract, folder: Path, gathered: Gathered, *, tests: int
) -> None:
    faces, accuracy = contract.metrics["faces"], contract.metrics["accuracy"]
    low, high = interval(round(accuracy * faces), faces)
    print(
        f"{model}: {100 * accuracy:.1f} % of {faces} validation pictures right (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %)."
    )
    print(f"Report: {folder / REPORT}")
    if gathered.skipped:
        print(f"{counted(len(gathered.skipped), 'picture')} skipped: {folder / TABLE} says why.")
    if tests:
        print(f"{counted(tests, 'test picture')} for a last test: {last_test(gathered, model)}")
    print(f"Next: {command('run_demo.py', '--model', model)}")


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return retrain(options, sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("Interrupted. The same command with --resume goes on.", file=sys.stderr)
        return 130
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Lower --batch-size, or use --device cpu."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run(main))
