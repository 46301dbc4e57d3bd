"""Saves and loads checkpoints, and builds the networks that they hold."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from app.contract import make_probe_crops
from app.errors import TrainingError
from app.files.atomic import describe_write_error, discard_partial
from training.base.device import normalise_batch
from training.base.regular_file import check_regular
from training.base.zip_size import check_stored
from training.checkpoints.origins import WeightOrigin, read_origins
from training.config.run_config import DataFacts, RunConfig
from training.network.dlib_file import MANIFEST_SUFFIX
from training.network.model import DaclNet

CHECKPOINT_FORMAT = 1
# Files that may be taken for weights, by the end of their name: published networks as they are
# downloaded, and models that were exported.
OTHER_FORMS = {
    ".bz2": "is packed. Unpack it first (bunzip2)",
    ".gz": "is packed. Unpack it first (gunzip)",
    ".zip": "is packed. Unpack it first (unzip)",
    ".bin": f"holds numbers without names. Give the …{MANIFEST_SUFFIX} beside it",
    ".onnx": "is a model for the app. Give the checkpoint that it was exported from",
}


@dataclass(frozen=True, slots=True)
class Trained:
    """A network for judging or export. `soup` holds the SHA-256 of the checkpoints whose weights
    were averaged; `config` is then that of the first. `origins` are the weights that it began
    with."""

    net: DaclNet
    config: RunConfig
    facts: DataFacts
    step: int
    soup: tuple[str, ...] = ()
    origins: tuple[WeightOrigin, ...] = ()


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Writes a checkpoint to a hidden file beside `path`, syncs it to the disk and renames it.
    Raises `TrainingError`."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            torch.save(state | {"format": CHECKPOINT_FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, RuntimeError) as cause:
        # torch says nothing of a full disk, whose error comes before its own.
        reason = cause.__context__ if isinstance(cause.__context__, OSError) else cause
        raise TrainingError(describe_write_error(path, reason)) from cause
    finally:
        discard_partial(partial)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Loads a checkpoint's state on the CPU.

    Raises `TrainingError` for a file that cannot be used, `DataError` for a pipe.
    """
    check_regular(path)
    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as cause:
        raise TrainingError(f"The checkpoint {path} is missing.") from cause
    except Exception as cause:  # a damaged pickle may raise any error
        hint = describe_other_form(path) or "is not a checkpoint of this program"
        raise TrainingError(f"{path} {hint}.") from cause
    if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT:
        raise TrainingError(f"{path} is not a checkpoint that this version of the program reads.")
    return state


def describe_other_form(path: Path) -> str | None:
    """Describes what somebody may take for a file of weights, and what to give instead; None for
    other files.

    >>> describe_other_form(Path("dacl.onnx"))
    'is a model for the app. Give the checkpoint that it was exported from'
    """
    if path.is_dir():
        return "is a folder. Give a file in it, such as a run's best.pt"
    return OTHER_FORMS.get(path.suffix.lower())


def read_facts(state: dict[str, Any]) -> DataFacts:
    """Reads the facts about the training data from a checkpoint's state."""
    facts = state["facts"]
    return DataFacts(
        dataset=facts["dataset"],
        key=facts["key"],
        labels=tuple(facts["labels"]),
        class_shares=tuple(facts["class_shares"]),
    )


def build_network(config: RunConfig, classes: int) -> DaclNet:
    """Builds the network of a recipe, with random weights."""
    return DaclNet(
        config.model,
        channels=1 if config.train.colour == "grey" else 3,
        classes=classes,
        size_px=config.train.size_px,
    )


def load_trained(path: Path) -> Trained:
    """Loads the network that a checkpoint recommends: the better of its plain and its averaged
    weights. Raises `TrainingError`, also for a network that gives numbers that are not finite."""
    state = load_checkpoint(path)
    try:
        config = RunConfig.from_dict(state["config"])
        facts = read_facts(state)
        net = build_network(config, len(facts.labels))
        net.load_state_dict(state[state["recommended"]])
        trained = Trained(
            net.eval(),
            config,
            facts,
            state["step"],
            tuple(state.get("soup", ())),
            read_origins(state),
        )
    except (RuntimeError, KeyError, TypeError, AttributeError) as cause:
        raise TrainingError(f"{path} is damaged: it is not a whole checkpoint.") from cause
    if not gives_finite_numbers(trained):
        raise TrainingError(
            f"The network in {path} gives no finite numbers. Give another checkpoint, or train it "
            "again with a lower --learning-rate."
        )
    return trained


@torch.no_grad()
def gives_finite_numbers(trained: Trained) -> bool:
    """Tells whether all outputs of a network are finite for made pictures. A training that ran away
    leaves weights which are finite and so large that the outputs are not."""
    train = trained.config.train
    crops = torch.from_numpy(make_probe_crops(train.size_px)).permute(0, 3, 1, 2).float()
    channels = 1 if train.colour == "grey" else 3
    return all(part.isfinite().all() for part in trained.net(normalise_batch(crops[:, :channels])))
