"""Gathers what the page of a retraining shows, and writes the page."""

import datetime
import io
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from app.recognition.classifier import Classifier
from training.base.files import write_text_file
from training.datasets.pack import Pack
from training.judge.predictions import (
    compute_shown_logits,
    load_judged_examples,
    make_uint8_crops,
)
from training.measures.decision_rule import correct_logits
from training.measures.metrics import compute_softmax, measure_metrics
from training.own_pictures.gather import Gathered
from training.page.report import Mistake, RetrainingPage, render_retraining
from training.run.finetune import LearningResult, StartingPoint

MAX_MISTAKES = 24  # shown on the page


def list_mistakes(
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    names: Sequence[str],
    classes: Sequence[str],
    temperature: float,
    crops: NDArray[np.uint8],
) -> tuple[Mistake, ...]:
    """Lists the misread faces, those with the most probable wrong label first.

    Args:
        logits: The model's output for each face, `(N, K)`.
        labels: The number of the true class of each face, `(N,)`.
        names: The N names of the faces.
        classes: The K labels.
        temperature: The temperature by which logits are divided.
        crops: The faces as the network sees them, `(N, S, S, 3)` uint8 BGR.

    Returns:
        At most `MAX_MISTAKES` mistakes.

    >>> crops = np.zeros((2, 4, 4, 3), np.uint8)
    >>> found = list_mistakes(
    ...     np.array([[2.0, 0.0], [0.0, 3.0]]),
    ...     np.array([0, 0]),
    ...     names=["a.png", "b.png"],
    ...     classes=["calm", "happy"],
    ...     temperature=1.0,
    ...     crops=crops,
    ... )
    >>> [(one.name, one.true, one.said, round(one.probability, 2)) for one in found]
    [('b.png', 'calm', 'happy', 0.95)]
    """
    probabilities = compute_softmax(logits, temperature)
    given, shares = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(given != labels)
    wrong = wrong[np.argsort(-shares[wrong], kind="stable")][:MAX_MISTAKES]
    return tuple(
        Mistake(
            name=names[index],
            png=encode_png(crops[index]),
            true=classes[labels[index]],
            said=classes[given[index]],
            probability=float(shares[index]),
        )
        for index in wrong.tolist()
    )


def encode_png(crop: NDArray[np.uint8]) -> bytes:
    """Encodes a picture `(H, W, 3)` uint8 BGR as PNG.

    >>> encode_png(np.zeros((4, 4, 3), np.uint8))[1:4]
    b'PNG'
    """
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(crop[..., ::-1])).save(buffer, "PNG")
    return buffer.getvalue()


def format_command(command: str, *arguments: object) -> str:
    """Formats a command that a shell understands.

    >>> format_command("python run_demo.py", "--model", "my model.onnx")
    "python run_demo.py --model 'my model.onnx'"
    """
    return f"{command} {shlex.join(map(str, arguments))}"


def format_last_test(gathered: Gathered, model: Path) -> str:
    """Formats the command that opens the test pictures of the folder. The ledger of test runs is
    beside the gathered pictures."""
    ledger = gathered.pack.with_name("test_ledger.md")
    return format_command(
        "python -m training.evaluate", gathered.pack, model, "--split", "test", "--ledger", ledger
    )


def write_retrain_report(
    path: Path,
    *,
    model: Path,
    pack: Pack,
    gathered: Gathered,
    source: StartingPoint,
    learned: LearningResult,
    arguments: Sequence[str],
) -> None:
    """Reads the validation faces with the exported model and writes the page.

    Args:
        path: The page.
        model: The exported model.
        pack: The gathered pictures.
        gathered: What was gathered from the user's folder, and where it is.
        source: The model that the training began with.
        learned: The log and the result of the training.
        arguments: The arguments of the command, for the page.
    """
    classifier = Classifier(model, device="cpu")
    contract = classifier.contract
    examples, labels = load_judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    logits = correct_logits(
        compute_shown_logits(classifier, examples),
        temperature=contract.decision_temperature,
        shares=contract.training_data.class_shares,
        tau=contract.prior_correction,
    )
    steps, began = contract.recipe["steps"], learned.init_report
    page = RetrainingPage(
        title=model.stem,
        made=datetime.date.today().isoformat(),
        labels=contract.labels,
        pictures=gathered.pictures,
        notes=(*gathered.notes, *([learned.early_end] if learned.early_end else [])),
        lines=tuple(learned.lines),
        chosen_epoch=next(x["epoch"] for x in learned.lines if x["step"] == steps),
        metrics=measure_metrics(logits, labels, contract.decision_temperature),
        temperature=contract.decision_temperature,
        mistakes=list_mistakes(
            logits,
            labels,
            names=[pack.names[row] for row in pack.find_rows("valid")],
            classes=contract.labels,
            temperature=contract.decision_temperature,
            crops=make_uint8_crops(examples, torch.arange(len(examples))),
        ),
        settings={
            f"{group}.{name}": str(value)
            for group in ("train", "model", "augment")
            for name, value in contract.recipe[group].items()
        },
        commands=_list_commands(model, pack, gathered, arguments),
        weights=f"It began {source.description}.",
        weight_lines=(began.summary(), *began.lines()) if began else (),
    )
    write_text_file(path, render_retraining(page))


def _list_commands(
    model: Path, pack: Pack, gathered: Gathered, arguments: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Lists (purpose, command) of what a user may do next."""
    retrain = format_command("python -m training.retrain")
    last_test = "Judge it by the test pictures, at last:", format_last_test(gathered, model)
    return (
        ("Run it:", format_command("python run_demo.py", "--model", model)),
        ("Judge it again:", format_command("python -m training.evaluate", gathered.pack, model)),
        *([last_test] if len(pack.find_rows("test")) else []),
        (
            "Go on from it with other pictures:",
            f"{retrain}DATA_DIR -o models/next.onnx --from {shlex.quote(str(model))}",
        ),
        ("How this was made:", format_command("python -m training.retrain", *arguments)),
    )
