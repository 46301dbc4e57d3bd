"""A file in integers keeps its contract and its maps, and is written only when it is as good."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from app.alignment import normalise
from app.contract import make_probe_crops
from app.detection.mediapipe_detector import Detector
from app.errors import DataError, ModelError, TrainingError
from app.pipeline import Pipeline
from app.recognition.classifier import Classifier
from app.types import Frame, Image
from tests.support.shapes import write_shapes
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import quantise
from training.datasets.examples import load_examples
from training.datasets.pack_reader import read_pack
from training.exporting import int8_file, int8_quality
from training.exporting.int8 import (
    Int8Settings,
    choose_int8_nodes,
    make_calibration_input,
    quantise_model,
)
from training.judge.evaluation import evaluate
from training.judge.latency import Spread
from training.judge.predictions import make_uint8_crops
from training.measures.metrics import measure_metrics


def times(int8_ms: float) -> object:
    """In place of the clock: fp32 takes a millisecond."""
    return lambda files, rounds, threads: {
        name: np.full(rounds, 1.0 if name == "fp32" else int8_ms) for name in files
    }


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of calibration of 30 faces says little."""
    monkeypatch.setattr(int8_quality, "MAX_ECE", 0.2)


@pytest.fixture
def fast(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_file, "time_files", times(0.5))


@pytest.fixture(scope="module")
def made(shapes_npz: Path, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained shapes network in integers, timed for real: a network this small may be slower,
    so its speed does not count here."""
    path = tmp_path_factory.mktemp("int8") / "shapes.int8.onnx"
    words = [str(shapes_npz), str(exported), "-o", str(path), "--anyway", "--rounds", "3"]
    assert quantise.main(words) in (0, 1)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    return path


def test_convolutions_compute_in_integers_and_the_maps_do_not(made: Path, exported: Path) -> None:
    graph = onnx.load(str(made)).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("Conv") == [n.op_type for n in onnx.load(str(exported)).graph.node].count(
        "Conv"
    )
    assert "QuantizeLinear" in kinds
    weights = [i for i in graph.initializer if len(i.dims) == 4]
    kept = [i for i in weights if i.data_type == onnx.TensorProto.FLOAT]
    assert [list(i.dims[:2]) for i in kept] == [[3, 64]]  # the classifier alone
    assert all(i.data_type == onnx.TensorProto.INT8 for i in weights if i not in kept)


def test_sums_of_two_products_cannot_overflow(made: Path) -> None:
    for weight in onnx.load(str(made)).graph.initializer:
        if weight.data_type == onnx.TensorProto.INT8 and len(weight.dims) == 4:
            largest = np.abs(onnx.numpy_helper.to_array(weight).astype(int)).max()
            assert 2 * 255 * largest <= np.iinfo(np.int16).max, weight.name


def test_contract_is_kept_and_says_what_was_done(made: Path, exported: Path) -> None:
    new, old = (Classifier(path, device="cpu").contract for path in (made, exported))
    for name in ("labels", "colour", "size_px", "mean", "std", "template", "training_data"):
        assert getattr(new, name) == getattr(old, name)
    assert new.licence == old.licence
    assert new.method.startswith(old.method)
    assert "8-bit integers" in new.method
    assert {**new.recipe, "int8": None} == {**old.recipe, "int8": None}
    done = new.recipe["int8"]
    assert (done["calibration"], done["weight_bits"], done["faces"]) == ("percentile", 7, 512)
    assert set(new.metrics) == set(old.metrics)


def test_figures_in_the_file_are_its_own(made: Path, shapes_npz: Path) -> None:
    contract = Classifier(made, device="cpu").contract
    report = evaluate(read_pack(shapes_npz), made, "valid")
    assert contract.metrics["accuracy"] == pytest.approx(report.majority.accuracy)
    assert contract.metrics["nll"] == pytest.approx(report.majority.nll)
    assert contract.metrics["faces"] == report.majority.count == 30


def test_probe_logits_and_maps_are_the_files_own(made: Path, exported: Path) -> None:
    classifier = Classifier(made, device="cpu")
    outputs = classifier.run(make_probe_crops(24))
    tolerance = classifier.contract.recipe["int8"]["probe_tolerance"]
    np.testing.assert_allclose(outputs.logits, classifier.contract.probe_logits, atol=tolerance)
    np.testing.assert_allclose(outputs.cam.mean(axis=(2, 3)), outputs.logits, atol=1e-4)
    assert (
        outputs.logits != Classifier(exported, device="cpu").run(make_probe_crops(24)).logits
    ).any()


def test_embedding_is_that_of_the_integers(made: Path, exported: Path) -> None:
    crops = make_probe_crops(24)
    classifier = Classifier(made, device="cpu")
    found = classifier.run(crops, with_embedding=True)
    wanted = Classifier(exported, device="cpu").run(crops, with_embedding=True).embedding
    assert found.embedding is not None
    assert wanted is not None
    assert np.abs(found.embedding - wanted).max() < 0.1 * wanted.max()
    assert (found.embedding != wanted).any()
    graph = onnx.load(str(made)).graph
    (conv,) = (node for node in graph.node if "cam" in node.output)
    weight, bias = (
        onnx.numpy_helper.to_array(tensor)
        for name in conv.input[1:]
        for tensor in graph.initializer
        if tensor.name == name
    )
    np.testing.assert_allclose(
        found.embedding @ weight[:, :, 0, 0].T + bias, found.logits, atol=1e-4
    )
    facts = classifier.contract.embedding
    assert facts is not None
    assert facts != Classifier(exported, device="cpu").contract.embedding


def test_app_runs_the_file_unchanged(made: Path, clip_frames: dict[int, Image]) -> None:
    with Detector() as detector:
        pipeline = Pipeline(detector, Classifier(made, device="cpu"), tracker=None)
        result = pipeline.step(Frame(clip_frames[0], 0, 0.0, "clip"))
    assert len(result.faces) == 1
    assert result.faces[0].probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"per_channel": False},
        {"activations": "int8"},
        {"calibration": "minmax"},
        {"calibration": "entropy"},
        {"keep_float": "none"},
        {"keep_float": "both"},
    ],
    ids=str,
)
def test_every_setting_gives_a_file_that_says_nearly_the_same(
    changes: dict[str, object], shapes_npz: Path, exported: Path, tmp_path: Path
) -> None:
    subject = int8_quality.load_subject(read_pack(shapes_npz), exported)
    settings = replace(Int8Settings(faces=64), **changes)  # type: ignore[arg-type]
    quality = int8_quality.make_int8_file(subject, settings, tmp_path / "m.onnx")
    assert quality.agreement >= 0.9
    assert quality.gap < 0.1
    assert quality.maps > 0.95
    assert Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe["int8"] == {
        **Classifier(tmp_path / "m.onnx", device="cpu").contract.recipe["int8"],
        **changes,
    }


@pytest.mark.parametrize(
    ("keep", "left"),
    [("none", []), ("maps", ["last"]), ("stem", ["first"]), ("both", ["first", "last"])],
)
def test_what_is_left_in_float(keep: str, left: list[str], exported: Path) -> None:
    graph = onnx.load(str(exported)).graph
    convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
    chosen = choose_int8_nodes(graph, keep, "m")  # type: ignore[arg-type]
    ends = {"first": convolutions[0], "last": convolutions[-1]}
    assert [c for c in convolutions if c not in chosen] == [ends[end] for end in left]


def test_calibration_sees_what_the_app_would_feed(shapes_npz: Path) -> None:
    contract = replace(tiny_contract(("a", "b"), size_px=24), mean=(0.4,), std=(0.2,))
    examples = load_examples(
        read_pack(shapes_npz),
        "train",
        template=contract.template,
        size_px=24,
        colour="grey",
        labels_from="soft",
    )
    few = make_calibration_input(examples, contract, Int8Settings(faces=10))
    every = make_calibration_input(examples, contract, Int8Settings(faces=1000))
    assert few.shape == (10, 1, 24, 24)
    crops = make_uint8_crops(examples, torch.arange(len(examples)))
    wanted = normalise(crops, colour="grey", mean=(0.4,), std=(0.2,))
    np.testing.assert_array_equal(every, wanted)
    assert all((wanted == face).all(axis=(1, 2, 3)).any() for face in few)


def test_file_that_is_good_and_fast_is_written(
    fast: None, shapes_npz: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    assert quantise.main([str(shapes_npz), str(exported), "-o", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"{path}: fit to ship.\n")
    assert "one face: 0.50 (0.50–0.50) ms, fp32 1.00 (1.00–1.00) ms, ratio 0.50" in said
    assert path.exists()


def test_slower_file_is_refused_with_its_figures(
    patient: None,
    shapes_npz: Path,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(int8_file, "time_files", times(1.5))
    path = tmp_path / "m.onnx"
    path.write_bytes(b"the old one")
    words = [str(shapes_npz), str(exported), "-o", str(path)]
    with pytest.raises(TrainingError, match=r"not written: it takes 1\.50 .* or --anyway"):
        quantise.main(words)
    assert "int8: accuracy 100.00 %" in capsys.readouterr().out
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]
    assert quantise.main([*words, "--anyway"]) == 1
    assert "not fit to ship, it takes 1.50" in capsys.readouterr().out
    assert Classifier(path, device="cpu").contract.recipe["int8"]["weight_bits"] == 7


SAME = measure_metrics(np.eye(4).repeat(25, axis=0) * 9, np.arange(4).repeat(25))


@pytest.mark.parametrize(
    ("changes", "speed", "said"),
    [
        ({}, 0.9, []),
        ({"accuracy": 0.9975, "mean_class_recall": 0.985, "ece": 0.029}, 0.9, []),
        ({"accuracy": 0.995}, 0.9, ["accuracy falls by 0.50 points (at most 0.3)"]),
        ({"mean_class_recall": 0.97}, 0.9, ["mean class recall falls by 0.030 (at most 0.02)"]),
        ({"ece": 0.04}, 0.9, ["ECE is 0.040 (at most 0.03)"]),
        ({}, 1.0, ["it takes 1.00 (0.80–1.20) of the fp32 file's time"]),
    ],
)
def test_limits(changes: dict[str, float], speed: float, said: list[str]) -> None:
    after = replace(SAME, **changes)  # type: ignore[arg-type]
    assert int8_quality.find_faults(SAME, after, Spread(speed, 0.8, 1.2)) == said


def test_gain_is_no_fault() -> None:
    worse = replace(SAME, accuracy=0.9, mean_class_recall=0.9)
    assert int8_quality.find_faults(worse, SAME, Spread(0.5, 0.5, 0.5)) == []


@pytest.mark.slow
def test_survey_shows_each_variant_beside_fp32(
    fast: None,
    shapes_npz: Path,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variants = ("as asked for", "one scale a layer", "minmax", "percentile")
    monkeypatch.setattr(
        int8_file, "VARIANTS", {name: int8_file.VARIANTS[name] for name in variants}
    )
    page = tmp_path / "page.md"
    words = [str(shapes_npz), str(exported), "--survey", str(page), "--rounds", "2"]
    assert quantise.main([*words, "--faces", "32"]) == 0
    said = capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == said
    names = [line.split(" | ")[0][2:] for line in said.splitlines() if line.startswith("| ")]
    assert names == ["variant", "fp32", "as asked for", "one scale a layer", "minmax"]
    assert said.count("| 0.50 (0.50–0.50) | 0.50 (0.50–0.50) |") == 3
    assert "30 validation faces" in said


def test_survey_says_of_a_variant_why_it_failed(
    fast: None, shapes_npz: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = {"as asked for": {}, "8-bit weights": {"weight_bits": 8}}
    monkeypatch.setattr(int8_file, "VARIANTS", variants)
    real = int8_file.make_int8_file

    def make(subject: object, settings: Int8Settings, path: Path) -> object:
        if settings.weight_bits == 8:
            raise ModelError(f"{path} depends on the machine.")
        return real(subject, settings, path)  # type: ignore[arg-type]

    monkeypatch.setattr(int8_file, "make_int8_file", make)
    settings = Int8Settings(faces=32)
    page = int8_file.survey_settings(read_pack(shapes_npz), exported, settings, rounds=2, threads=1)
    assert "| 8-bit weights | it depends on the machine. | |" in page


def test_file_whose_integers_depend_on_the_machine_is_refused(
    shapes_npz: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_quality, "measure_unfused_difference", lambda *_: 0.3)
    subject = int8_quality.load_subject(read_pack(shapes_npz), exported)
    with pytest.raises(ModelError, match=r"depends on the machine: .* by 0\.30"):
        int8_quality.make_int8_file(subject, Int8Settings(faces=8), tmp_path / "m.onnx")


def test_quantised_file_is_not_quantised_again(made: Path, shapes_npz: Path) -> None:
    x = np.zeros((1, 1, 24, 24), np.float32)
    with pytest.raises(ModelError, match=r"shapes\.int8\.onnx is quantised already"):
        quantise_model(made, x, Int8Settings())


def test_model_of_one_layer_has_nothing_but_its_maps(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.onnx", tiny_contract())
    x = np.random.default_rng(0).normal(size=(9, 1, 16, 16)).astype(np.float32)
    with pytest.raises(ModelError, match="nothing to compute in integers with --keep-float maps"):
        quantise_model(path, x, Int8Settings())
    model = quantise_model(path, x, Int8Settings(keep_float="none"))
    assert "QuantizeLinear" in [node.op_type for node in model.graph.node]


def test_other_data_is_refused(exported: Path, tmp_path: Path) -> None:
    other = read_pack(write_shapes(tmp_path / "other.npz", seed=1))
    with pytest.raises(DataError, match="not what the model was trained on"):
        int8_quality.load_subject(other, exported)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "m.txt"), "must end in .onnx"),
        (("-o", "nowhere/m.onnx"), "nowhere is not a folder"),
        (("-o", "m.onnx", "--rounds", "0"), "must be at least 1"),
        (("-o", "m.onnx", "--faces", "0"), "faces must be at least 1"),
        (("-o", "m.onnx", "--seed", "-1"), "seed must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        quantise.main(["data.npz", "model.onnx", *words])
