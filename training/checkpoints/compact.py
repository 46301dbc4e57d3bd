"""Writes and reads compact checkpoints: the learned weights, without the state that only the run
needed.

A compact checkpoint lies beside an exported model as NAME.pt, so that others can continue from
NAME.onnx. Its weights have half precision, which is enough to begin with; norms and biases, small
and of wide range, stay as they are. `training.checkpoints.checkpoint.load_trained` and
`training.checkpoints.initial_weights` read it like any other checkpoint.
"""

from pathlib import Path

from torch import Tensor

from app.errors import TrainingError
from app.recognition.classifier import Classifier
from training.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from training.checkpoints.initial_weights import Weights, read_weights


def halve_tensor(tensor: Tensor) -> Tensor:
    """Copies a tensor; floats of more than one axis become half precision.

    >>> import torch
    >>> halve_tensor(torch.ones(2, 2)).dtype, halve_tensor(torch.ones(2)).dtype
    (torch.float16, torch.float32)
    """
    return tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor.clone()


def write_compact(checkpoint: Path, path: Path) -> None:
    """Writes the recommended weights of `checkpoint`, its centres, recipe and facts; whole or
    not at all. Raises `TrainingError`."""
    state = load_checkpoint(checkpoint)
    tensors: dict[str, Tensor] = state[state["recommended"]]
    kept = {
        "config": state["config"],
        "facts": state["facts"],
        "step": state["step"],
        "recommended": "weights",
        "weights": {name: halve_tensor(tensor) for name, tensor in tensors.items()},
    }
    if "centres" in state:
        kept["centres"] = {"centres": halve_tensor(state["centres"]["centres"])}
    kept |= {name: state[name] for name in ("soup", "origins") if name in state}
    save_checkpoint(path, kept)


def name_compact(model: Path) -> Path:
    """Names the compact checkpoint of an exported model."""
    return model.with_suffix(".pt")


def read_compact(model: Path) -> tuple[Weights, str]:
    """Reads the weights beside `model`, an .onnx file, and the model's licence note.

    Raises `TrainingError` where there are no weights, or those of another model.
    """
    path = name_compact(model)
    contract = Classifier(model, device="cpu").contract
    if not path.is_file():
        raise TrainingError(
            f"{path} is missing: without it, training cannot go on from {model}. "
            "`python -m training.export … --compact` writes it; or give a checkpoint (.pt)."
        )
    weights = read_weights(path)
    facts = weights.facts
    if facts is None or (facts.key, facts.labels, weights.step) != (
        contract.training_data.key,
        contract.labels,
        contract.recipe.get("steps"),
    ):
        raise TrainingError(
            f"{path} does not belong to {model}: they are of different trainings. Export both "
            "again with `python -m training.export … --compact`."
        )
    return weights, contract.licence
