"""Writes a checkpoint as one ONNX file that carries its whole contract.

The temperature, the prior correction and the thresholds of doubt are fitted on the validation
split. The new file must give the network's logits on real crops, by the app's own classifier,
before it replaces an older file.
"""

import logging
import os
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from app.contract import ATTENTION, CAM, INPUT, LOGITS, Contract, TrainingData, make_probe_crops
from app.errors import DataError, TrainingError
from app.files.atomic import describe_write_error, discard_partial
from app.files.hidden import build_hidden_path
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from training.base.device import PIXEL_MEAN, PIXEL_STD, normalise_batch
from training.checkpoints.checkpoint import Trained, load_trained
from training.checkpoints.origins import describe_origins, write_origins
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.exporting.decision import decide_contract
from training.exporting.embedding_output import add_embedding_output, describe_embeddings
from training.judge.predictions import (
    compute_file_embeddings,
    compute_file_logits,
    compute_net_logits,
    compute_net_readings,
    make_uint8_crops,
)
from training.measures.metrics import fit_temperature
from training.network.half_precision import Storage, round_to_half, store_halved
from training.network.model import ExportNet

MAX_LOGIT_DIFFERENCE = 1e-4  # between PyTorch and ONNX Runtime; of other outputs, too
OPSET = 20  # of ONNX
# The name in the contract for the share of validation faces on which a file in half precision gives
# the label of full precision.
SAME_LABEL = "same_label_as_full"
METHODS = {
    "softmax": "softmax loss",
    "centre": "centre loss (Wen et al., ECCV 2016)",
    "dacl": "DACL, Deep Attentive Center Loss (Farzaneh & Qi, WACV 2021)",
}


def compute_probe_logits(trained: Trained) -> NDArray[np.float64]:
    """Computes the network's own logits on the contract's probe crops.

    Returns:
        `(P, K)` float64.
    """
    train = trained.config.train
    crops = make_probe_crops(train.size_px)  # (P, S, S, 3) BGR
    if train.colour == "grey":
        from app.alignment import normalise as app_normalise

        x = torch.from_numpy(
            app_normalise(crops, colour="grey", mean=(PIXEL_MEAN,), std=(PIXEL_STD,))
        )
    else:
        x = normalise_batch(torch.from_numpy(crops[..., ::-1].copy()).permute(0, 3, 1, 2).float())
    with torch.no_grad():
        logits: torch.Tensor = trained.net(x, with_attention=False).logits
    return logits.double().numpy()


def make_contract(trained: Trained, temperature: float, licence: str) -> Contract:
    """Makes the contract that travels with the file: input, labels, calibration and origin. Its
    decision rule and figures are still to come (`training.exporting.decision`)."""
    train = trained.config.train
    channels = 1 if train.colour == "grey" else 3
    return Contract(
        labels=trained.facts.labels,
        colour=train.colour,
        size_px=train.size_px,
        mean=(PIXEL_MEAN,) * channels,
        std=(PIXEL_STD,) * channels,
        template=train.template,
        temperature=temperature,
        method=METHODS[train.loss] + describe_origins(trained.origins),
        recipe=asdict(trained.config)
        | {"steps": trained.step}
        | ({"soup": list(trained.soup)} if trained.soup else {})
        | ({"began_with": write_origins(trained.origins)} if trained.origins else {}),
        training_data=TrainingData(
            dataset=trained.facts.dataset,
            key=trained.facts.key,
            class_shares=trained.facts.class_shares,
        ),
        metrics={},
        licence=licence,
        probe_logits=tuple(map(tuple, compute_probe_logits(trained).tolist())),
    )


def forget_origin(model: onnx.ModelProto) -> None:
    """Removes the exporter's notes, which hold stack traces and with them paths of this machine.
    The graph computes the same as before."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ):
        del part.metadata_props[:]
        part.doc_string = ""


def write_onnx(
    trained: Trained,
    contract: Contract,
    path: Path,
    *,
    with_attention: bool = False,
    weights: Storage = "full",
) -> None:
    """Writes one self-contained file with the contract in its metadata. With `weights` "half" the
    network should be rounded first, because weights that half precision cannot hold stay in full.
    """
    size = contract.size_px
    example = torch.zeros(2, contract.channels, size, size)
    # The exporter warns of its own deprecations and of a missing torchvision, which is not needed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            ExportNet(trained.net, with_attention=with_attention).eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            input_names=[INPUT],
            output_names=[LOGITS, CAM, *([ATTENTION] if with_attention else [])],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    forget_origin(model)
    add_embedding_output(model, str(path))
    if weights == "half":
        store_halved(model)
    onnx.helper.set_model_props(model, write_contract(contract))
    model.producer_name, model.doc_string = "training.export", contract.method
    onnx.checker.check_model(model)
    onnx.save_model(model, str(path))


def measure_parity(
    classifier: Classifier, examples: Examples, wanted: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Compares a file with its network on real crops.

    Args:
        classifier: The exported file.
        examples: N faces.
        wanted: `(N, K)` the network's logits.

    Returns:
        (the largest absolute difference of a logit, the file's logits `(N, K)`).
    """
    got = compute_file_logits(classifier, examples)
    return float(np.abs(got - wanted).max()), got


def measure_attention_difference(
    classifier: Classifier, trained: Trained, examples: Examples
) -> float:
    """Measures the largest absolute difference of an attention weight on up to 256 real crops."""
    rows = torch.arange(min(256, len(examples)))
    with torch.no_grad():
        wanted = trained.net(normalise_batch(examples.cut_crops(rows).round())).attention
    got = classifier.run(make_uint8_crops(examples, rows)).attention
    assert got is not None
    return float(np.abs(got - wanted.numpy()).max())


def export_model(
    pack: Pack,
    checkpoint: Path,
    output: Path,
    licence: str,
    *,
    with_attention: bool = False,
    weights: Storage = "full",
    tau: float | None = None,
) -> tuple[Contract, float]:
    """Exports a checkpoint, and checks the file before it replaces an older one.

    Args:
        pack: The data that the checkpoint was trained on.
        checkpoint: The checkpoint.
        output: The file to write or replace.
        licence: The licence note that travels with the file.
        with_attention: True adds the attention as a third output.
        weights: "half" stores the weights in 16 bits; the contract then describes the rounded
            network.
        tau: The prior correction of its decision rule; None chooses it.

    Returns:
        (the contract, the largest difference of a logit to the network).

    Raises:
        DataError: The checkpoint was trained on other data.
        TrainingError: The file does not give the network's logits. `output` stays as it was.
    """
    trained = load_trained(checkpoint)
    if trained.facts.key != pack.meta.key:
        raise DataError("The data is not what the checkpoint was trained on; give that file.")
    train = trained.config.train
    if with_attention and train.loss != "dacl":
        raise TrainingError(
            f"{checkpoint} was trained with the {train.loss} loss and has no attention. Leave "
            "--attention out."
        )
    valid = load_examples(
        pack,
        "valid",
        template=train.template,
        size_px=train.size_px,
        colour=train.colour,
        labels_from="majority",
    )
    labels = valid.labels.numpy()
    full = trained.net
    if weights == "half":
        trained = replace(trained, net=round_to_half(full))
    logits, embeddings = compute_net_readings(trained.net, valid)
    temperature = fit_temperature(logits, labels)
    both = (logits + compute_net_readings(trained.net, valid, mirrored=True).logits) / 2
    contract = decide_contract(
        make_contract(trained, temperature, licence), both, logits, labels, tau=tau
    )
    contract = replace(contract, embedding=describe_embeddings(embeddings))
    if weights == "half":
        alike = float(
            (compute_net_logits(full, valid).argmax(axis=1) == logits.argmax(axis=1)).mean()
        )
        contract = replace(
            contract,
            recipe=contract.recipe | {"weights": weights},
            metrics=contract.metrics | {SAME_LABEL: alike},
        )
    partial = build_hidden_path(output.with_suffix(""), ".partial.onnx")
    try:
        write_onnx(trained, contract, partial, with_attention=with_attention, weights=weights)
        classifier = Classifier(partial, device="cpu")
        difference, _ = measure_parity(classifier, valid, logits)
        found = compute_file_embeddings(classifier, valid)
        difference = max(difference, float(np.abs(found - embeddings).max()))
        if with_attention:
            difference = max(difference, measure_attention_difference(classifier, trained, valid))
        if not difference <= MAX_LOGIT_DIFFERENCE:
            raise TrainingError(
                f"The exported file differs from the network by {difference:.2e}, more "
                f"than {MAX_LOGIT_DIFFERENCE:.0e}. {output} was left as it was."
            )
        os.replace(partial, output)
    except OSError as cause:
        raise TrainingError(describe_write_error(output, cause)) from cause
    finally:
        discard_partial(partial)
    return contract, difference
