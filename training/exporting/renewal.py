"""Renews the parts of an exported file that its network does not decide: the decision rule, and the
embedding as an output."""

import os
from dataclasses import replace
from pathlib import Path

import onnx

from app.contract import Contract
from app.errors import DataError, TrainingError
from app.files.atomic import describe_write_error, discard_partial
from app.files.hidden import build_hidden_path
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from training.datasets.examples import load_examples
from training.datasets.pack import Pack
from training.exporting.decision import decide_contract
from training.exporting.embedding_output import add_embedding_output, describe_embeddings
from training.exporting.onnx_file import measure_parity
from training.judge.predictions import (
    compute_file_embeddings,
    compute_file_logits,
    compute_shown_logits,
)


def renew_file(pack: Pack, model: Path, output: Path, *, tau: float | None = None) -> Contract:
    """Gives an exported file a new decision rule (prior correction, limits of doubt, figures), and
    the embedding as an output. Its network and its temperature stay as they are.

    Args:
        pack: The data that the model was trained on.
        model: The exported file.
        output: The file to write or replace, which may be `model`.
        tau: The prior correction; None chooses it.

    Returns:
        The new contract.

    Raises:
        DataError: The model was trained on other data.
        ModelError: The file has no convolution that gives the activation maps.
        TrainingError: `output` cannot be written, or its logits are others; it stays as it was.
    """
    classifier = Classifier(model, device="cpu")
    old = classifier.contract
    if old.training_data.key != pack.meta.key:
        raise DataError("The data is not what the model was trained on; give that file.")
    valid = load_examples(
        pack,
        "valid",
        template=old.template,
        size_px=old.size_px,
        colour=old.colour,
        labels_from="majority",
    )
    content = onnx.load(str(model))
    add_embedding_output(content, str(model))
    partial = build_hidden_path(output.with_suffix(""), ".partial.onnx")
    try:
        onnx.save_model(content, str(partial))
        renewed = Classifier(partial, device="cpu")
        difference, logits = measure_parity(renewed, valid, compute_file_logits(classifier, valid))
        if difference:
            raise TrainingError(
                f"With an embedding, the logits of {model} differ by {difference:.2e}. "
                f"{output} was left as it was."
            )
        contract = replace(
            decide_contract(
                old, compute_shown_logits(renewed, valid), logits, valid.labels.numpy(), tau=tau
            ),
            embedding=describe_embeddings(compute_file_embeddings(renewed, valid)),
        )
        onnx.helper.set_model_props(content, write_contract(contract))
        onnx.save_model(content, str(partial))
        Classifier(partial, device="cpu")
        os.replace(partial, output)
    except OSError as cause:
        raise TrainingError(describe_write_error(output, cause)) from cause
    finally:
        discard_partial(partial)
    return contract
