"""Weights from elsewhere: what fits is taken, the rest is named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from app.errors import TrainingError
from tests.support.shapes import LABELS, train_shapes
from training import export
from training.base import licences
from training.checkpoints.checkpoint import build_network, load_checkpoint, load_trained
from training.checkpoints.compact import name_compact, read_compact, write_compact
from training.checkpoints.initial_weights import (
    load_initial,
    match_label_rows,
    read_weights,
    translate_name,
)
from training.config.run_config import RunConfig
from training.network.model import DaclNet, ModelConfig


def other_net(trained: Path, classes: int, seed: int = 7) -> DaclNet:
    torch.manual_seed(seed)
    return build_network(load_trained(trained / "best.pt").config, classes)


def values(net: DaclNet) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize(
    ("labels", "known", "rows"),
    [
        ([], [], {}),
        (["a", "b"], ["b", "c"], {1: 0}),
        (["Happy", "sad"], ["neutral", "happiness", "sadness"], {0: 1, 1: 2}),
        (["joy", "happiness"], ["happiness"], {1: 0}),  # the same word goes first
        (["joy", "happy"], ["happiness"], {0: 0}),  # a row goes to one label
    ],
)
def test_labels_are_matched_by_what_they_say(
    labels: list[str], known: list[str], rows: dict[int, int]
) -> None:
    assert match_label_rows(labels, known) == rows


class Hostile:
    """What runs when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.victim,)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    victim, file = tmp_path / "ran", tmp_path / "hostile.pt"
    torch.save({"format": 1, "recommended": "model", "model": Hostile(victim)}, file)
    for read in (load_checkpoint, load_trained, read_weights):
        with pytest.raises(TrainingError, match=r"hostile\.pt"):
            read(file)
    assert not victim.exists()
    torch.load(file, weights_only=False)
    assert victim.exists()  # it would have


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("conv1.weight", "backbone.stem.0.weight"),
        ("layer1.0.bn2.bias", "backbone.stages.0.norm2.bias"),
        ("layer2.1.conv1.weight", "backbone.stages.3.conv1.weight"),
        ("layer2.0.downsample.1.weight", "backbone.stages.2.shortcut.1.weight"),
        ("fc.bias", "classifier.bias"),
        ("layer2.5.conv1.weight", "layer2.5.conv1.weight"),  # a deeper network's
    ],
)
def test_names_of_torchvision_are_known(theirs: str, ours: str | None) -> None:
    names = build_network(RunConfig(model=ModelConfig(blocks=2)), 3).state_dict()
    found = translate_name(theirs, blocks=2)
    if ours is not None:
        assert found == ours
    assert (found in names) == (found != theirs)


def test_shared_labels_keep_their_rows(trained: Path) -> None:
    state = load_checkpoint(trained / "best.pt")
    theirs = state[state["recommended"]]
    labels = ("cross", "star", "disc", "frame")
    net, before = other_net(trained, 4), values(other_net(trained, 4))
    centres = torch.full((4, net.config.feature_dim), 5.0)
    report = load_initial(net, trained / "best.pt", labels=labels, centres=centres)
    for row, label in enumerate(labels):
        if label == "star":
            assert torch.equal(net.classifier.weight[row], before["classifier.weight"][row])
            assert (centres[row] == 5).all()
            continue
        source = LABELS.index(label)
        assert torch.equal(net.classifier.weight[row], theirs["classifier.weight"][source])
        assert net.classifier.bias[row] == theirs["classifier.bias"][source]
        assert torch.equal(centres[row], state["centres"]["centres"][source])
    for name, tensor in net.state_dict().items():
        if not name.startswith("classifier."):
            assert torch.equal(tensor, theirs[name]), name
    assert report.carried == (("cross", "cross"), ("disc", "disc"), ("frame", "frame"))
    assert (report.fresh, report.missing, report.unexpected) == (("star",), (), ())
    assert report.summary() == (
        f"{trained / 'best.pt'} (checkpoint): {len(theirs) - 2} tensors taken; labels carried "
        "over: cross, disc, frame; new labels: star."
    )


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_state_dict_is_taken_by_name_and_shape(
    wrapper: str | None, trained: Path, tmp_path: Path
) -> None:
    theirs = values(other_net(trained, 5, seed=1))
    tensors = {f"module.{name}": tensor for name, tensor in theirs.items()}
    tensors["module.extra"] = torch.zeros(2)
    del tensors["module.backbone.stem.1.bias"]
    torch.save(tensors if wrapper is None else {wrapper: tensors}, tmp_path / "net.pth")
    net, before = other_net(trained, 3), values(other_net(trained, 3))
    report = load_initial(net, tmp_path / "net.pth", labels=LABELS)
    assert report.kind == "state dict"
    assert report.missing == ("backbone.stem.1.bias",)
    assert report.unexpected == ("extra",)
    assert [name for name, *_ in report.mismatched] == ["classifier.weight", "classifier.bias"]
    assert report.mismatched[1][1:] == ((5,), (3,))
    untouched = {"backbone.stem.1.bias", "classifier.weight", "classifier.bias"}
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, (before if name in untouched else theirs)[name]), name
    assert report.summary() == (
        f"{tmp_path / 'net.pth'} (state dict): {len(report.matched)} tensors taken, 1 not in the "
        "file, which begin anew (backbone.stem.1.bias), 2 of another shape, which begin anew "
        "(classifier.weight, classifier.bias), 1 in the file only (extra)."
    )
    assert "missing in the file: backbone.stem.1.bias" in report.lines()


def test_network_of_another_width_is_refused_and_left_alone(trained: Path) -> None:
    config = load_trained(trained / "best.pt").config
    net = build_network(replace(config, model=replace(config.model, width=16)), 3)
    before = values(net)
    with pytest.raises(TrainingError, match=r"Nothing in .*best\.pt fits this network"):
        load_initial(net, trained / "best.pt", labels=LABELS)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_files_that_hold_no_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"weights .* are missing"):
        read_weights(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(TrainingError, match="no weights that can be read safely"):
        read_weights(tmp_path / "text.pth")
    torch.save({"epoch": 3, "best": 0.5}, tmp_path / "numbers.pth")
    with pytest.raises(TrainingError, match="holds no state dict"):
        read_weights(tmp_path / "numbers.pth")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dlib_face_recognition_resnet_model_v1.dat.bz2", r"is packed\. Unpack it first"),
        ("face_recognition_model.bin", r"Give the …weights_manifest\.json beside it"),
        ("dacl.onnx", "Give the checkpoint that it was exported from"),
        ("dlib.pth", r"or dlib's network as a \.dat file"),
    ],
)
def test_files_that_look_like_weights_are_told_from_them(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / name).write_bytes(b"no pickle")
    with pytest.raises(TrainingError, match=message) as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match="is a folder"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", ["backbone.stem.0.weight", "classifier.bias"])
def test_numbers_that_are_not_finite_are_refused_and_the_network_left_alone(
    trained: Path, tmp_path: Path, name: str
) -> None:
    state = load_checkpoint(trained / "best.pt")
    tensors = {key: tensor.clone() for key, tensor in state[state["recommended"]].items()}
    tensors[name].view(-1)[0] = torch.nan
    torch.save(state | {state["recommended"]: tensors}, tmp_path / "nan.pt")
    net = other_net(trained, 3)
    before = values(net)
    with pytest.raises(TrainingError, match=f"not finite, in {name}"):
        load_initial(net, tmp_path / "nan.pt", labels=LABELS)
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


def test_summary_names_what_little_does_not_fit(trained: Path) -> None:
    config = load_trained(trained / "best.pt").config
    coloured = build_network(replace(config, train=replace(config.train, colour="rgb")), 3)
    report = load_initial(coloured, trained / "best.pt", labels=LABELS)
    assert "1 of another shape, which begin anew (backbone.stem.0.weight);" in report.summary()


def test_training_begins_with_given_weights(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One step at a rate too small to change anything keeps what a run had learned."""
    options = ("--epochs", "1", "--batch-size", "96", "--learning-rate", "1e-9")
    train_shapes(shapes_npz, tmp_path / "run", *options, "--init", str(trained / "best.pt"))
    assert "labels carried over: frame, disc, cross." in capsys.readouterr().err
    state, source = load_checkpoint(tmp_path / "run/last.pt"), load_checkpoint(trained / "best.pt")
    for name, tensor in source[source["recommended"]].items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(state["net"][name], tensor, atol=1e-6, rtol=0)


@pytest.mark.slow
def test_compact_checkpoint_gives_the_same_network(
    shapes_npz: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "shapes.onnx"
    words = [str(shapes_npz), str(trained / "best.pt"), "-o", str(model), "--compact"]
    assert export.main(words) == 0
    assert f"{tmp_path / 'shapes.pt'}: " in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shapes.onnx", "shapes.pt"]
    assert name_compact(model).stat().st_size < 0.3 * (trained / "best.pt").stat().st_size
    weights, licence = read_compact(model)
    assert weights.kind == "compact checkpoint"
    assert licence == licences.FOLDER_LICENCE
    whole, half = load_trained(trained / "best.pt"), load_trained(name_compact(model))
    assert (half.config, half.facts, half.step) == (whole.config, whole.facts, whole.step)
    crops = torch.rand(8, 1, 24, 24, generator=torch.Generator().manual_seed(0)) * 4 - 2
    with torch.no_grad():
        torch.testing.assert_close(
            half.net(crops).logits, whole.net(crops).logits, atol=0.02, rtol=0
        )


def test_compact_checkpoint_of_another_training_is_refused(
    exported: Path, trained: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.onnx"
    model.write_bytes(exported.read_bytes())
    with pytest.raises(TrainingError, match=r"mine\.pt is missing: .*--compact"):
        read_compact(model)
    state = load_checkpoint(trained / "best.pt")
    torch.save(state | {"step": state["step"] + 1}, tmp_path / "other.pt")
    write_compact(tmp_path / "other.pt", name_compact(model))
    with pytest.raises(TrainingError, match="does not belong to"):
        read_compact(model)
