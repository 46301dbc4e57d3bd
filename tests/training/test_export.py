"""An exported file gives the network's logits and carries its whole contract, or is not written."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from app.alignment import FACE_TEMPLATE
from app.contract import EMBEDDING, make_probe_crops
from app.errors import TrainingError
from app.recognition.classifier import Classifier
from app.recognition.contract_metadata import write_contract
from tests.support.shapes import train_shapes
from training import evaluate
from training import export as exporting
from training.base import licences
from training.checkpoints.checkpoint import build_network, load_trained, save_checkpoint
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.examples import load_examples
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import SPLITS, Split
from training.datasets.webp import encode_webp
from training.exporting import onnx_file
from training.judge import evaluation, predictions
from training.network.model import ModelConfig

LABELS = ("b", "a", "c")  # not in alphabetical order: names count, not places
SIDE = 24


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Random grey pictures with a label each; what they show does not matter here."""
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("pack") / "tiny.npz"

    def sample(number: int, split: Split) -> PackedSample:
        return PackedSample(
            webp=encode_webp(generator.integers(0, 256, (SIDE, SIDE), np.uint8)),
            split=split,
            votes=np.eye(3, dtype=np.uint8)[number % 3],
            landmarks=np.full((6, 2), np.nan, np.float32),
            name=f"{split}{number}",
        )

    meta = PackMeta("tiny", "single", LABELS, LABELS, {})
    write_pack(path, meta, [sample(n, split) for split in SPLITS for n in range(12)])
    return read_pack(path)


@pytest.fixture(scope="module")
def checkpoint(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of random weights, with batch statistics that are not the trivial ones."""
    torch.manual_seed(1)
    config = RunConfig(train=TrainConfig(size_px=32), model=ModelConfig(width=4, blocks=1))
    net = build_network(config, 3)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if "running_var" in name or ("norm" in name and "weight" in name):
                tensor.uniform_(0.5, 2)
            elif "running_mean" in name:
                tensor.normal_(std=0.3)
    path = tmp_path_factory.mktemp("run") / "best.pt"
    facts = {"dataset": "tiny", "key": pack.meta.key, "labels": LABELS}
    save_checkpoint(
        path,
        {
            "config": {
                name: {
                    key: getattr(getattr(config, name), key)
                    for key in getattr(config, name).__dataclass_fields__
                }
                for name in ("train", "model", "augment")
            },
            "facts": facts | {"class_shares": (1 / 3, 1 / 3, 1 / 3)},
            "step": 7,
            "net": net.state_dict(),
            "averaged": net.state_dict(),
            "recommended": "net",
        },
    )
    return path


@pytest.fixture(scope="module")
def tiny(pack: Pack, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "tiny.onnx"
    onnx_file.export_model(pack, checkpoint, path, "for tests")
    return path


@pytest.mark.slow
def test_exported_file_stands_alone(tiny: Path) -> None:
    assert [p.name for p in tiny.parent.iterdir()] == ["tiny.onnx"]


def test_contract_says_where_the_model_comes_from(tiny: Path, pack: Pack) -> None:
    contract = Classifier(tiny, device="cpu").contract
    assert contract.labels == LABELS
    assert (contract.colour, contract.size_px, contract.licence) == ("grey", 32, "for tests")
    assert contract.template == FACE_TEMPLATE.scale_crop(0.85)
    assert contract.training_data.key == pack.meta.key
    assert contract.recipe["model"]["width"] == 4
    assert contract.recipe["steps"] == 7
    assert contract.metrics["faces"] == 12
    assert "DACL" in contract.method


@pytest.mark.parametrize("name", ["gone.onnx", "gone.pt"])
def test_network_that_is_missing_is_said_before_the_data_is_read(tmp_path: Path, name: str) -> None:
    words = [str(tmp_path / "gone.npz"), str(tmp_path / name), "-o", str(tmp_path / "x.onnx")]
    with pytest.raises(TrainingError, match=rf"{name} is missing\. Give a checkpoint, or a file"):
        exporting.main(words)


@pytest.mark.parametrize("key", ["config", "facts", "net", "recommended", "step"])
def test_checkpoint_that_lacks_a_part_is_one_line(
    checkpoint: Path, tmp_path: Path, key: str
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    del state[key]
    path = tmp_path / "cut.pt"
    torch.save(state, path)
    with pytest.raises(TrainingError, match=r"cut\.pt is damaged"):
        load_trained(path)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_file_gives_the_networks_logits(
    tiny: Path, checkpoint: Path, pack: Pack, count: int
) -> None:
    trained = onnx_file.load_trained(checkpoint)
    valid = load_examples(
        pack,
        "valid",
        template=FACE_TEMPLATE.scale_crop(0.85),
        size_px=32,
        colour="grey",
        labels_from="majority",
    )
    wanted = predictions.compute_net_logits(trained.net, valid)
    crops = predictions.make_uint8_crops(valid, torch.arange(len(valid)))
    outputs = Classifier(tiny, device="cpu").run(crops[:count])
    np.testing.assert_allclose(outputs.logits, wanted[:count], atol=1e-4)
    np.testing.assert_allclose(outputs.cam.mean(axis=(2, 3)), outputs.logits, atol=1e-5)
    assert outputs.cam.shape == (count, 3, 2, 2)
    assert np.ptp(wanted) > 0.1  # random weights must say something


def test_file_gives_the_networks_embedding(tiny: Path, checkpoint: Path, pack: Pack) -> None:
    trained = load_trained(checkpoint)
    valid = load_examples(
        pack,
        "valid",
        template=FACE_TEMPLATE.scale_crop(0.85),
        size_px=32,
        colour="grey",
        labels_from="majority",
    )
    wanted = predictions.compute_net_readings(trained.net, valid)
    classifier = Classifier(tiny, device="cpu")
    got = predictions.compute_file_embeddings(classifier, valid)
    assert got.shape == (12, trained.net.config.feature_dim)
    assert got.std(axis=0).max() > 0.01  # random weights must say something
    np.testing.assert_allclose(got, wanted.embeddings, atol=1e-4)
    weight, bias = (part.detach().numpy() for part in trained.net.classifier.parameters())
    np.testing.assert_allclose(got @ weight.T + bias, wanted.logits, atol=1e-4)
    facts = classifier.contract.embedding
    assert facts is not None
    np.testing.assert_allclose(facts.mean, got.mean(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(facts.std, got.std(axis=0), rtol=1e-3, atol=1e-6)


def test_file_whose_embedding_differs_from_the_networks_is_refused(
    pack: Pack, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnx_file.compute_file_embeddings
    monkeypatch.setattr(onnx_file, "compute_file_embeddings", lambda *a: real(*a) + 2e-4)
    with pytest.raises(TrainingError, match="differs from the network by 2"):
        onnx_file.export_model(pack, checkpoint, tmp_path / "m.onnx", "")
    assert not list(tmp_path.iterdir())


def test_probe_logits_travel_with_the_file(tiny: Path) -> None:
    classifier = Classifier(tiny, device="cpu")
    np.testing.assert_allclose(
        classifier.run(make_probe_crops(32)).logits, classifier.contract.probe_logits, atol=1e-4
    )


@pytest.mark.slow
def test_file_that_differs_from_the_network_does_not_replace_the_old_one(
    pack: Pack, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the old one")
    real = onnx_file.compute_file_logits
    monkeypatch.setattr(onnx_file, "compute_file_logits", lambda *a: real(*a) + 2e-4)
    with pytest.raises(TrainingError, match="differs from the network by 2"):
        onnx_file.export_model(pack, checkpoint, path, "")
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_checkpoint_are_judged_alike(tiny: Path, checkpoint: Path, pack: Pack) -> None:
    of_file = evaluation.evaluate(pack, tiny, "valid")
    of_net = evaluation.evaluate(pack, checkpoint, "valid")
    assert of_file.majority.confusion == of_net.majority.confusion
    assert of_file.argmax is None  # one label a picture: there is nothing else to report
    assert of_file.temperature != 1.0
    assert of_net.temperature == 1.0


@pytest.mark.slow
def test_validation_split_leaves_the_ledger_alone(
    tiny: Path, pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "tiny.npz"
    write_pack(data, pack.meta, _samples(pack))
    ledger = tmp_path / "ledger.md"
    arguments = [str(data), str(tiny), "--ledger", str(ledger)]
    assert evaluate.main([*arguments, "-o", str(tmp_path / "report")]) == 0
    assert "12 faces: accuracy" in capsys.readouterr().out
    assert not ledger.exists()
    names = sorted(p.name for p in (tmp_path / "report").iterdir())
    assert names == [
        *("confusion.png", "coverage.png", "reliability.png"),
        *("report.json", "report.md"),
    ]
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    assert facts["split"] == "valid"
    assert facts["majority"]["count"] == 12


def test_each_opening_of_the_test_split_is_entered(tiny: Path, pack: Pack, tmp_path: Path) -> None:
    data = tmp_path / "tiny.npz"
    write_pack(data, pack.meta, _samples(pack))
    ledger = tmp_path / "ledger.md"
    for _ in range(2):
        arguments = [str(data), str(tiny), "--split", "test", "--ledger", str(ledger)]
        assert evaluate.main(arguments) == 0
    lines = [line for line in ledger.read_text().splitlines() if line.startswith("| 2")]
    assert len(lines) == 2
    assert lines[0].startswith(f"| {datetime.date.today().isoformat()} | tiny.onnx | `")
    assert "| tiny | 12 |" in lines[0]


def _samples(pack: Pack) -> list[PackedSample]:
    return [
        PackedSample(
            webp=pack.blob[pack.offsets[row] : pack.offsets[row + 1]].tobytes(),
            split=SPLITS[pack.split[row]],
            votes=pack.votes[row],
            landmarks=pack.landmarks[row],
            name=pack.names[row],
        )
        for row in range(len(pack))
    ]


def test_doubt_leaves_nine_of_ten_validation_faces_their_label(
    shapes_npz: Path, exported: Path
) -> None:
    contract = Classifier(exported, device="cpu").contract
    assert contract.unsure_below is not None
    assert 1 / 3 < contract.unsure_below <= 2 / 3
    said = evaluation.evaluate(read_pack(shapes_npz), exported, "valid").doubt.said
    assert said is not None
    assert said.share >= 0.9
    assert said.thresholds.below == contract.unsure_below
    assert said.thresholds.above_nats == contract.unsure_above_nats


def test_exported_file_gets_a_new_decision_rule_and_keeps_its_network(
    shapes_npz: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new.onnx"
    words = [str(shapes_npz), str(exported), "-o", str(output)]
    assert exporting.main([*words, "--prior-correction", "0.5"]) == 0
    assert "prior correction 0.50. Unsure below" in capsys.readouterr().out
    old, new = (Classifier(path, device="cpu").contract for path in (exported, output))
    assert (old.prior_correction, new.prior_correction) == (0, 0.5)  # few faces choose nothing
    assert (new.temperature, new.probe_logits) == (old.temperature, old.probe_logits)
    graphs = [onnx.load(str(path)).graph.SerializeToString() for path in (exported, output)]
    assert graphs[0] == graphs[1]
    assert exporting.main([str(shapes_npz), str(output), "-o", str(output)]) == 0
    again = Classifier(output, device="cpu").contract
    assert again.unsure_below == old.unsure_below
    assert again.unsure_above_nats == old.unsure_above_nats
    assert again.metrics["nll"] == pytest.approx(old.metrics["nll"], rel=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["new.onnx"]


def test_file_from_before_embeddings_gets_one(
    shapes_npz: Path, exported: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.onnx", tmp_path / "new.onnx"
    model = onnx.load(str(exported))
    (output,) = (one for one in model.graph.output if one.name == EMBEDDING)
    (node,) = (one for one in model.graph.node if EMBEDDING in one.output)
    model.graph.output.remove(output)
    model.graph.node.remove(node)
    contract = replace(Classifier(exported, device="cpu").contract, embedding=None)
    onnx.helper.set_model_props(model, write_contract(contract))
    onnx.save(model, str(old))
    assert Classifier(old, device="cpu").embedding_dim is None
    assert exporting.main([str(shapes_npz), str(old), "-o", str(new)]) == 0
    crops = make_probe_crops(24)
    before, after = (
        Classifier(path, device="cpu").run(crops, with_embedding=True) for path in (exported, new)
    )
    assert before.embedding is not None
    assert after.embedding is not None
    np.testing.assert_array_equal(after.embedding, before.embedding)
    np.testing.assert_array_equal(after.logits, before.logits)
    facts, wanted = (Classifier(path, device="cpu").contract.embedding for path in (new, exported))
    assert facts is not None
    assert wanted is not None
    np.testing.assert_allclose(facts.mean, wanted.mean, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("words", [["--compact"], ["--licence", "x"], ["--weights", "half"]])
def test_options_of_a_checkpoint_are_refused_for_a_file(
    shapes_npz: Path, exported: Path, tmp_path: Path, words: list[str]
) -> None:
    output = tmp_path / "new.onnx"
    with pytest.raises(TrainingError, match=f"{words[0]} is for a checkpoint"):
        exporting.main([str(shapes_npz), str(exported), "-o", str(output), *words])
    assert not output.exists()


def test_file_says_nothing_of_the_machine_it_was_made_on(exported: Path) -> None:
    content = exported.read_bytes()
    assert b"site-packages" not in content
    assert str(Path(exporting.__file__).parent).encode() not in content
    assert b".py" not in content


@pytest.mark.slow
def test_attention_is_a_third_output_where_it_is_asked_for(
    shapes_npz: Path, trained: Path, tmp_path: Path
) -> None:
    path = tmp_path / "attentive.onnx"
    checkpoint = trained / "best.pt"
    assert exporting.main([str(shapes_npz), str(checkpoint), "-o", str(path), "--attention"]) == 0
    network = load_trained(checkpoint)
    crops = make_probe_crops(network.config.train.size_px)
    attentive = Classifier(path, device="cpu").run(crops)
    np.testing.assert_allclose(attentive.logits, onnx_file.compute_probe_logits(network), atol=1e-4)
    assert attentive.attention is not None
    assert attentive.attention.shape == (2, network.net.config.feature_dim)
    assert 0 < attentive.attention.min() < attentive.attention.max() < 1


def test_attention_of_another_loss_is_refused(shapes_npz: Path, tmp_path: Path) -> None:
    run = train_shapes(shapes_npz, tmp_path / "softmax", "--loss", "softmax", "--epochs", "1")
    options = [str(shapes_npz), str(run / "best.pt"), "-o", str(tmp_path / "m.onnx")]
    with pytest.raises(TrainingError, match="softmax loss and has no attention"):
        exporting.main([*options, "--attention"])
    assert not (tmp_path / "m.onnx").exists()


def test_note_warns_of_what_the_data_allows() -> None:
    assert (
        "FER2013" in licences.choose_licence("FER+") == licences.choose_licence("FER+ detections")
    )
    assert "RAF-DB, which its authors give out for non-commercial" in licences.choose_licence(
        "RAF-DB"
    )
    assert "AffectNet, which" in licences.choose_licence("AffectNet")
    assert licences.choose_licence("mine") == licences.FOLDER_LICENCE
