"""AffectNet is read in its authors' layout, and what does not fit is named by its row."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from app.errors import DataError
from app.types import Image
from training import prepare
from training.base.cli import run_entry_point
from training.datasets import digests
from training.datasets.affectnet import COLUMNS, LABELS, list_affectnet
from training.datasets.listed import cut_around_box
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack

FOLDER = "Manually_Annotated_Images"
BOX = (146, 80, 64, 64)  # px of the smaller, right-hand face in the pictures below


def row(name: str, code: Any, box: Sequence[Any] = BOX) -> list[Any]:
    return [name, *box, "181.6;30.9;182.5;37.5", code, -0.25, 0.5]


def training_rows() -> list[list[Any]]:
    """Two of each class in two folders, then one of each code that is no class."""
    return [row(f"{n % 2}/{n:056x}.jpg", n % 8) for n in range(16)] + [
        row(f"9/{code}.jpg", code) for code in (8, 9, 10)
    ]


def validation_rows() -> list[list[Any]]:
    return [row(f"7/{n:056x}.png", n) for n in range(8)] + [row("7/none.png", 8)]


def write_lists(
    root: Path,
    training: list[list[Any]],
    validation: list[list[Any]],
    header: Sequence[str] | None = COLUMNS,
) -> Path:
    """The header stands in training.csv; validation.csv comes without, as is usual."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, rows in (("training", training), ("validation", validation)):
        with open(root / f"{name}.csv", "w", newline="") as file:
            if header is not None and name == "training":
                csv.writer(file).writerow(header)
            csv.writer(file).writerows(rows)
    return root


@pytest.fixture(scope="module")
def two_faces(clip_frames: dict[int, Image]) -> np.ndarray:
    """`(240, 240, 3)` RGB: the clip's face large on the left, small at `BOX`."""
    x, y = 424, 242  # the face at frame 60
    face = Picture.fromarray(clip_frames[60][y - 100 : y + 100, x - 100 : x + 100, ::-1])
    canvas = Picture.new("RGB", (240, 240), "grey")
    canvas.paste(face.resize((140, 140)), (0, 0))
    canvas.paste(face.resize((80, 80)), (138, 72))
    return np.asarray(canvas)


@pytest.fixture(scope="module")
def affectnet(two_faces: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_lists(tmp_path_factory.mktemp("affectnet"), training_rows(), validation_rows())
    for name, *_ in training_rows()[:16] + validation_rows()[:8]:
        path = root / FOLDER / name
        path.parent.mkdir(exist_ok=True)
        Picture.fromarray(two_faces).save(path)
    return root


@pytest.fixture(scope="module")
def pack(affectnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    path = tmp_path_factory.mktemp("prepared") / "affectnet.npz"
    assert prepare.main(["affectnet", str(affectnet), "-o", str(path), "--classes", "8"]) == 0
    return read_pack(path)


@pytest.mark.slow
def test_set_becomes_one_file(pack: Pack, affectnet: Path) -> None:
    assert (pack.meta.dataset, pack.meta.protocol) == ("AffectNet", "single")
    assert pack.meta.labels == pack.meta.vote_names == LABELS
    assert pack.names[1] == f"1/{1:056x}.jpg"
    np.testing.assert_array_equal(pack.votes, np.eye(8)[[*range(8)] * 3])
    facts = pack.meta.made_from
    assert facts["training"] == digests.hash_data_file(affectnet / "training.csv")
    assert facts["validation"] == digests.hash_data_file(affectnet / "validation.csv")
    assert (facts["classes"], facts["count"], facts["validation_share"]) == (8, 24, 0.1)


def test_official_validation_is_the_test_split(pack: Pack) -> None:
    assert [pack.names[n] for n in pack.find_rows("test")] == [
        row[0] for row in validation_rows()[:8]
    ]
    for split in ("train", "valid"):
        rows = pack.find_rows(split)
        assert sorted(pack.votes[rows].argmax(axis=1).tolist()) == [*range(8)]


def test_face_in_the_annotated_box_counts(pack: Pack, two_faces: np.ndarray) -> None:
    """Not the larger one beside it."""
    assert np.isfinite(pack.landmarks).all()
    pictures, sizes = pack.decode_pictures(np.array([16]), "rgb")  # a PNG: every pixel is kept
    width, height = sizes[0]
    assert max(width, height) <= 2 * 64 + 1
    region = pictures[0, :, :height, :width].transpose(1, 2, 0)
    places = [
        (x, y)
        for y in range(240 - height + 1)
        for x in range(240 - width + 1)
        if (two_faces[y, x] == region[0, 0]).all()
        and (two_faces[y : y + height, x : x + width] == region).all()
    ]
    assert len(places) == 1
    eyes = pack.landmarks[16, :2].mean(axis=0) + places[0]
    assert 160 < eyes[0] < 200
    assert 85 < eyes[1] < 125


def test_seven_classes_leave_contempt_out(
    affectnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["affectnet", str(affectnet), "-o", str(tmp_path / "a.npz"), "--classes", "7"]
    assert prepare.main(options) == 0
    out = capsys.readouterr().out
    assert "a.npz: 21 pictures, a face found in 21 (100.0 %)" in out
    assert "Left out by their expression: 3 contempt, 2 none, 1 uncertain, 1 no face.\n" in out
    made = read_pack(tmp_path / "a.npz")
    assert made.meta.labels == LABELS[:7]
    assert made.votes.sum(axis=0).tolist() == [3] * 7
    assert prepare.main(options) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.npz'} is up to date.\n"


def test_few_unreadable_pictures_are_skipped(
    affectnet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = training_rows() + [row("3/gone.jpg", 1)]
    root = write_lists(tmp_path, rows, validation_rows())
    (root / FOLDER).rmdir()
    (root / FOLDER).symlink_to(affectnet / FOLDER)
    options = ["affectnet", str(root), "-o", str(tmp_path / "a.npz"), "--classes", "8"]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    assert "1 of 25 pictures are missing or unreadable" in capsys.readouterr().err
    assert prepare.main([*options, "--max-unreadable", "0.04"]) == 1
    out = capsys.readouterr().out
    assert "a.npz: 24 pictures" in out
    assert out.endswith(f"Skipped: {root / FOLDER / '3/gone.jpg'} is missing.\n")


def names(root: Path) -> list[tuple[str, str, int]]:
    listed = list_affectnet(root, classes=8, validation_share=0.1)
    return [(p.name, p.split, p.label) for p in listed.pictures]


def test_lists_are_read_with_and_without_header(tmp_path: Path) -> None:
    expected = names(write_lists(tmp_path / "a", training_rows(), validation_rows()))
    assert len(expected) == 24
    root = write_lists(tmp_path / "b", training_rows(), [list(COLUMNS), *validation_rows()])
    assert names(root) == expected
    root = write_lists(tmp_path / "c", training_rows(), validation_rows(), header=None)
    assert names(root) == expected
    turned = [cells[::-1] for cells in training_rows()]
    root = write_lists(tmp_path / "d", turned, validation_rows(), header=COLUMNS[::-1])
    assert names(root) == expected


def test_picture_of_both_lists_is_for_testing_only(tmp_path: Path) -> None:
    shared = validation_rows()[0][0]
    root = write_lists(tmp_path, [*training_rows(), row(shared, 0)], validation_rows())
    listed = list_affectnet(root, classes=8, validation_share=0.1)
    assert [p.split for p in listed.pictures if p.name == shared] == ["test"]
    assert listed.notes[1] == (
        "Left out of training because validation.csv has the same picture: 1."
    )


def test_row_without_a_box_has_none(tmp_path: Path) -> None:
    rows = training_rows()
    rows[0][1:5] = ["NULL"] * 4
    rows[1][1:5] = [""] * 4
    rows[2][1:5] = ["1", "2.5", "30", "4e1"]
    listed = list_affectnet(
        write_lists(tmp_path, rows, validation_rows()), classes=8, validation_share=0.1
    )
    assert [p.box_xywh for p in listed.pictures[:4]] == [None, None, (1, 2.5, 30, 40), BOX]


def changed(rows: list[list[Any]], number: int, column: int, value: Any) -> list[list[Any]]:
    rows[number - 1][column] = value
    return rows


LISTS = ("training.csv", "validation.csv")
EXPRESSION = COLUMNS.index("expression")


@pytest.mark.parametrize(
    ("training", "validation", "message"),
    [
        *(
            (changed(training_rows(), 3, EXPRESSION, bad), validation_rows(), message)
            for bad, message in (
                (11, "training.csv, row 3: unknown expression '11', expected a code from 0 to 10"),
                (-1, "training.csv, row 3: unknown expression '-1'"),
                ("joy", "training.csv, row 3: unknown expression 'joy'"),
                ("", "training.csv, row 3: unknown expression ''"),
                ("²", "training.csv, row 3: unknown expression '²'"),
            )
        ),
        (
            training_rows(),
            changed(validation_rows(), 2, EXPRESSION, 99),
            "validation.csv, row 2: unknown expression '99'",
        ),
        *(
            (
                changed(training_rows(), 1, 0, bad),
                validation_rows(),
                f"training.csv, row 1: '{bad}' is no path of a picture below {FOLDER}/",
            )
            for bad in ("", "/etc/a.jpg", "1/../../a.jpg")
        ),
        *(
            (
                changed(training_rows(), 4, 1, bad),
                validation_rows(),
                f"training.csv, row 4: the face box {bad}, 80, 64, 64 is not four numbers",
            )
            for bad in ("x", "nan", "", "NULL")
        ),
        (
            [*training_rows(), ["1/a.jpg", 1]],
            validation_rows(),
            "training.csv, row 20: too few columns",
        ),
        (
            training_rows(),
            [*validation_rows(), row("1/a.jpg", 1) + [0]],
            "validation.csv, row 10: too many columns",
        ),
        (
            training_rows(),
            validation_rows()[:6],
            "validation.csv has no picture of 'anger'. Is it the whole list?",
        ),
        (training_rows()[:3], validation_rows(), "training.csv has no picture of 'surprise'"),
        (training_rows(), [], "validation.csv lacks the columns subDirectory_filePath, face_x"),
        (
            training_rows(),
            [["path", "label"], ["1/a.jpg", 1]],
            "it has path, label. Is it the right file?",
        ),
    ],
)
def test_row_that_does_not_fit_is_named(
    tmp_path: Path, training: list[list[Any]], validation: list[list[Any]], message: str
) -> None:
    root = write_lists(tmp_path, training, validation)
    with pytest.raises(DataError) as caught:
        list_affectnet(root, classes=8, validation_share=0.1)
    assert message in str(caught.value)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    root = write_lists(tmp_path, training_rows(), validation_rows())
    (root / "validation.csv").write_bytes(b"\xff\xfe\x00,1")
    with pytest.raises(DataError, match=r"validation\.csv could not be read as a CSV file"):
        list_affectnet(root, classes=8, validation_share=0.1)


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("", "is not a folder. Expected training.csv, validation.csv and Manually_Annotated"),
        ("training.csv", "training.csv is missing. It comes with AffectNet"),
        ("validation.csv", "validation.csv is missing. It comes with AffectNet"),
        (FOLDER, f"{FOLDER} is missing. It comes with AffectNet"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, removed: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_lists(tmp_path / "set", training_rows(), validation_rows())
    (root / removed).rename(tmp_path / "elsewhere")
    options = ["affectnet", str(root), "-o", str(tmp_path / "a.npz"), "--classes", "7"]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


NUMBERED = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80).astype(np.uint8)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((30, 20, 10, 20), np.s_[10:50, 15:55]),  # 20 px around (35, 30): a square
        ((0, 0, 20, 20), np.s_[0:30, 0:30]),  # as far as the picture goes
        ((60, 40, 30, 30), np.s_[25:60, 45:80]),
        ((-10, -10, 500, 500), None),  # its centre lies outside
        ((30, 20, 0, 20), None),
        ((300, 20, 10, 10), None),
    ],
)
def test_square_around_the_box_is_kept(
    box: tuple[float, float, float, float], expected: tuple[slice, slice] | None
) -> None:
    kept = cut_around_box(NUMBERED, box)
    np.testing.assert_array_equal(kept, NUMBERED if expected is None else NUMBERED[expected])
