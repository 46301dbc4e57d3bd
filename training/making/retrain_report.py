"""Writes the page on a retraining."""

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
from training.base.files import write_text
from training.datasets.pack import Pack
from training.judge.predictions import file_logits, judged_examples, uint8_crops
from training.measures.metrics import measure, softmax
from training.own_pictures.gather import Gathered
from training.page.report import Mistake, Page, render
from training.run.finetune import (
    Learned,
    StartingPoint,
)

MAX_MISTAKES = 24


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


def write_retrain_report(
    path: Path,
    *,
    model: Path,
    pack: Pack,
    gathered: Gathered,
    source: StartingPoint,
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
