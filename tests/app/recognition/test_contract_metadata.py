"""The promises of a model file are checked on the way in and out."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contract import TrainingData
from app.errors import ModelError
from app.recognition.contract_metadata import (
    METADATA_KEY,
    check_shapes,
    read_contract,
    write_contract,
)
from tests.support.contracts import CONTRACT

INPUTS = {"input": ["N", 1, 48, 48]}
OUTPUTS = {"logits": ["N", 3], "cam": ["N", 3, 3, 3], "embedding": ["N", 2]}


def facts(**changes: Any) -> dict[str, str]:
    """The contract's metadata with some of its facts replaced; `...` removes one."""
    content = json.loads(write_contract(CONTRACT)[METADATA_KEY]) | changes
    return {METADATA_KEY: json.dumps({k: v for k, v in content.items() if v is not ...})}


def test_contract_survives_the_file() -> None:
    assert read_contract(write_contract(CONTRACT), "m.onnx") == CONTRACT


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "m.onnx has no contract"),
        ({"other": "1"}, "m.onnx has no contract"),
        ({METADATA_KEY: "{"}, "m.onnx has a damaged contract"),
        ({METADATA_KEY: "[" * 100_000}, "m.onnx has a damaged contract"),
        ({METADATA_KEY: "[]"}, "m.onnx has a damaged contract"),
        ({METADATA_KEY: '{"labels": []}'}, "m.onnx has a damaged contract"),
        (facts(format=2), "m.onnx has contract format 2, this program reads up to 1"),
        (facts(format="1"), "format must be 1"),
        (facts(labels=...), "lacks 'labels'"),
        (facts(temperature=...), "lacks 'temperature'"),
        (facts(labels=["a", "a", "b"]), "different names"),
        (facts(labels=["a", "", "b"]), "must be a name"),
        (facts(labels=["a"]), "at least two"),
        (facts(labels=["a", "line\nbreak"]), r"at most 64 letters, not 'line\nbreak'"),
        (facts(labels=["a", "zero\u200bwidth"]), "must be printable text"),
        (facts(labels=["a", "lone \ud800"]), "must be printable text"),
        (facts(labels=["a", 65 * "x"]), "printable text of at most 64 letters"),
        (facts(colour="bgr"), "grey or rgb"),
        (facts(colour=["grey"]), "grey or rgb"),
        (facts(colour="rgb"), "3 values each for rgb"),
        (facts(size_px=48.0), "whole number"),
        (facts(size_px=True), "whole number"),
        (facts(size_px=4), "must be in 8..1024"),
        (facts(std=[0.0]), "std must be positive"),
        (facts(std=[1e-30]), "std must be positive numbers in 1e-06..1e+06"),
        (facts(mean=["x"]), "mean must be numbers"),
        (facts(mean=[1e30]), "mean must be numbers in -1000..1000"),
        (facts(temperature=0), "temperature must be a positive"),
        (facts(temperature=None), "temperature must be a positive"),
        (facts(temperature=1e-46), "temperature must be a positive number in 0.001..1000"),
        (facts(temperature=10**400), "temperature must be a positive"),
        (facts(template={"points": [["nose_tip", 0.5, 0.5]]}), "two different landmarks"),
        (facts(template={"points": [["chin", 0.5, 0.5], ["nose_tip", 0.1, 0.1]]}), "chin"),
        (facts(template=[1]), "not valid"),
        (facts(unsure_below=1.5), "unsure_below must be a probability"),
        (facts(unsure_below="no"), "unsure_below must be a probability"),
        (facts(unsure_above_nats=-1), "unsure_above_nats must be a number of at least 0"),
        (facts(prior_correction=1.5), "prior_correction must be a number in 0..1, not 1.5"),
        (facts(prior_correction=-0.1), "prior_correction must be a number in 0..1"),
        (facts(prior_correction=None), "prior_correction must be a number in 0..1, not None"),
        (facts(corrected_temperature=0), "corrected_temperature must be a positive number"),
        (
            facts(
                prior_correction=0.5,
                training_data={"dataset": "x", "key": "y", "class_shares": []},
            ),
            "prior_correction needs class_shares",
        ),
        (facts(probe_logits=[[1.0, 2.0]]), "probe_logits must have 3"),
        (facts(embedding=[1]), "is not valid"),
        (facts(embedding={"mean": [1.0]}), "lacks 'std'"),
        (facts(embedding={"mean": [], "std": []}), "as many means as deviations, at least one"),
        (facts(embedding={"mean": [1.0], "std": []}), "as many means as deviations"),
        (facts(embedding={"mean": ["x"], "std": [1.0]}), "means of embedding must be numbers"),
        (facts(embedding={"mean": [1.0], "std": [-1.0]}), "deviations of embedding must be"),
        (facts(training_data={"dataset": "x", "key": "y", "class_shares": [1.0]}), "3 values"),
    ],
)
def test_bad_contract_is_named(metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx") as caught:
        read_contract(metadata, "m.onnx")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_from_before_doubt_is_never_unsure() -> None:
    old = facts(unsure_below=..., unsure_above_nats=...)
    contract = read_contract(old, "old.onnx")
    assert (contract.unsure_below, contract.unsure_above_nats) == (None, None)
    assert contract.is_sure(np.full((2, 3), 1 / 3, np.float32)).tolist() == [True, True]


def test_file_from_before_the_decision_rule_corrects_nothing() -> None:
    assert CONTRACT.prior_correction == 0.25
    assert read_contract(facts(prior_correction=...), "old.onnx").prior_correction == 0


@pytest.mark.parametrize(
    ("tau", "temperature"),
    [(0.0, 0.8), (0.25, 0.6), (0.125, 0.7), (0.5, 0.4), (1.0, 0.4)],  # at least half of 0.8
)
def test_temperature_follows_the_correction(tau: float, temperature: float) -> None:
    assert CONTRACT.find_temperature(tau) == pytest.approx(temperature)


def test_temperature_of_a_file_without_its_own_correction_is_one_number() -> None:
    for old in (
        replace(CONTRACT, corrected_temperature=None),
        replace(CONTRACT, prior_correction=0.0, corrected_temperature=None),
    ):
        assert [old.find_temperature(tau) for tau in (0.0, 0.25, 1.0)] == [0.8] * 3
    assert CONTRACT.decision_temperature == 0.6


def test_file_from_before_embeddings_describes_none() -> None:
    assert CONTRACT.embedding is not None
    assert CONTRACT.embedding.dim == 2
    assert read_contract(facts(embedding=...), "old.onnx").embedding is None


def test_matching_shapes_are_accepted() -> None:
    check_shapes(CONTRACT, "m.onnx", INPUTS, OUTPUTS)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ({"x": ["N", 1, 48, 48]}, OUTPUTS, "its inputs are ['x']"),
        ({**INPUTS, "y": [1]}, OUTPUTS, "its inputs are ['input', 'y']"),
        ({"input": ["N", 3, 48, 48]}, OUTPUTS, "its input is (N, 3, 48, 48)"),
        ({"input": ["N", 1, 48, 64]}, OUTPUTS, "its input is (N, 1, 48, 64)"),
        ({"input": ["N", 48]}, OUTPUTS, "its input is (N, 48)"),
        ({"input": [1, 1, 48, 48]}, OUTPUTS, "batch size is fixed at 1"),
        (INPUTS, {"logits": ["N", 3]}, "it has no output cam"),
        (INPUTS, {**OUTPUTS, "logits": ["N", 8]}, "its logits are (N, 8), for 3 labels"),
        (INPUTS, {**OUTPUTS, "cam": ["N", 3]}, "its cam are (N, 3), for 3 labels"),
        (INPUTS, {**OUTPUTS, "embedding": ["N"]}, "its embedding is (N), not (N, d) of a fixed d"),
        (INPUTS, {**OUTPUTS, "embedding": ["N", "d"]}, "not (N, d) of a fixed d"),
        (INPUTS, {**OUTPUTS, "embedding": ["N", 3]}, "it describes another length"),
        (INPUTS, {"logits": ["N", 3], "cam": ["N", 3, 3, 3]}, "it has no output embedding"),
    ],
)
def test_contradicting_shapes_are_named(
    inputs: dict[str, list[Any]], outputs: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        check_shapes(CONTRACT, "m.onnx", inputs, outputs)
    assert message in str(caught.value)


@given(
    st.lists(
        st.text(min_size=1, max_size=64).filter(lambda text: text.strip() and text.isprintable()),
        min_size=2,
        max_size=12,
        unique=True,
    ),
    st.floats(0.05, 20),
)
def test_any_labels_and_temperature_survive(labels: list[str], temperature: float) -> None:
    contract = replace(
        CONTRACT,
        labels=tuple(labels),
        temperature=temperature,
        training_data=TrainingData("d", "k", ()),
        probe_logits=(),
        prior_correction=0.0,
        corrected_temperature=None,
    )
    assert read_contract(write_contract(contract), "m") == contract
