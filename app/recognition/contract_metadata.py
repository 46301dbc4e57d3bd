"""Reads and writes the contract in an ONNX file's metadata, and compares it with the graph."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from app.alignment import AlignmentTemplate
from app.contract import (
    ATTENTION,
    CAM,
    CONTRACT_FORMAT,
    EMBEDDING,
    INPUT,
    LOGITS,
    Contract,
    EmbeddingFacts,
    TrainingData,
)
from app.errors import ModelError

METADATA_KEY = "expression_contract"
Shape: TypeAlias = Sequence[int | str | None]  # an axis of free length has a name or nothing


def write_contract(contract: Contract) -> dict[str, str]:
    """Makes the entries for an ONNX file's `metadata_props`."""
    return {METADATA_KEY: json.dumps(asdict(contract), ensure_ascii=False, allow_nan=False)}


def read_contract(metadata: Mapping[str, str], name: str) -> Contract:
    """Reads the contract from an ONNX file's metadata.

    Args:
        metadata: The file's `metadata_props`.
        name: The file's name in errors.

    Raises:
        ModelError: There is no contract, its format is newer, or it is not valid.
    """
    text = metadata.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{name} has no contract: it does not say which labels and which input it has. "
            "Use a model that `python -m training.export` wrote."
        )
    try:
        facts = json.loads(text)
        found = facts["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise ModelError(f"{name} has a damaged contract. Export the model again.") from cause
    if isinstance(found, int) and found > CONTRACT_FORMAT:
        raise ModelError(
            f"{name} has contract format {found}, this program reads up to {CONTRACT_FORMAT}. "
            "Update the program, or export the model again with this version."
        )
    try:
        data = facts["training_data"]
        return Contract(
            labels=tuple(facts["labels"]),
            colour=facts["colour"],
            size_px=facts["size_px"],
            mean=tuple(facts["mean"]),
            std=tuple(facts["std"]),
            template=AlignmentTemplate(
                tuple((name, float(x), float(y)) for name, x, y in facts["template"]["points"])
            ),
            temperature=facts["temperature"],
            method=str(facts["method"]),
            recipe=dict(facts["recipe"]),
            training_data=TrainingData(
                dataset=str(data["dataset"]),
                key=str(data["key"]),
                class_shares=tuple(data["class_shares"]),
            ),
            metrics=dict(facts["metrics"]),
            licence=str(facts["licence"]),
            probe_logits=tuple(tuple(row) for row in facts["probe_logits"]),
            unsure_below=facts.get("unsure_below"),
            unsure_above_nats=facts.get("unsure_above_nats"),
            prior_correction=facts.get("prior_correction", 0.0),
            corrected_temperature=facts.get("corrected_temperature"),
            embedding=_read_embedding(facts.get("embedding")),
            format=found,
        )
    except KeyError as cause:
        raise ModelError(
            f"The contract of {name} lacks {cause.args[0]!r}. Export the model again."
        ) from cause
    except (ValueError, TypeError, AttributeError, OverflowError) as cause:
        raise ModelError(
            f"The contract of {name} is not valid: {cause}. Export the model again."
        ) from cause


def _read_embedding(facts: Any) -> EmbeddingFacts | None:  # Any: whatever JSON the file holds
    if facts is None:
        return None
    return EmbeddingFacts(mean=tuple(facts["mean"]), std=tuple(facts["std"]))


def check_shapes(
    contract: Contract, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> None:
    """Compares a contract with the graph of its file.

    Args:
        contract: The contract.
        name: The file's name in errors.
        inputs: The shape of each input. An axis of free length is not a whole number.
        outputs: The shape of each output, likewise.

    Raises:
        ModelError: The graph contradicts the contract.
    """
    k, size = len(contract.labels), contract.size_px

    def must(held: bool, what: str) -> None:
        if not held:
            raise ModelError(f"{name} contradicts its contract: {what}. Export the model again.")

    must(list(inputs) == [INPUT], f"its inputs are {list(inputs)}, not ['{INPUT}']")
    wanted: Shape = [contract.channels, size, size]
    shape = inputs[INPUT]
    must(
        len(shape) == 4 and shape[1:] == wanted,
        f"its input is {_format_shape(shape)}, the contract says {_format_shape(['N', *wanted])}",
    )
    must(not isinstance(shape[0], int), f"its batch size is fixed at {shape[0]}")
    for output, axes in ((LOGITS, 2), (CAM, 4)):
        must(output in outputs, f"it has no output {output}")
        shape = outputs[output]
        must(
            len(shape) == axes and shape[1] == k,
            f"its {output} are {_format_shape(shape)}, for {k} labels",
        )
    if ATTENTION in outputs:
        shape = outputs[ATTENTION]
        must(len(shape) == 2, f"its {ATTENTION} is {_format_shape(shape)}, not (N, d)")
    must(contract.embedding is None or EMBEDDING in outputs, f"it has no output {EMBEDDING}")
    if EMBEDDING in outputs:
        shape = outputs[EMBEDDING]
        must(
            len(shape) == 2 and isinstance(shape[1], int),
            f"its {EMBEDDING} is {_format_shape(shape)}, not (N, d) of a fixed d",
        )
        must(
            contract.embedding is None or contract.embedding.dim == shape[1],
            f"its {EMBEDDING} is {_format_shape(shape)}, and it describes another length",
        )


def _format_shape(axes: Shape) -> str:
    return "(" + ", ".join(str(axis) for axis in axes) + ")"
