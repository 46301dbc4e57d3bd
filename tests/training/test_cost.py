"""Several files are timed in one run, beside a standard network that is really built."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.contract import make_probe_crops
from app.errors import ModelError, TrainingError
from app.recognition.classifier import Classifier
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import cost
from training.exporting import reference_network
from training.judge import face_cost
from training.judge.latency import Spread

TURNS = ("--rounds", "3", "--batches", "1", "4")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx", tiny_contract())


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow ResNet-18 for 64 pixels."""
    return reference_network.write_reference(
        64, tmp_path_factory.mktemp("cost") / "r.onnx", width=4
    )


@pytest.mark.slow
def test_reference_computes_something_from_colour(reference: Path) -> None:
    classifier = Classifier(reference, device="cpu")
    assert (classifier.contract.size_px, classifier.contract.colour) == (64, "rgb")
    outputs = classifier.run(make_probe_crops(64))
    assert outputs.cam.shape == (2, 8, 2, 2)  # 64 px by a stride of 32
    assert np.ptp(outputs.logits) > 0.01


def test_page_has_a_table_for_each_batch_size(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", tiny_contract())
    page = tmp_path / "cost.md"
    assert cost.main([str(tiny), str(other), *TURNS, "-o", str(page)]) == 0
    said = capsys.readouterr().out
    assert page.read_text(encoding="utf-8") == said
    assert "Single faces, 3 rounds in turn" in said
    assert "Batches of 4, 3 rounds in turn" in said
    rows = re.findall(r"^\| (tiny|other)\.onnx \| 16 \| 0\.0 \| .* \|$", said, re.MULTILINE)
    assert rows == ["tiny", "other"] * 2
    itself = r"^\| tiny\.onnx .* \| 1\.00 \(1\.00–1\.00\) \|$"  # a file against itself
    assert len(re.findall(itself, said, re.MULTILINE)) == 2


def test_reference_is_what_files_are_held_against(
    tiny: Path,
    reference: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def write(size_px: int, path: Path) -> Path:
        if size_px == 64:
            return Path(shutil.copy(reference, path))
        return write_tiny_model(path, tiny_contract())  # of 16 pixels

    monkeypatch.setattr(cost, "REFERENCE_SIZES_PX", (64, 16))
    monkeypatch.setattr(cost, "write_reference", write)
    assert cost.main([str(tiny), "--reference", "--rounds", "2", "--batches", "1"]) == 0
    said = capsys.readouterr().out
    assert "| × ResNet-18 at 64 px | × ResNet-18 at 16 px |" in said
    assert "| ResNet-18 at 64 px | 64 |" in said
    assert "| ResNet-18 at 16 px | 16 |" in said


def test_gpu_takes_turns_with_the_cpu_and_must_agree(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second session on the CPU stands for the GPU."""

    class Second(Classifier):
        def __init__(self, model: Path, *, device: str, threads: int | None = None) -> None:
            super().__init__(model, device="cpu", threads=threads)
            self.shift = 0.01 if device == "cuda" and shifted else 0.0

        def predict(self, crops: np.ndarray) -> np.ndarray:
            return super().predict(crops) + self.shift

    shifted = False
    monkeypatch.setattr(cost, "Classifier", Second)
    assert cost.main([str(tiny), "--cuda", *TURNS]) == 0
    said = capsys.readouterr().out
    assert "tiny.onnx: probabilities on CUDA and on the CPU differ by at most 0.0e+00" in said
    assert said.count("| tiny.onnx on CUDA | 16 |") == 2
    shifted = True
    assert cost.main([str(tiny), "--cuda", *TURNS]) == 1
    assert "differ by at most 1.0e-02 on 512 crops" in capsys.readouterr().out


def test_crops_to_compare_on_are_faces_where_there_are_some(shapes_npz: Path, tiny: Path) -> None:
    contract = Classifier(tiny, device="cpu").contract
    noise, faces = face_cost.load_crops(None, contract), face_cost.load_crops(shapes_npz, contract)
    assert noise.shape == (512, 16, 16, 3)
    assert (noise.dtype, faces.dtype) == (np.uint8, np.uint8)
    assert faces.shape[1:] == noise.shape[1:]
    assert 0 < len(faces) < 512


def test_small_ratios_keep_their_digits() -> None:
    row = face_cost.CostRow(
        "m", 48, 1.25, Spread(1, 1, 2), (Spread(0.0123, 0.01, 0.02), Spread(2, 1, 3))
    )
    cells = "| m | 48 | 1.2 | 1.00 (1.00–2.00) | 0.012 (0.010–0.020) | 2.00 (1.00–3.00) |"
    assert cells in face_cost.format_costs([row], ["a", "b"])


def test_files_of_one_name_are_told_apart() -> None:
    assert face_cost.name_models([Path("a/m.onnx"), Path("b/n.onnx")]) == ["m.onnx", "n.onnx"]
    assert face_cost.name_models([Path("a/m.onnx"), Path("b/m.onnx")]) == ["a/m.onnx", "b/m.onnx"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{tiny}", "{tiny}"), "given twice"),
        (("{tiny}", "--rounds", "0"), "must be at least 1"),
        (("{tiny}", "--batches", "0"), "must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, tiny: Path) -> None:
    with pytest.raises(TrainingError, match=said):
        cost.main([word.format(tiny=tiny) for word in words])


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.onnx is missing"):
        cost.main([str(tmp_path / "nothing.onnx")])
