"""The benchmark times the real loops, and its sums are right."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.shapes import RECIPE
from training import benchmark
from training.config.run_config import RunConfig
from training.config.train_config import TrainConfig
from training.datasets.pack_reader import read_pack
from training.network.model import ModelConfig
from training.studies.speed import PictureByPicture, count_step_flop


@pytest.mark.slow
def test_both_loops_are_timed_in_turn(
    shapes_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(shapes_npz), "--steps", "2", "--rounds", "2", "--device", "cpu", *RECIPE]
    assert benchmark.main([*words, "--json", str(tmp_path / "t.json")]) == 0
    said = capsys.readouterr().out
    assert "picture by picture" in said
    timings = json.loads((tmp_path / "t.json").read_text())
    assert timings["ours_images_s"] > 0
    assert timings["theirs_images_s"] > 0
    assert len(timings["ratios"]) == 2
    assert min(timings["ratios"]) <= timings["ratio"] <= max(timings["ratios"])
    assert 0 < timings["data_share"] < 1.5
    assert timings["peak_share"] == pytest.approx(
        timings["reached_tflop_s"] / timings["peak_tflop_s"]
    )


def test_pictures_are_cut_out_of_an_enlarged_frame(shapes_npz: Path) -> None:
    pack = read_pack(shapes_npz)
    pictures = PictureByPicture(pack, 24, "grey")
    assert len(pictures) == 96
    torch.manual_seed(0)
    tensor, label = pictures[5]
    assert tensor.shape == (1, 24, 24)
    assert tensor.dtype == torch.float32
    assert label == int(pack.votes[pack.find_rows("train")[5]].argmax())
    assert -2 <= float(tensor.min()) < float(tensor.max()) <= 2
    others = [np.abs(tensor.numpy() - pictures[5][0].numpy()).max() for _ in range(12)]
    assert max(others) > 0.1  # another place each time


def test_operations_of_a_step_are_counted() -> None:
    """Backward takes about twice what forward does; operations grow with the batch."""
    small = RunConfig(TrainConfig(size_px=32, batch_size=8), ModelConfig(width=8, blocks=1))
    large = RunConfig(TrainConfig(size_px=32, batch_size=16), ModelConfig(width=8, blocks=1))
    assert count_step_flop(large, 3) == pytest.approx(2 * count_step_flop(small, 3))
    stem = 2 * 8 * 9 * 16 * 16  # the first convolution's own, forward, a picture
    assert count_step_flop(small, 3) > 8 * 3 * stem
