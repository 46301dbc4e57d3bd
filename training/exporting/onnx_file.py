"""Writes a checkpoint as one ONNX file that carries its whole contract.

The temperature and the thresholds of doubt are fitted on the validation split. The new file must
give the network's logits on real crops, by the app's own classifier, before it replaces an older
file.
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
from app.files.hidden import build_hidden_path
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from training.base.device import PIXEL_MEAN, PIXEL_STD, normalise_batch
from training.base.json_values import make_json_safe
from training.checkpoints.checkpoint import Trained, load_trained
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack
from training.judge.predictions import compute_file_logits, compute_net_logits, make_uint8_crops
from training.measures.doubt import Thresholds, choose_thresholds
from training.measures.metrics import Metrics, compute_softmax, fit_temperature, measure_metrics
from training.network.half_precision import Storage, round_to_half, store_halved
from training.network.model import ExportNet

MAX_LOGIT_DIFFERENCE = 1e-4  # between PyTorch and ONNX Runtime
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


def make_contract(
    trained: Trained,
    temperature: float,
    metrics: Metrics,
    licence: str,
    thresholds: Thresholds,
) -> Contract:
    """Makes the contract that travels with the file: input, labels, calibration, metrics and
    origin."""
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
        method=METHODS[train.loss],
        recipe=asdict(trained.config)
        | {"steps": trained.step}
        | ({"soup": list(trained.soup)} if trained.soup else {}),
        training_data=TrainingData(
            dataset=trained.facts.dataset,
            key=trained.facts.key,
            class_shares=trained.facts.class_shares,
        ),
        metrics={
            "split": "validation",
            "protocol": "majority",
            "faces": metrics.count,
            **{
                name: make_json_safe(getattr(metrics, name))
                for name in (
                    "accuracy",
                    "standard_error",
                    "mean_class_recall",
                    "macro_f1",
                    "nll",
                    "ece",
                    "recall",
                )
            },
        },
        licence=licence,
        probe_logits=tuple(map(tuple, compute_probe_logits(trained).tolist())),
        unsure_below=thresholds.below,
        unsure_above_nats=thresholds.above_nats,
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
    logits = compute_net_logits(trained.net, valid)
    temperature = fit_temperature(logits, labels)
    contract = make_contract(
        trained,
        temperature,
        measure_metrics(logits, labels, temperature),
        licence,
        choose_thresholds(compute_softmax(logits, temperature)),
    )
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
        if with_attention:
            difference = max(difference, measure_attention_difference(classifier, trained, valid))
        if not difference <= MAX_LOGIT_DIFFERENCE:
            raise TrainingError(
                f"The exported file differs from the network by {difference:.2e}, more "
                f"than {MAX_LOGIT_DIFFERENCE:.0e}. {output} was left as it was."
            )
        os.replace(partial, output)
    except OSError as cause:
        raise TrainingError(f"{output} could not be written: {cause.strerror or cause}.") from cause
    finally:
        partial.unlink(missing_ok=True)
    return contract, difference
