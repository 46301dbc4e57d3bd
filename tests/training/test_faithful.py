"""A model whose maps are right by construction is found to be right, by sums done by hand."""

from pathlib import Path

import numpy as np
import pytest

from app.errors import DataError, TrainingError
from tests.support.tiny_model import tiny_contract, write_tiny_model
from training import faithful
from training.datasets.pack import PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import Split
from training.datasets.webp import encode_webp
from training.judge import faithfulness
from training.judge.deletion import draw_partners
from training.measures import deletion_curves
from training.measures.deletion_curves import (
    AREAS,
    SHARES,
    CurveKey,
    MeanOverFaces,
    measure_area_under,
    measure_drop,
)
from training.measures.masking import FILLINGS

LABELS = ("dark", "bright")
SIDE, SPOT, LOW, HIGH = 16, 6, 50, 250  # px, px, grey levels
TEMPERATURE = 2.0


def spot(number: int) -> np.ndarray:
    """Dark, with a bright square in one of the corners: darker than mid grey on the whole."""
    pixels = np.full((SIDE, SIDE), LOW, np.uint8)
    row, column = ((0, 0), (0, 10), (10, 0), (10, 10))[number % 4]
    pixels[row : row + SPOT, column : column + SPOT] = HIGH
    return pixels


def write_spots(path: Path, count: int = 8, labels: tuple[str, ...] = LABELS) -> Path:
    def sample(split: Split, number: int) -> PackedSample:
        return PackedSample(
            encode_webp(spot(number)),
            split,
            np.array([0, 1], np.uint8),  # bright, though the model says dark
            np.full((6, 2), np.nan, np.float32),
            f"{split}{number}",
        )

    samples = [sample("train", 0), *(sample("valid", number) for number in range(count))]
    write_pack(path, PackMeta("spots", "single", labels, labels, {}), samples)
    return path


@pytest.fixture(scope="module")
def spots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spots(tmp_path_factory.mktemp("spots") / "spots.npz")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits (-z, z) of the mean z of what its map, as large as the crop, holds for bright."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.onnx"
    return write_tiny_model(path, tiny_contract(LABELS, temperature=TEMPERATURE))


@pytest.fixture(scope="module")
def found(spots: Path, tiny: Path) -> deletion_curves.Curves:
    return faithfulness.measure_faithfulness(read_pack(spots), tiny)


def log_p(label: str, mean_grey: float) -> float:
    z = (mean_grey / 255 - 0.5) / 0.25 / TEMPERATURE
    return float(-np.log1p(np.exp(-2 * z if label == "bright" else 2 * z)))


MEAN = LOW + (HIGH - LOW) * SPOT**2 / SIDE**2


@pytest.mark.parametrize(
    ("target", "label", "area", "covered_level"),
    [
        ("predicted", "dark", "marked", LOW),
        ("predicted", "dark", "least", HIGH),
        ("true", "bright", "marked", HIGH),
        ("true", "bright", "least", LOW),
    ],
)
def test_curve_by_hand(
    found: deletion_curves.Curves, target: str, label: str, area: str, covered_level: int
) -> None:
    curve = found[CurveKey(target, "grey", area)]  # type: ignore[arg-type]
    assert curve.shape == (8, len(SHARES))
    np.testing.assert_allclose(curve[:, 0], log_p(label, MEAN), atol=1e-5)
    changed = round(0.1 * SIDE**2) * (round(MEAN) - covered_level) / SIDE**2
    np.testing.assert_allclose(curve[:, 1], log_p(label, MEAN + changed), atol=1e-5)
    np.testing.assert_allclose(curve[:, -1], log_p(label, round(MEAN)), atol=1e-5)


def test_marked_area_matters_more_than_any_other(found: deletion_curves.Curves) -> None:
    for area in faithfulness.RIVALS:
        more = measure_drop(found[CurveKey("true", "grey", "marked")], 0.1) - measure_drop(
            found[CurveKey("true", "grey", area)],  # type: ignore[arg-type]
            0.1,
        )
        assert more.mean() > 0
        assert more.min() > -1e-6  # another face's spot may lie in the same corner


def test_page_says_so(found: deletion_curves.Curves) -> None:
    page = faithfulness.format_faithfulness_page(found, "tiny.onnx", "spots")
    assert "tiny.onnx on the 8 validation faces of spots (0 read right)" in page
    assert "Of 8 settings" in page
    assert "map marks lowers the true class's probability, against anywhere: more in" in page
    row = next(line for line in page.splitlines() if line.startswith("| mean grey | 10 % |"))
    own = measure_drop(found[CurveKey("predicted", "grey", "marked")], 0.1)
    assert f"| {own.mean():+.3f} ± 0.000 (100 %) |" in row


@pytest.mark.parametrize(
    ("reverse", "said"), [(False, "more in 8, less in 0"), (True, "more in 0, less in 8")]
)
def test_maps_that_mark_the_wrong_place_are_called_wrong(reverse: bool, said: str) -> None:
    falls = -np.linspace(0, 2, len(SHARES))[None].repeat(4, axis=0)
    steep, flat = (falls, falls / 2) if not reverse else (falls / 2, falls)
    made = {
        CurveKey("true", filling, area): steep if area == "marked" else flat
        for filling in FILLINGS
        for area in AREAS
    }
    assert faithfulness.describe_rivals(made, "true").count(said) == len(faithfulness.RIVALS)


def test_where_the_prediction_is_right_both_targets_are_one(tiny: Path, tmp_path: Path) -> None:
    labels = LABELS[::-1]  # the same votes now say dark
    found = faithfulness.measure_faithfulness(
        read_pack(write_spots(tmp_path / "right.npz", labels=labels)), tiny
    )
    for filling in FILLINGS:
        for area in AREAS:
            one, other = (found[CurveKey(t, filling, area)] for t in ("predicted", "true"))
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_nobody_lends_a_map_to_oneself(count: int) -> None:
    other = draw_partners(count, np.random.default_rng(0))
    assert sorted(other) == list(range(count))
    assert (other != np.arange(count)).all()


def test_mean_by_hand() -> None:
    mean = MeanOverFaces.from_values(np.array([1.0, -1.0, 3.0, 1.0]))
    assert (mean.mean, mean.above) == (1.0, 0.75)
    assert mean.half == pytest.approx(1.96 * np.sqrt(8 / 3) / 2)


def test_area_under_a_straight_line_is_its_middle() -> None:
    curve = np.log(np.linspace(1.0, 0.5, len(SHARES)))[None]
    np.testing.assert_allclose(measure_area_under(curve), [0.75])


def test_command_writes_page_and_figure(
    spots: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "out"
    assert faithful.main([str(spots), str(tiny), "--faces", "5", "-o", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "on the 5 validation faces" in said
    assert (folder / faithful.PAGE).read_text(encoding="utf-8") == said
    assert sorted(p.name for p in folder.iterdir()) == sorted((faithful.FIGURE, faithful.PAGE))
    assert (folder / faithful.FIGURE).stat().st_size > 5000


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("--faces", "1"), TrainingError, "at least 2"),
        (("--seed", "-1"), TrainingError, "at least 0"),
        (("-o", "{spots}"), TrainingError, "Choose another -o"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], error: type[Exception], said: str, spots: Path, tiny: Path
) -> None:
    with pytest.raises(error, match=said):
        faithful.main([str(spots), str(tiny), *(w.format(spots=spots) for w in words)])


def test_data_of_other_labels_is_refused(tiny: Path, tmp_path: Path) -> None:
    other = write_spots(tmp_path / "other.npz", labels=("dark", "light"))
    with pytest.raises(DataError, match="knows dark, bright; the data has dark, light"):
        faithfulness.measure_faithfulness(read_pack(other), tiny)


def test_single_face_is_too_few(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another one is needed"):
        faithfulness.measure_faithfulness(
            read_pack(write_spots(tmp_path / "one.npz", count=1)), tiny
        )
