"""A file in half precision is half as large and exactly the rounded network."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from app.contract import make_probe_crops
from app.errors import TrainingError
from app.recognition.classifier import Classifier
from app.recognition.onnx_guard import check_model
from training import export as exporting
from training.checkpoints.checkpoint import load_trained
from training.datasets.examples import load_examples
from training.datasets.pack_reader import read_pack
from training.exporting import onnx_file
from training.exporting.int8 import Int8Settings, quantise_model
from training.judge.evaluation import evaluate
from training.judge.predictions import compute_net_logits, make_uint8_crops
from training.network.half_precision import (
    MIN_HALVED_ELEMENTS,
    SUFFIX,
    restore_full,
    round_to_half,
    store_halved,
)
from training.network.model import DaclNet, ModelConfig


@pytest.fixture(scope="module")
def half(shapes_npz: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("half") / "half.onnx"
    words = [str(shapes_npz), str(trained / "best.pt"), "-o", str(path), "--weights", "half"]
    assert exporting.main(words) == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return path


def weight_bytes(path: Path) -> int:
    return sum(len(tensor.raw_data) for tensor in onnx.load(str(path)).graph.initializer)


@pytest.mark.slow
def test_file_is_half_as_large(half: Path, exported: Path) -> None:
    assert weight_bytes(half) / weight_bytes(exported) == pytest.approx(0.5, abs=0.01)
    saved = exported.stat().st_size - half.stat().st_size
    assert saved > 0.95 * weight_bytes(exported) / 2


@pytest.mark.slow
def test_outputs_are_those_of_the_rounded_network(
    half: Path, trained: Path, shapes_npz: Path, tmp_path: Path
) -> None:
    network = load_trained(trained / "best.pt")
    contract = Classifier(half, device="cpu").contract
    valid = load_examples(
        read_pack(shapes_npz),
        "valid",
        template=contract.template,
        size_px=contract.size_px,
        colour=contract.colour,
        labels_from="majority",
    )
    crops = make_uint8_crops(valid, torch.arange(len(valid)))
    outputs = Classifier(half, device="cpu").run(crops)
    net = round_to_half(network.net)
    np.testing.assert_allclose(outputs.logits, compute_net_logits(net, valid), atol=1e-5)
    # The very same bits as the rounded network stored in full.
    full = tmp_path / "full.onnx"
    onnx_file.write_onnx(type(network)(net, network.config, network.facts, 0), contract, full)
    same = Classifier(full, device="cpu").run(crops)
    np.testing.assert_array_equal(outputs.logits, same.logits)
    np.testing.assert_array_equal(outputs.cam, same.cam)


def test_contract_is_the_rounded_networks(half: Path, exported: Path, shapes_npz: Path) -> None:
    classifier = Classifier(half, device="cpu")
    new, old = classifier.contract, Classifier(exported, device="cpu").contract
    for name in ("labels", "colour", "size_px", "mean", "std", "template", "training_data"):
        assert getattr(new, name) == getattr(old, name)
    assert new.recipe == {**old.recipe, "weights": "half"}
    assert new.metrics["same_label_as_full"] >= 0.95
    assert (
        new.metrics["accuracy"] == evaluate(read_pack(shapes_npz), half, "valid").majority.accuracy
    )
    logits = classifier.run(make_probe_crops(new.size_px)).logits
    np.testing.assert_allclose(logits, new.probe_logits, atol=1e-5)
    assert new.probe_logits != old.probe_logits
    np.testing.assert_allclose(new.probe_logits, old.probe_logits, atol=0.05)


def test_guard_accepts_the_file_which_names_no_path(half: Path) -> None:
    check_model(half.read_bytes(), "half.onnx")
    assert b".py" not in half.read_bytes()


@pytest.mark.slow
def test_command_says_how_often_labels_agree(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(shapes_npz), str(trained / "best.pt"), "-o", str(tmp_path / "m.onnx")]
    assert exporting.main([*words, "--weights", "half", "--attention"]) == 0
    assert "the label of full precision on 100.00 % of 30 validation" in capsys.readouterr().out
    kept = onnx.load(str(tmp_path / "m.onnx")).graph.initializer
    large = [t for t in kept if len(t.dims) > 1 and np.prod(t.dims) >= MIN_HALVED_ELEMENTS]
    assert all(tensor.data_type == TensorProto.FLOAT16 for tensor in large)
    assert len([tensor for tensor in large if len(tensor.dims) == 2]) >= 4  # the attention's


@pytest.mark.parametrize("excite", [0, 4])
def test_rounding_takes_the_normalisations_in(excite: int) -> None:
    config = ModelConfig(width=4, blocks=1, excite=excite)
    net = DaclNet(config, channels=1, classes=3, size_px=24).eval()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if "running_var" in name or ("norm" in name and "weight" in name):
                tensor.uniform_(0.5, 2)
            elif "running_mean" in name:
                tensor.normal_(std=0.3)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    small = round_to_half(net)
    kinds = {type(module) for module in small.modules()}
    assert not kinds & {torch.nn.BatchNorm1d, torch.nn.BatchNorm2d}
    weights = [weight for weight in small.parameters() if weight.ndim > 1]
    assert all(torch.equal(weight, weight.half().float()) for weight in weights)
    x = torch.randn(5, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for wanted, got in zip(net(x), small(x), strict=True):
            torch.testing.assert_close(got, wanted, atol=0.01, rtol=0.01)
    for name, tensor in net.state_dict().items():  # what was given stays as it was
        assert torch.equal(tensor, before[name])


def test_weights_beyond_half_precision_are_refused() -> None:
    net = DaclNet(ModelConfig(width=4, blocks=1), channels=1, classes=3, size_px=24)
    with torch.no_grad():
        net.classifier.weight[0, 0] = 70000
    with pytest.raises(TrainingError, match=r"classifier\.weight are too large for half"):
        round_to_half(net)


def model_of(*tensors: np.ndarray) -> onnx.ModelProto:
    names = [f"w{number}" for number in range(len(tensors))]
    graph = helper.make_graph(
        [helper.make_node("Sum", names, ["y"])],
        "sum",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "M"])],
        [numpy_helper.from_array(t, name) for t, name in zip(tensors, names, strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


EXACT = np.arange(400, dtype=np.float32).reshape(20, 20)


@pytest.mark.parametrize(
    ("tensor", "stored"),
    [
        (EXACT, TensorProto.FLOAT16),
        (EXACT[:5], TensorProto.FLOAT),  # too small to gain by it
        (EXACT / 3, TensorProto.FLOAT),  # would lose by it
        (EXACT * 1e6, TensorProto.FLOAT),  # beyond its range
        (EXACT.astype(np.int64), TensorProto.INT64),
    ],
    ids=["exact", "small", "inexact", "large", "whole"],
)
def test_what_is_stored_in_half(tensor: np.ndarray, stored: int) -> None:
    model = model_of(tensor)
    store_halved(model)
    [kept] = model.graph.initializer
    assert kept.data_type == stored
    assert kept.name == ("w0" + SUFFIX if stored == TensorProto.FLOAT16 else "w0")
    assert [n.op_type for n in model.graph.node] == ["Cast", "Sum"][stored != TensorProto.FLOAT16 :]


def test_widening_takes_it_back() -> None:
    model, before = model_of(EXACT, EXACT / 3, EXACT + 1), model_of(EXACT, EXACT / 3, EXACT + 1)
    store_halved(model)
    assert model != before
    onnx.checker.check_model(model)
    restore_full(model)
    assert model == before


def test_file_can_still_be_quantised(half: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 1, 24, 24)).astype(np.float32)
    model = quantise_model(half, x, Int8Settings(calibration="minmax"))
    weights = [t.data_type for t in model.graph.initializer if len(t.dims) == 4]
    assert weights.count(TensorProto.INT8) == len(weights) - 1
