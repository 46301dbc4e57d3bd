"""A report says what is so: figures, ledger, and the same for a network and its exported file."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.errors import DataError, ModelError, TrainingError
from tests.support.shapes import write_shapes
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import evaluate
from training.base import json_values
from training.base.cli import run_entry_point
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import Split
from training.datasets.webp import encode_webp
from training.judge import evaluation, latency, predictions
from training.judge.ledger import LEDGER_HEAD

# Votes of one picture each (dark, bright, unknown), and whether the picture is bright. The tiny
# model says what the picture is.
VALID: tuple[tuple[list[int], bool], ...] = (
    ([10, 0, 0], False),
    ([9, 1, 0], False),
    ([8, 0, 2], True),  # wrong
    ([0, 10, 0], True),
    ([2, 8, 0], False),  # wrong
    ([5, 5, 0], False),  # no majority; dark by the plain winner: right
    ([3, 4, 3], False),  # no majority; bright by the plain winner: wrong
    ([0, 3, 7], True),  # unknown wins: not judged
)
TEST: tuple[tuple[list[int], bool], ...] = (([10, 0, 0], False), ([10, 0, 0], True))
LABELS = ("dark", "bright")


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of these tests; the project's own is out of reach."""
    path = tmp_path / "ledger.md"
    monkeypatch.setattr(evaluate, "LEDGER", path)
    return path


def write_lamps(path: Path, labels: tuple[str, ...] = LABELS) -> Path:
    """Pictures that are dark or bright, in FER+'s form."""

    def sample(split: Split, number: int, votes: list[int], bright: bool) -> PackedSample:
        pixels = np.full((16, 16), 200 if bright else 50, np.uint8)
        return PackedSample(
            encode_webp(pixels),
            split,
            np.array(votes, np.uint8),
            np.full((6, 2), np.nan, np.float32),
            f"{split}{number}",
        )

    rows = [("train", VALID[:2]), ("valid", VALID), ("test", TEST)]
    meta = PackMeta("lamps", "ferplus", labels, (*labels, "unknown"), {})
    write_pack(path, meta, [sample(s, n, *row) for s, part in rows for n, row in enumerate(part)])
    return path


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lamps(tmp_path_factory.mktemp("lamps") / "lamps.npz")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits (-z, z) of the mean grey z."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.onnx"
    return write_tiny_model(path, tiny_contract(LABELS, temperature=2.0))


def test_figures_by_hand(lamps: Path, tiny: Path) -> None:
    report = evaluation.evaluate(read_pack(lamps), tiny, "valid")
    m = report.majority
    assert (report.labels, report.split, report.temperature) == (LABELS, "valid", 2.0)
    assert m.confusion == ((2, 1), (1, 1))
    assert (m.count, m.accuracy) == (5, 0.6)
    assert m.recall == pytest.approx((2 / 3, 1 / 2))
    z = (200 / 255 - 0.5) / 0.25 / 2.0  # bright by z, dark by a little more
    dark = (0.5 - 50 / 255) / 0.25 / 2.0
    right = [dark, dark, z]
    wrong = [z, dark]
    by_hand = [np.log1p(np.exp(-2 * x)) for x in right] + [np.log1p(np.exp(2 * x)) for x in wrong]
    assert m.nll == pytest.approx(np.mean(by_hand), rel=1e-5)
    assert report.argmax is not None
    assert report.argmax.confusion == ((3, 1), (2, 1))


def test_order_of_the_models_labels_does_not_matter(
    lamps: Path, tiny: Path, tmp_path: Path
) -> None:
    turned = write_tiny_model(
        tmp_path / "turned.onnx",
        tiny_contract(LABELS[::-1], temperature=2.0),
        np.array([[1.0], [-1.0]]),
    )
    pack = read_pack(lamps)
    usual, other = (evaluation.evaluate(pack, path, "valid") for path in (tiny, turned))
    assert other.labels == usual.labels == LABELS
    assert other.majority == usual.majority
    assert other.argmax == usual.argmax


def test_model_with_other_labels_is_refused(lamps: Path, tmp_path: Path, trained: Path) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", tiny_contract(("dark", "light")))
    with pytest.raises(
        DataError, match=r"other\.onnx knows dark, light; the data has dark, bright"
    ):
        evaluation.evaluate(read_pack(lamps), other, "valid")
    with pytest.raises(DataError, match=r"best\.pt knows frame, disc, cross; the data has dark"):
        evaluation.evaluate(read_pack(lamps), trained / "best.pt", "valid")


def test_network_and_exported_file_are_judged_alike(
    trained: Path, exported: Path, tmp_path: Path
) -> None:
    """On pictures noisy enough to be mistaken."""
    pack = read_pack(write_shapes(tmp_path / "noisy.npz", seed=3, noise=70))
    of_net = evaluation.evaluate(pack, trained / "best.pt", "test")
    of_file = evaluation.evaluate(pack, exported, "test", as_trained=True)
    assert 0.3 < of_net.majority.accuracy < 0.97
    assert of_file.majority.confusion == of_net.majority.confusion
    assert of_file.majority.recall == of_net.majority.recall
    assert (of_net.temperature, of_net.argmax, of_file.argmax) == (1.0, None, None)
    assert of_file.sha256 != of_net.sha256


def test_trained_network_is_good_on_pictures_it_never_saw(shapes_npz: Path, trained: Path) -> None:
    report = evaluation.evaluate(read_pack(shapes_npz), trained / "best.pt", "test")
    assert report.majority.count == 30
    assert report.majority.accuracy > 0.9


def strict_json(path: Path) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_report_is_written(
    lamps: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "report"
    assert evaluate.main([str(lamps), str(tiny), "-o", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("tiny.onnx, lamps validation\n")
    assert "5 faces: accuracy 60.00 % (± 21.91), 95 % interval 23 to 88 %, mean class" in out
    assert "plain winner of the votes, 7 faces: accuracy 57.14 %" in out
    assert [line.split() for line in out.splitlines()[-2:]] == [
        ["dark", "0.667", "of", "3"],
        ["bright", "0.500", "of", "2"],
    ]
    assert sorted(p.name for p in folder.iterdir()) == [
        "confusion.png",
        "coverage.png",
        "reliability.png",
        "report.json",
        "report.md",
    ]
    for name in ("confusion.png", "coverage.png", "reliability.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    facts = strict_json(folder / "report.json")
    assert facts["majority"]["confusion"] == [[2, 1], [1, 1]]
    assert facts["argmax"]["count"] == 7
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert page.startswith("# tiny.onnx on lamps, validation\n")
    assert "| dark | 3 | 0.667 | 0.667 |" in page
    assert "| bright | 1 | 1 |" in page


def test_doubt_is_reported_as_the_demo_would_have_it(
    lamps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dark pictures are told with 0.914, bright ones with 0.904: under a threshold between the two
    only the dark are said, two of three of them rightly."""
    contract = tiny_contract(
        LABELS, temperature=1.0, unsure_below=0.91, unsure_above_nats=1.0, class_shares=(0.8, 0.2)
    )
    model = write_tiny_model(tmp_path / "m.onnx", contract)
    assert evaluate.main([str(lamps), str(model), "--priors"]) == 0
    out = capsys.readouterr().out
    assert "at 90 % coverage: accuracy 60.00 %" in out
    assert "unsure below 0.910 or above 1.000 nats: 60.0 % get a label, accuracy of those" in out
    rows = [line.split("|")[1:-1] for line in out.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[1:]] == [f"{tau / 10:.1f}" for tau in range(11)]
    assert rows[1][1].strip() == "60.00 ± 21.91"
    assert "here the same as class-balanced accuracy" in out


def test_labels_are_decided_as_the_file_says(
    lamps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The correction makes everything bright, as nine of ten training faces were dark."""
    contract = tiny_contract(
        LABELS, temperature=100.0, class_shares=(0.9, 0.1), prior_correction=1.0
    )
    model = write_tiny_model(tmp_path / "m.onnx", contract)
    report = evaluation.evaluate(read_pack(lamps), model, "valid")
    assert report.majority.confusion == ((0, 3), (0, 2))
    assert (report.prior_correction, report.mirror_images) == (1.0, True)
    assert report.doubt.selective.points[-1].accuracy == 0.4
    plain = evaluation.evaluate(read_pack(lamps), model, "valid", as_trained=True)
    assert plain.majority.confusion == ((2, 1), (1, 1))
    assert (plain.prior_correction, plain.mirror_images) == (0.0, False)
    for words, rule in (
        ((), "read each face with its mirror image, at temperature 100.000 and prior correction 1"),
        (("--as-trained",), "read each face once, at temperature 100.000 and prior correction 0"),
    ):
        assert evaluate.main([str(lamps), str(model), *words]) == 0
        assert capsys.readouterr().out.splitlines()[1].startswith(rule)


def test_rule_is_compared_with_none(
    lamps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels of the model and of the data are in different orders."""
    contract = tiny_contract(
        LABELS[::-1], temperature=100.0, class_shares=(0.1, 0.9), prior_correction=1.0
    )
    model = write_tiny_model(tmp_path / "m.onnx", contract, np.array([[1.0], [-1.0]]))
    assert evaluate.main([str(lamps), str(model), "--rule"]) == 0
    out = capsys.readouterr().out
    assert "| once, as trained | 0 | 100.000 | 60.00 ± 21.91 | 0.583 |" in out
    assert "| with mirror images, as a picture | 1 | 100.000 | 40.00 ± 21.91 | 0.500 |" in out
    assert "the rule against tau 0, with mirror images: accuracy -20.00 ± 33.47 points" in out
    assert "0.0 % of the faces differ by more than 0.1 from their mirror images" in out


def test_priors_of_a_model_that_does_not_know_them_are_an_error(lamps: Path, tiny: Path) -> None:
    with pytest.raises(TrainingError, match=r"tiny\.onnx does not say how frequent its classes"):
        evaluate.main([str(lamps), str(tiny), "--priors"])


def test_empty_class_is_a_gap_and_no_number(
    lamps: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "report"
    assert evaluate.main([str(lamps), str(tiny), "--split", "test", "-o", str(folder)]) == 0
    facts = strict_json(folder / "report.json")
    assert facts["majority"]["recall"] == [0.5, None]
    assert facts["majority"]["precision"] == [1.0, 0.0]
    assert "| bright | 0 | – | 0.000 |" in (folder / "report.md").read_text(encoding="utf-8")
    assert "bright       –  of 0" in capsys.readouterr().out


def test_only_openings_of_the_test_split_enter_the_ledger(
    lamps: Path, tiny: Path, ledger: Path
) -> None:
    for split in ("train", "valid"):
        assert evaluate.main([str(lamps), str(tiny), "--split", split]) == 0
    assert not ledger.exists()
    for _ in range(2):
        assert evaluate.main([str(lamps), str(tiny), "--split", "test"]) == 0
    text = ledger.read_text(encoding="utf-8")
    assert text.startswith(LEDGER_HEAD)
    first, second = text[len(LEDGER_HEAD) :].splitlines()
    assert first == second
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells[1] == "tiny.onnx"
    assert cells[3:] == ["lamps", "2", "50.00 ± 35.36 %", "0.500", "0.667", cells[-1]]
    assert [p.name for p in ledger.parent.iterdir()] == ["ledger.md"]


def test_what_cannot_be_done_is_said_in_one_line(
    lamps: Path,
    tiny: Path,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    best, test = trained / "best.pt", ("--split", "test")
    text = tmp_path / "notes.txt"
    text.write_text("no model")
    for options, message in (
        ((lamps, tmp_path / "no.onnx"), "no.onnx is missing. Give a .pt or .onnx file."),
        ((lamps, tmp_path), "is missing. Give a .pt or .onnx file."),
        ((tmp_path / "no.npz", tiny), "no.npz is missing. Make it with"),
        ((lamps, text), "notes.txt is not a checkpoint of this program."),
        ((lamps, best, "--latency"), "--latency times an exported model. Give a .onnx file."),
        ((lamps, best, "--rule"), "--rule compares an exported model's ways to read faces"),
        ((lamps, tiny, *test, "--rule"), "Give a .onnx file, and leave --split test out."),
        ((lamps, best, "--device", "cuda"), "No CUDA device works here. Try --device cpu."),
        ((lamps, tiny, "-o", text), "could not be written: File exists. Choose another -o."),
        ((lamps, tiny, *test, "--ledger", tmp_path / "no/l.md"), "Give another --ledger."),
        ((lamps, tiny, *test, "--ledger", tmp_path), "Give another --ledger."),
    ):
        assert run_entry_point(lambda o=options: evaluate.main([str(option) for option in o])) == 2
        said = capsys.readouterr().err
        assert (said[:7], said.count("\n")) == ("error: ", 1)
        assert message in said


def test_split_without_a_majority_is_named(lamps: Path, tiny: Path) -> None:
    pack = read_pack(lamps)
    votes = pack.votes.copy()
    votes[:] = [5, 5, 0]
    with pytest.raises(DataError, match="No picture of the valid split has a majority label"):
        evaluation.evaluate(replace(pack, votes=votes), tiny, "valid")


def test_damaged_model_is_named(lamps: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"bad\.onnx is not a model"):
        evaluation.evaluate(read_pack(lamps), tmp_path / "bad.onnx", "valid")


def test_unwritable_ledger_keeps_its_lines(
    lamps: Path, tiny: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate.main([str(lamps), str(tiny), "--split", "test"]) == 0
    before = ledger.read_text(encoding="utf-8")

    def fail(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(TrainingError, match="No space left on device"):
        evaluate.main([str(lamps), str(tiny), "--split", "test"])
    assert ledger.read_text(encoding="utf-8") == before
    assert [p.name for p in ledger.parent.iterdir()] == ["ledger.md"]


@pytest.mark.slow
def test_one_face_is_timed(
    lamps: Path, tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate.main([str(lamps), str(tiny), "--latency"]) == 0
    assert "one face, CPU, 2 threads: median " in capsys.readouterr().out
    median, late = latency.measure_latency_ms(tiny, runs=20)
    assert 0 < median <= late < 1000


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_crops_are_handed_over_as_the_demo_cuts_them(tmp_path: Path, colour: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    sample = PackedSample(
        encode_webp(pixels),
        "valid",
        np.array([1, 0], np.uint8),
        np.full((6, 2), np.nan, np.float32),
        "0",
    )
    write_pack(tmp_path / "p.npz", PackMeta("p", "single", LABELS, LABELS, {}), [sample])
    contract = tiny_contract(colour=colour)
    examples, _ = predictions.load_judged_examples(
        read_pack(tmp_path / "p.npz"), "valid", contract.template, 16, colour
    )
    crops = predictions.make_uint8_crops(examples, torch.tensor([0]))
    assert (crops.shape, crops.dtype) == ((1, 16, 16, 3), np.uint8)
    if colour == "rgb":
        np.testing.assert_array_equal(crops[0], pixels[..., ::-1])
    else:
        np.testing.assert_allclose(crops[0, ..., 0], pixels @ [0.299, 0.587, 0.114], atol=1)
        assert np.ptp(crops[0], axis=2).max() == 0


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": [1.0, float("nan")]}, {"a": [1.0, None]}),
        ((float("inf"), "x", None, True), [None, "x", None, True]),
        (3, 3),
    ],
)
def test_numbers_that_json_lacks_become_null(value: Any, plain: Any) -> None:
    assert json_values.make_json_safe(value) == plain


@pytest.mark.parametrize(
    ("dataset", "split", "name"),
    [
        ("FER+", "valid", "validation (PublicTest)"),
        ("FER+", "test", "test (PrivateTest)"),
        ("FER+", "train", "training"),
        ("AffectNet", "test", "test (validation.csv)"),
        ("RAF-DB", "test", "test"),
        ("lamps", "valid", "validation"),
    ],
)
def test_split_has_its_papers_name(
    lamps: Path, tiny: Path, dataset: str, split: Any, name: str
) -> None:
    report = evaluation.evaluate(read_pack(lamps), tiny, "valid")
    assert evaluation.format_split(replace(report, dataset=dataset, split=split)) == name
