"""Goes from a folder of labelled pictures to a finished model."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.contract import Contract
from app.errors import TrainingError
from app.wording import escape_surrogates, format_count
from training.base.device import ComputeDevice
from training.checkpoints.compact import name_compact, write_compact
from training.datasets.digests import hash_data_file
from training.datasets.pack_reader import read_pack
from training.exporting.onnx_file import export_model
from training.making.retrain_folder import (
    PACK,
    REPORT,
    TABLE,
    TRAINING,
    RetrainSettings,
    hold_run_folder,
    is_made_here,
)
from training.making.retrain_report import format_command, format_last_test, write_retrain_report
from training.measures.metrics import find_wilson_interval
from training.own_pictures.gather import Gathered, Gathering, gather
from training.own_pictures.picture_folder import open_folder
from training.run.finetune import (
    BEST,
    FROM_SCRATCH,
    find_starting_point,
    fine_tune,
    make_fine_tuning_recipe,
)

# Options that are saved in the settings under their own name.
CHOICES = ("epochs", "learning_rate", "batch_size", "patience")


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """The options of `training.retrain`, each under its name there.

    Where a value may be None, None stands for what `--help` says of the default.
    """

    data: Path
    output: Path
    source: str | None
    run: Path | None
    resume: bool
    overwrite: bool
    valid_share: float
    group_by: str
    max_unreadable: float
    dataset: str | None
    licence: str | None
    epochs: int | None
    patience: int | None
    learning_rate: float | None
    batch_size: int | None
    seed: int
    device: str


def choose_run_folder(options: RetrainRequest) -> Path:
    """Chooses the run's folder: the one that was asked for, or one named after the model."""
    return options.run or Path("runs") / f"retrain-{options.output.stem}"


def check_options(options: RetrainRequest) -> Gathering:
    """Checks the options before anything is done. Raises `TrainingError`."""
    output: Path = options.output
    if output.suffix != ".onnx":
        raise TrainingError(f"{output}: the output must end in .onnx.")
    if not output.parent.is_dir():
        raise TrainingError(f"{output.parent} is not a folder. Make it first.")
    if not os.access(output.parent, os.W_OK):
        raise TrainingError(f"{output.parent} may not be written to. Choose another -o.")
    replacing = options.overwrite or (
        options.resume and is_made_here(output, choose_run_folder(options))
    )
    for path in (output, name_compact(output)):
        try:
            if path.is_dir():
                raise TrainingError(f"{path} is a folder. Choose another -o.")
            if path.exists() and not replacing:
                raise TrainingError(f"{path} is there already. Choose another -o, or --overwrite.")
        except OSError as cause:  # for example a name that is too long
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


def retrain(options: RetrainRequest, arguments: Sequence[str]) -> int:
    """Gathers the pictures, fine-tunes, exports and reports.

    Args:
        options: The options of `training.retrain`.
        arguments: The words of the command line, for the report.

    Returns:
        The exit code: 1 where pictures were skipped or left out, else 0.

    Raises:
        TrainingError: The options or the folder do not allow it.
        DataError: The pictures cannot be used.
    """
    gathering = check_options(options)
    opened = open_folder(options.data)
    source = find_starting_point(options.source)
    weights = source.weights
    if weights and weights.path.resolve() == name_compact(options.output).resolve():
        raise TrainingError(
            f"{options.output} would replace what training begins with. Choose another -o."
        )
    settings = RetrainSettings(
        data=str(options.data.resolve()),
        weights=str(weights.path.resolve()) if weights else FROM_SCRATCH,
        weights_sha256=hash_data_file(weights.path) if weights else None,
        dataset=escape_surrogates(options.dataset or options.data.resolve().name),
        **asdict(gathering),
        **{name: getattr(options, name) for name in CHOICES},
    )
    machine = ComputeDevice.choose(options.device, "auto", compile_net=False)
    folder = choose_run_folder(options)
    with hold_run_folder(folder, settings, resume=options.resume, overwrite=options.overwrite):
        print(f"Training begins {source.description}.")
        gathered = gather(
            opened,
            dataset=settings.dataset,
            gathering=gathering,
            max_unreadable=options.max_unreadable,
            pack=folder / PACK,
            table=folder / TABLE,
            keep=(folder / TRAINING).exists(),
        )
        for note in gathered.notes:
            print(f"Note: {note}")
        pack = read_pack(gathered.pack)
        config = make_fine_tuning_recipe(
            weights.config if weights else None,
            len(pack.find_rows("train")),
            from_faces=weights is not None and weights.kind == "dlib",
            seed=settings.seed,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            batch_size=settings.batch_size,
        )
        training = folder / TRAINING
        learned = fine_tune(
            pack,
            config,
            weights,
            training,
            machine,
            patience=settings.patience,
            resume=options.resume,
        )
        contract, _ = export_model(
            pack, training / BEST, options.output, options.licence or source.licence
        )
        write_compact(training / BEST, name_compact(options.output))
        write_retrain_report(
            folder / REPORT,
            model=options.output,
            pack=pack,
            gathered=gathered,
            source=source,
            learned=learned,
            arguments=arguments,
        )
    say_result(options.output, contract, folder, gathered, tests=len(pack.find_rows("test")))
    return 1 if gathered.skipped or gathered.left_out else 0


def say_result(
    model: Path, contract: Contract, folder: Path, gathered: Gathered, *, tests: int
) -> None:
    """Prints the result of a retraining and what to do next."""
    faces, accuracy = contract.metrics["faces"], contract.metrics["accuracy"]
    low, high = find_wilson_interval(round(accuracy * faces), faces)
    print(
        f"{model}: {100 * accuracy:.1f} % of {faces} validation pictures right (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %)."
    )
    print(f"Report: {folder / REPORT}")
    if gathered.skipped:
        print(
            f"{format_count(len(gathered.skipped), 'picture')} skipped: {folder / TABLE} says why."
        )
    if tests:
        print(
            f"{format_count(tests, 'test picture')} for a last test: "
            f"{format_last_test(gathered, model)}"
        )
    print(f"Next: {format_command('python run_demo.py', '--model', model)}")
