"""Averages of networks: the mean of their weights, taken where it does no harm."""

import re
from pathlib import Path

import pytest
import torch

from app.errors import DataError, TrainingError
from tests.support.shapes import LABELS, MACHINE, train_shapes, write_shapes
from training import soup
from training.base.device import ComputeDevice
from training.checkpoints.checkpoint import load_checkpoint, load_trained
from training.checkpoints.digest import hash_checkpoint
from training.checkpoints.origins import WeightOrigin, write_origins
from training.datasets.pack_reader import read_pack
from training.datasets.split_pair import load_pair
from training.exporting import onnx_file
from training.run import averages
from training.run.predict import judge_network

CPU = ComputeDevice(torch.device("cpu"), autocast=False, compile=False)


@pytest.fixture(scope="module")
def runs(shapes_npz: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two short runs that began with one network, and that network."""
    init = trained / "best.pt"
    options = ["--init", str(init), "--epochs", "2", "--learning-rate", "0.02"]
    folders = [
        train_shapes(shapes_npz, tmp_path_factory.mktemp(f"run{seed}") / "run", *options)
        if seed == 0
        else train_shapes(
            shapes_npz, tmp_path_factory.mktemp(f"run{seed}") / "run", *options, "--seed", str(seed)
        )
        for seed in (0, 1)
    ]
    return [init, *(folder / "best.pt" for folder in folders)]


def begin_with(run: Path, path: Path, origins: list[WeightOrigin]) -> Path:
    """Writes the network of a run as if it had also begun with other weights."""
    state = load_checkpoint(run)
    state["origins"] = [*write_origins(origins), *state.get("origins", [])]
    torch.save(state, path)
    return path


@pytest.mark.slow
def test_average_is_the_mean_of_every_number(runs: list[Path]) -> None:
    nets = [load_trained(file).net for file in runs]
    mean = averages.average_networks(nets)
    for name, tensor in mean.state_dict().items():
        wanted = torch.stack([net.state_dict()[name].double() for net in nets]).mean(0)
        assert torch.allclose(tensor.double(), wanted.to(tensor.dtype).double()), name
    assert torch.equal(nets[0].classifier.weight, load_trained(runs[0]).net.classifier.weight)


def test_norms_settle_on_the_statistics_of_the_data(runs: list[Path], shapes_npz: Path) -> None:
    trained = load_trained(runs[0])
    train, valid = load_pair(read_pack(shapes_npz), trained.config, CPU.device)
    before = judge_network(trained.net, valid).accuracy
    for module in trained.net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
    lost = judge_network(trained.net, valid).accuracy
    averages.estimate_norm_statistics(trained.net, train, trained, CPU)
    assert lost < before - 0.2
    assert judge_network(trained.net, valid).accuracy >= before - 0.1
    assert trained.net.backbone.stem[1].momentum == pytest.approx(0.1)


@pytest.mark.slow
def test_greedy_soup_is_never_worse_than_its_best_ingredient(
    runs: list[Path], shapes_npz: Path
) -> None:
    ingredients = averages.read_ingredients(runs, read_pack(shapes_npz).meta.key)
    train, valid = load_pair(read_pack(shapes_npz), ingredients[0].trained.config, CPU.device)
    alone = [judge_network(one.trained.net, valid).accuracy for one in ingredients]
    made = averages.choose_soup(ingredients, train, valid, CPU)
    assert made.metrics.accuracy >= max(alone)
    assert len(averages.choose_soup(ingredients, train, valid, CPU, greedy=False).ingredients) == 3


@pytest.mark.slow
def test_command_writes_a_checkpoint_that_is_exported(
    runs: list[Path], shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "soup.pt"
    command = [str(shapes_npz), *map(str, runs), "-o", str(output), *MACHINE]
    assert soup.main([*command, "--all"]) == 0
    assert "the mean of 3 of 3" in capsys.readouterr().out
    state = load_checkpoint(output)
    assert sorted(state["soup"]) == sorted(map(hash_checkpoint, runs))
    assert state["centres"]["centres"].shape == (len(LABELS), 64)
    pack = read_pack(shapes_npz)
    contract, difference = onnx_file.export_model(pack, output, tmp_path / "soup.onnx", "none")
    assert difference < onnx_file.MAX_LOGIT_DIFFERENCE
    assert contract.recipe["soup"] == state["soup"]
    with pytest.raises(TrainingError, match="--overwrite"):
        soup.main(command)


@pytest.mark.slow
def test_runs_of_other_random_weights_are_refused(
    runs: list[Path], shapes_npz: Path, trained: Path, tmp_path: Path
) -> None:
    key = read_pack(shapes_npz).meta.key
    same, other = (
        train_shapes(shapes_npz, tmp_path / seed, "--epochs", "1", "--seed", seed) / "best.pt"
        for seed in ("0", "2")
    )
    said = f"{other} began with other weights than"
    begun = averages.read_ingredients([runs[1], trained / "best.pt", same], key)
    assert [one.random_seed for one in begun] == [None, 0, 0]
    for files in ([same, other], [runs[1], same, other], [runs[2], trained / "best.pt", other]):
        with pytest.raises(TrainingError, match=re.escape(said)):
            averages.read_ingredients(files, key)
    state = load_checkpoint(other)
    del state["origins"]  # as older checkpoints are
    torch.save(state, tmp_path / "old.pt")
    assert len(averages.read_ingredients([same, tmp_path / "old.pt"], key)) == 2


@pytest.mark.slow
def test_what_cannot_be_averaged_is_refused(
    runs: list[Path], shapes_npz: Path, tmp_path: Path
) -> None:
    wider = train_shapes(shapes_npz, tmp_path / "wider", "--epochs", "1", "--width", "9")
    other = write_shapes(tmp_path / "other.npz", seed=5)
    key = read_pack(shapes_npz).meta.key
    with pytest.raises(TrainingError, match="another shape"):
        averages.read_ingredients([runs[0], wider / "best.pt"], key)
    faces = WeightOrigin("state dict", "faces.pth", "0a")
    begun = [begin_with(runs[k], tmp_path / f"{k}.pt", [faces]) for k in (0, 1)]
    assert len(averages.read_ingredients(begun, key)) == 2
    with pytest.raises(TrainingError, match="began with other weights than"):
        averages.read_ingredients([runs[0], begun[1]], key)
    with pytest.raises(DataError, match="not what"):
        averages.read_ingredients(runs, read_pack(other).meta.key)
    with pytest.raises(TrainingError, match="two checkpoints"):
        soup.main([str(shapes_npz), str(runs[0]), "-o", str(tmp_path / "s.pt")])
