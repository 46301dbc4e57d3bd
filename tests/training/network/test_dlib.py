"""dlib's face network: its shape, its files, and norms that compute what its scales did."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from app.errors import DataError, TrainingError
from app.files.hashing import sha256_of_file
from tests.support.dlib_files import encode_dat, encode_number, make_layers, write_manifest
from tests.support.shapes import LABELS
from training.checkpoints.checkpoint import Trained, build_network
from training.checkpoints.digest import hash_weights
from training.checkpoints.initial_weights import load_initial
from training.checkpoints.wider import widen_network
from training.config.run_config import DataFacts, RunConfig
from training.config.train_config import TrainConfig
from training.network.dlib_backbone import (
    BLOCKS,
    DlibBackbone,
    DlibBlock,
    compute_map_side,
    measure_norms,
)
from training.network.dlib_file import (
    DLIB_MEAN_RGB,
    MAX_FILE_BYTES,
    Layer,
    is_dlib_file,
    read_dlib,
)
from training.network.half_precision import round_to_half
from training.network.model import ExportNet, ModelConfig

CONFIG = RunConfig.make_face_pretrained()


@pytest.fixture(scope="module")
def layers() -> list[Layer]:
    return make_layers()


@pytest.fixture(scope="module")
def file(layers: list[Layer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dlib") / "dlib_face_recognition_resnet_model_v1.dat"
    path.write_bytes(encode_dat(layers))
    return path


def filled(file: Path, channels: int) -> DlibBackbone:
    net = DlibBackbone(channels).eval()
    tensors = read_dlib(file, channels=channels)
    missing, unexpected = net.load_state_dict(
        {name.removeprefix("backbone."): tensor for name, tensor in tensors.items()}, strict=False
    )
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return net


def dlib_says(layers: list[Layer], rgb: torch.Tensor) -> torch.Tensor:
    """dlib's own arithmetic on pixels of 0..255: filters, bias, scale and shift, one by one."""

    def layer(x: torch.Tensor, place: int, stride: int, padding: int) -> torch.Tensor:
        filters, bias, scale, shift = map(torch.from_numpy, layers[place])
        x = functional.conv2d(x, filters, bias, stride, padding)
        return x * scale[:, None, None] + shift[:, None, None]

    x = (rgb - torch.tensor(DLIB_MEAN_RGB)[:, None, None]) / 256
    x = functional.max_pool2d(layer(x, 0, 2, 0).relu(), 3, 2)
    for block, (channels, halves) in enumerate(BLOCKS):
        y = layer(x, 1 + 2 * block, 2 if halves else 1, 0 if halves else 1).relu()
        y = layer(y, 2 + 2 * block, 1, 1)
        short = functional.avg_pool2d(x, 2, 2) if halves else x
        side = max(y.shape[-1], short.shape[-1])
        whole = torch.zeros(len(x), channels, side, side)
        for part in (y, short):
            whole[:, : part.shape[1], : part.shape[2], : part.shape[3]] += part
        x = whole.relu()
    return x


@pytest.mark.parametrize(("size_px", "side"), [(64, 1), (96, 2), (112, 3), (150, 4), (224, 6)])
def test_the_map_is_as_large_as_announced(size_px: int, side: int) -> None:
    assert compute_map_side(size_px) == side
    assert DlibBackbone(1)(torch.zeros(2, 1, size_px, size_px)).shape == (2, 256, side, side)


@pytest.mark.parametrize("size_px", [97, 112])  # with and without rows that only the shortcut has
def test_it_computes_what_dlib_does(layers: list[Layer], file: Path, size_px: int) -> None:
    torch.manual_seed(0)
    rgb = torch.randint(0, 256, (2, 3, size_px, size_px)).float()
    wanted = dlib_says(layers, rgb)
    with torch.no_grad():
        got = filled(file, 3)((rgb / 255 - 0.5) / 0.25)
        grey = rgb[:, :1]
        from_grey = filled(file, 1)((grey / 255 - 0.5) / 0.25)
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3)
    wanted = dlib_says(layers, grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(from_grey, wanted, rtol=1e-3, atol=1e-3)


def test_both_forms_hold_the_same(layers: list[Layer], file: Path, tmp_path: Path) -> None:
    full = read_dlib(file, channels=3)
    packed = read_dlib(write_manifest(layers, tmp_path), channels=3)
    assert list(full) == list(packed)
    for name, tensor in full.items():
        step = float(tensor.max() - tensor.min()) / 255
        assert (packed[name] - tensor).abs().max() <= 2 * step + 1e-6, name


def test_measured_norms_compute_the_same_and_are_what_training_sees(file: Path) -> None:
    torch.manual_seed(0)
    net, x = filled(file, 1), torch.randn(16, 1, 112, 112)
    with torch.no_grad():
        before = net(x)
        measure_norms(net, x.split(5))
        after = net(x)
        in_training = net.train()(x)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(in_training, before, rtol=2e-2, atol=5e-2)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.dat", b"", "it has 0 convolutions, not 29"),
        ("x.dat", b"\x01\x05con_4" + encode_number(2), "is not dlib's"),
        (
            "x.dat",
            b"\x01\x05con_4" + b"".join(map(encode_number, (9, 1, 1, 1, 1))),
            "another version",
        ),
        ("weights_manifest.json", b"{", "is not dlib's"),
        ("weights_manifest.json", b"[{}]", "is not dlib's"),
        ("weights_manifest.json", b'[{"weights": [], "paths": ["gone.bin"]}]', r"gone\.bin are"),
    ],
)
def test_other_files_are_refused_in_one_line(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_dlib_file(tmp_path / name)
    with pytest.raises(TrainingError, match=reason) as caught:
        read_dlib(tmp_path / name, channels=1)
    assert "\n" not in str(caught.value)


def test_a_cut_file_is_refused(layers: list[Layer], tmp_path: Path) -> None:
    whole = encode_dat(layers)
    for share in (0.1, 0.5, 0.999):
        path = tmp_path / "cut.dat"
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(TrainingError, match="is not dlib's"):
            read_dlib(path, channels=1)


def encode_claim(*dims: int, size: int = 0) -> bytes:
    """A convolution's tag and a tensor that claims `dims`, with `size` bytes of numbers."""
    return b"\x01\x05con_4" + b"".join(map(encode_number, (2, *dims))) + bytes(size)


@pytest.mark.parametrize(
    "content",
    [
        encode_claim(2**40, 2**40, 1, 1, size=64),
        encode_claim(2**62, 1, 1, 1, size=64),
        encode_claim(4, 1, 1, 1, size=16)
        + encode_claim(0, 1, 1, 1).replace(b"\x05con_4", b"\x07affine_"),
    ],
    ids=["more than a machine's words", "more than a machine's memory", "no channels"],
)
def test_claims_that_cannot_be_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(content)
    with pytest.raises(TrainingError, match="is not dlib's") as caught:
        read_dlib(tmp_path / "x.dat", channels=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shape": [10**30]}, "too large"),
        ({"shape": "wide"}, "is not dlib's"),
        ({"name": 5}, "is not dlib's"),
        ({"quantization": {"dtype": "float999", "scale": 1, "min": 0}}, "float999"),
        ({"quantization": {"dtype": "uint8", "scale": math.nan, "min": 0}}, "not finite"),
    ],
)
def test_damaged_manifest_is_refused_in_one_line(
    layers: list[Layer], tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = write_manifest(layers, tmp_path)
    (group,) = json.loads(path.read_text())
    group["weights"][0] |= change
    path.write_text(json.dumps([group]))
    with pytest.raises(TrainingError, match=reason) as caught:
        read_dlib(path, channels=1)
    assert "\n" not in str(caught.value)


def test_network_of_another_shape_is_refused_whole(layers: list[Layer], tmp_path: Path) -> None:
    """One convolution of another size must not be left random beside 28 trained ones."""
    wide = list(layers)
    filters, *rest = layers[3]
    wide[3] = (np.resize(filters, (*filters.shape[:2], 5, 5)), *rest)
    (tmp_path / "wide.dat").write_bytes(encode_dat(wide))
    with pytest.raises(TrainingError, match=r"convolution 4 is \(32, 32, 5, 5\)"):
        read_dlib(tmp_path / "wide.dat", channels=1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(
    layers: list[Layer], tmp_path: Path, value: float
) -> None:
    filters = layers[2][0].copy()
    filters[0, 0, 0, 0] = value
    (tmp_path / "x.dat").write_bytes(
        encode_dat([*layers[:2], (filters, *layers[2][1:]), *layers[3:]])
    )
    with pytest.raises(TrainingError, match="convolution 3 has numbers that are not finite"):
        read_dlib(tmp_path / "x.dat", channels=1)


def test_only_files_of_a_likely_size_are_read(layers: list[Layer], tmp_path: Path) -> None:
    path = write_manifest(layers, tmp_path)
    os.truncate(tmp_path / "model.bin", MAX_FILE_BYTES + 1)
    with pytest.raises(TrainingError, match=r"model\.bin is too large"):
        read_dlib(path, channels=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_named_pipe_as_numbers_is_refused(layers: list[Layer], tmp_path: Path) -> None:
    path = write_manifest(layers, tmp_path)
    (tmp_path / "model.bin").unlink()
    os.mkfifo(tmp_path / "model.bin")
    with pytest.raises(DataError, match="is a pipe"):
        read_dlib(path, channels=1)


def test_shards_are_the_same_weights_as_one_file(layers: list[Layer], tmp_path: Path) -> None:
    path = write_manifest(layers, tmp_path)
    whole, digest = read_dlib(path, channels=1), hash_weights(path)
    content = (tmp_path / "model.bin").read_bytes()
    for number, part in enumerate((content[:4_000_000], content[4_000_000:]), 1):
        (tmp_path / f"shard{number}").write_bytes(part)
    (group,) = json.loads(path.read_text())
    path.write_text(json.dumps([group | {"paths": ["shard1", "shard2"]}]))
    shards = read_dlib(path, channels=1)
    assert all(torch.equal(shards[name], tensor) for name, tensor in whole.items())
    assert hash_weights(path) == digest == sha256_of_file(tmp_path / "model.bin")


def test_it_begins_a_network_and_names_what_is_new(file: Path) -> None:
    net = build_network(CONFIG, len(LABELS))
    report = load_initial(net, file, labels=LABELS)
    assert report.kind == "dlib"
    assert len(report.matched) == 29 * 5
    assert not report.unexpected
    assert {name.partition(".")[0] for name in report.missing} == {"attention", "classifier"}
    other = build_network(RunConfig(), len(LABELS))
    with pytest.raises(TrainingError, match="Add --recipe dlib"):
        load_initial(other, file, labels=LABELS)


def test_its_export_says_the_same_with_norms_folded_in() -> None:
    torch.manual_seed(1)
    net = build_network(CONFIG, 3).eval()
    x = torch.randn(2, 1, 112, 112)
    with torch.no_grad():
        logits, cam = ExportNet(round_to_half(net))(x)
        wanted = net(x, with_attention=False).logits
    assert cam.shape == (2, 3, 3, 3)
    torch.testing.assert_close(logits, wanted, rtol=1e-2, atol=1e-2)
    assert not any(
        "norm" in name for name, _ in round_to_half(net).backbone.stages.named_parameters()
    )


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ValueError, match="at least 64 px"):
        RunConfig(TrainConfig(size_px=48), ModelConfig(backbone="dlib"))


def test_it_is_not_widened() -> None:
    facts = DataFacts("made", "key", LABELS, (1 / 3,) * 3)
    with pytest.raises(TrainingError, match="dlib cannot be widened"):
        widen_network(Trained(build_network(CONFIG, 3), CONFIG, facts, 0), 64, seed=0)


def test_a_block_begins_as_its_shortcut() -> None:
    net = build_network(CONFIG, 3)
    blocks = [module for module in net.modules() if isinstance(module, DlibBlock)]
    assert len(blocks) == len(BLOCKS) == 14
    assert all(not block.norm2.weight.any() for block in blocks)
