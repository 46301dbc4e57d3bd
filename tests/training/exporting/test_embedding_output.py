"""The embedding becomes an output of a file, and the way to the logits stays as it is."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from app.contract import CAM, EMBEDDING, make_probe_crops
from app.errors import ModelError
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training.exporting.embedding_output import add_embedding_output, describe_embeddings
from training.network.half_precision import store_halved


def add(path: Path) -> Path:
    model = onnx.load(str(path))
    add_embedding_output(model, path.name)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def test_embedding_is_the_mean_of_what_the_maps_are_made_of(tmp_path: Path) -> None:
    weights = np.array([[1.0, 2.0, -1.0], [0.0, -3.0, 0.5]])
    path = write_tiny_model(tmp_path / "m.onnx", tiny_contract(colour="rgb", size_px=16), weights)
    crops = make_probe_crops(16)
    plain = Classifier(path, device="cpu").run(crops)
    found = Classifier(add(path), device="cpu").run(crops, with_embedding=True)
    np.testing.assert_array_equal(found.logits, plain.logits)
    assert found.embedding is not None
    assert found.embedding.shape == (2, 3)
    np.testing.assert_allclose(
        found.embedding, ((crops / 255 - 0.5) / 0.25).mean(axis=(1, 2))[:, ::-1], atol=1e-5
    )
    np.testing.assert_allclose(found.embedding @ weights.T, found.logits, atol=1e-5)


def test_a_second_time_adds_nothing(tmp_path: Path) -> None:
    path = add(write_tiny_model(tmp_path / "m.onnx", tiny_contract()))
    once = path.read_bytes()
    assert add(path).read_bytes() == once


def test_stored_weights_may_be_halved(tmp_path: Path) -> None:
    channels = 600  # so many that their weights are stored in 16 bits
    kernel = np.ones((2, channels, 1, 1), np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Tile", ["input", "times"], ["wide"]),
            helper.make_node("Conv", ["wide", "kernel"], [CAM]),
            helper.make_node("ReduceMean", [CAM, "axes"], ["logits"], keepdims=0),
        ],
        "wide",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["N", 1, 16, 16])],
        [
            helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["N", 2]),
            helper.make_tensor_value_info(CAM, onnx.TensorProto.FLOAT, ["N", 2, 16, 16]),
        ],
        [
            numpy_helper.from_array(np.array([1, channels, 1, 1]), "times"),
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    store_halved(model)
    assert [node.op_type for node in model.graph.node].count("Cast") == 1
    helper.set_model_props(model, write_contract(tiny_contract()))
    path = tmp_path / "m.onnx"
    onnx.save(model, str(path))
    assert Classifier(add(path), device="cpu").embedding_dim == channels


@pytest.mark.parametrize("absent", ["conv", "weights"])
def test_file_whose_maps_no_convolution_makes_is_refused(tmp_path: Path, absent: str) -> None:
    model = onnx.load(str(write_tiny_model(tmp_path / "m.onnx", tiny_contract())))
    if absent == "conv":
        model.graph.node[0].op_type = "Add"
    else:
        del model.graph.initializer[0]
    with pytest.raises(ModelError, match=r"m\.onnx (has no convolution|does not hold the weights)"):
        add_embedding_output(model, "m.onnx")
    assert EMBEDDING not in [output.name for output in model.graph.output]


def test_facts_have_few_digits() -> None:
    facts = describe_embeddings(np.array([[1.0, 0.0], [2.0, 0.0], [2.0, 0.0]]))
    assert facts.mean == (1.667, 0.0)
    assert facts.std == (0.4714, 0.0)
