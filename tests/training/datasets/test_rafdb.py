"""RAF-DB is read in its authors' layout, and what does not fit is named by its line."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from app.errors import DataError
from app.types import Image
from training import prepare
from training.base.cli import run_entry_point
from training.datasets import digests
from training.datasets.listed import ListedPicture, put_aside
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.datasets.rafdb import LABELS, list_rafdb

LIST = "EmoLabel/list_patition_label.txt"
TRAIN = [f"train_{n:05d}.jpg {label}" for n, label in enumerate([*range(1, 8)] * 2, start=1)]
TEST = [f"test_{n:04d}.jpg {n}" for n in range(1, 8)]


def write_list(root: Path, lines: list[str], images: str = "aligned") -> Path:
    (root / LIST).parent.mkdir(parents=True, exist_ok=True)
    (root / LIST).write_text("\n".join(lines) + "\n")
    (root / "Image" / images).mkdir(parents=True, exist_ok=True)
    return root


@pytest.fixture(scope="module")
def rafdb(clip_frames: dict[int, Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training pictures and a test picture of each label: the portrait clip's face in 100 px,
    as the authors cut it, and in a wider picture. Aligned `train_00002` has no face."""
    root = write_list(tmp_path_factory.mktemp("rafdb"), TRAIN + TEST)
    (root / "Image/original").mkdir()
    x, y = 424, 242  # the face at frame 60
    rgb = clip_frames[60][..., ::-1]
    for line in TRAIN + TEST:
        stem = line.split(".")[0]
        for folder, ending, reach in (("aligned", "_aligned", 90), ("original", "", 160)):
            cut = Picture.fromarray(rgb[y - reach : y + reach, x - reach : x + reach])
            cut = cut.resize((100, 100) if ending else (130, 130))
            if ending and stem == "train_00002":
                cut = Picture.new("RGB", (100, 100), "grey")
            cut.save(root / "Image" / folder / f"{stem}{ending}.jpg", quality=90)
    return root


@pytest.fixture(scope="module")
def pack(rafdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    path = tmp_path_factory.mktemp("prepared") / "raf.npz"
    assert prepare.main(["rafdb", str(rafdb), "-o", str(path), "--validation-share", "0.5"]) == 0
    return read_pack(path)


@pytest.mark.slow
def test_set_becomes_one_file(pack: Pack) -> None:
    assert (pack.meta.dataset, pack.meta.protocol) == ("RAF-DB", "single")
    assert pack.meta.labels == pack.meta.vote_names == LABELS
    assert LABELS == ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
    assert pack.names[:2] == ("train_00001_aligned.jpg", "train_00002_aligned.jpg")
    assert pack.names[-1] == "test_0007_aligned.jpg"
    np.testing.assert_array_equal(pack.votes, np.eye(7)[[*range(7)] * 3])


def test_half_of_each_label_is_put_aside(pack: Pack) -> None:
    sides = {split: pack.find_rows(split) for split in ("train", "valid", "test")}
    for rows in sides.values():
        assert sorted(pack.votes[rows].argmax(axis=1).tolist()) == [*range(7)]
    assert sides["test"].tolist() == [*range(14, 21)]


def test_faces_are_found_in_small_crops(pack: Pack) -> None:
    found = np.isfinite(pack.landmarks).all(axis=(1, 2))
    assert np.flatnonzero(~found).tolist() == [1]
    right_eye, left_eye = pack.landmarks[0, 0], pack.landmarks[0, 1]
    assert 0 < right_eye[0] < left_eye[0] < 100
    assert np.hypot(*(left_eye - right_eye)) == pytest.approx(35, abs=12)


def test_pack_says_what_made_it(pack: Pack, rafdb: Path) -> None:
    facts = pack.meta.made_from
    assert facts["list"] == digests.hash_data_file(rafdb / LIST)
    assert (facts["images"], facts["count"]) == ("aligned", 21)
    assert (facts["validation_share"], facts["validation_seed"]) == (0.5, 0)
    assert len(facts["pictures"]) == 64


@pytest.mark.slow
def test_original_pictures_and_second_run(
    rafdb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["rafdb", str(rafdb), "-o", str(tmp_path / "o.npz"), "--images", "original"]
    assert prepare.main(options) == 0
    assert "o.npz: 21 pictures, a face found in 21 (100.0 %)" in capsys.readouterr().out
    made = read_pack(tmp_path / "o.npz")
    assert made.names[0] == "train_00001.jpg"
    assert made.meta.made_from["images"] == "original"
    assert len(made.find_rows("valid")) == 7  # a tenth of two, but at least one
    assert prepare.main(options) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'o.npz'} is up to date.\n"


@pytest.mark.slow
def test_few_unreadable_pictures_are_skipped_many_end_the_run(
    rafdb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_list(tmp_path, TRAIN + TEST)
    for source in (rafdb / "Image/aligned").iterdir():
        (root / "Image/aligned" / source.name).write_bytes(source.read_bytes())
    missing = root / "Image/aligned/train_00003_aligned.jpg"
    broken = root / "Image/aligned/train_00004_aligned.jpg"
    missing.unlink()
    broken.write_bytes(b"no picture")
    options = ["rafdb", str(root), "-o", str(tmp_path / "raf.npz")]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: 1 of 21 pictures are missing or unreadable, more than --max-unreadable 0.02 "
        f"allows: {missing} is missing.\n"
    )
    assert run_entry_point(lambda: prepare.main([*options, "--max-unreadable", "0.05"])) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: 2 of 21 pictures are missing or unreadable, more than")
    assert f"allows: {broken} is text" in err
    assert not (tmp_path / "raf.npz").exists()
    assert prepare.main([*options, "--max-unreadable", "0.1"]) == 1
    out = capsys.readouterr().out
    assert "raf.npz: 19 pictures" in out
    assert f"Skipped: {missing} is missing.\nSkipped: {broken} is text" in out
    made = read_pack(tmp_path / "raf.npz")
    assert made.meta.made_from["count"] == 21
    assert "train_00003_aligned.jpg" not in made.names
    # A picture that came back is noticed.
    missing.write_bytes((rafdb / "Image/aligned" / missing.name).read_bytes())
    assert prepare.main([*options, "--max-unreadable", "0.1"]) == 1
    assert "raf.npz: 20 pictures" in capsys.readouterr().out


def changed(place: int, line: str) -> list[str]:
    lines = TRAIN + TEST
    lines[place - 1] = line
    return lines


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (changed(3, "train_00003.jpg"), "line 3: 'train_00003.jpg' is not as expected"),
        (changed(3, "train_00003.jpg 5 1"), "line 3: 'train_00003.jpg 5 1' is not as expected"),
        (changed(3, "train_00003.jpg five"), "line 3: 'train_00003.jpg five' is not as expected"),
        (changed(3, "../train_00003.jpg 5"), "line 3: '../train_00003.jpg 5' is not as expected"),
        (changed(3, "valid_00003.jpg 5"), "line 3: 'valid_00003.jpg 5' is not as expected"),
        (changed(3, "train_00003.jpg 8"), "line 3: unknown label 8, expected 1 to 7"),
        (changed(15, "test_0002.jpg 0"), "line 15: unknown label 0, expected 1 to 7"),
        (changed(3, "train_00001.jpg 5"), "line 3: train_00001.jpg stands in line 1 too"),
        (TRAIN, "has no test picture of 'surprise'. Is it the whole list?"),
        (TRAIN[:6] + TEST, "has no train picture of 'neutral'. Is it the whole list?"),
        ([], "has no train picture of 'surprise'"),
    ],
)
def test_line_that_does_not_fit_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        list_rafdb(write_list(tmp_path, lines), images="aligned", validation_share=0.1)
    assert message in str(caught.value)
    assert str(tmp_path / LIST) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_blank_lines_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    root = write_list(tmp_path, ["", *TRAIN, "", *TEST])
    (root / LIST).write_bytes((root / LIST).read_bytes().replace(b"\n", b"\r\n"))
    listed = list_rafdb(root, images="aligned", validation_share=0.1)
    assert len(listed.pictures) == 21
    assert listed.pictures[0].label == 0


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("", "is not a folder. Expected EmoLabel/ and Image/aligned/ in it."),
        (LIST, "list_patition_label.txt is missing. It comes with RAF-DB's basic set"),
        ("Image/aligned", "aligned is missing. It comes with RAF-DB's basic set"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, removed: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_list(tmp_path / "raf", TRAIN + TEST)
    (root / removed).rename(tmp_path / "elsewhere")
    options = ["rafdb", str(root), "-o", str(tmp_path / "raf.npz")]
    assert run_entry_point(lambda: prepare.main(options)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize("text", ["0", "1", "1.5", "-0.1", "nan", "x"])
def test_validation_share_leaves_both_sides(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["rafdb", str(tmp_path), "-o", str(tmp_path / "r.npz"), f"--validation-share={text}"]
    with pytest.raises(SystemExit):
        prepare.main(options)
    assert "--validation-share" in capsys.readouterr().err


def listing(counts: tuple[int, ...]) -> list[ListedPicture]:
    return [
        ListedPicture(f"{label}/{number}", "train", label)
        for label, count in enumerate(counts)
        for number in range(count)
    ]


def test_share_of_every_label_is_put_aside() -> None:
    pictures = [*listing((100, 33, 4, 2, 1)), ListedPicture("t", "test", 0)]
    split = put_aside(pictures, 0.1)
    assert [p.name for p in split] == [p.name for p in pictures]
    assert Counter(p.label for p in split if p.split == "valid") == {0: 10, 1: 3, 2: 1, 3: 1}
    assert split[-1] == pictures[-1]
    assert sum(p.split == "train" for p in split) == 140 - 15
    most = put_aside(listing((100, 3, 2)), 0.99)
    assert Counter(p.label for p in most if p.split == "train") == {0: 1, 1: 1, 2: 1}


def test_the_same_pictures_are_put_aside_in_any_order() -> None:
    pictures = listing((100, 33, 4))

    def chosen(order: list[ListedPicture]) -> set[str]:
        return {p.name for p in put_aside(order, 0.1) if p.split == "valid"}

    assert chosen(pictures) == chosen(pictures[::-1])
    assert chosen(pictures) != {p.name for p in pictures if int(p.name.split("/")[1]) < 10}


def test_file_that_is_listed_twice_goes_as_a_whole() -> None:
    pictures = listing((40, 40))
    again = [ListedPicture(p.name, "train", 1 - p.label) for p in pictures]
    sides: dict[str, set[str]] = {}
    for picture in put_aside(pictures + again, 0.5):
        sides.setdefault(picture.name, set()).add(picture.split)
    assert all(len(found) == 1 for found in sides.values())
    assert Counter(found.pop() for found in sides.values()) == {"train": 40, "valid": 40}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("basic/EmoLabel/list_patition_label.txt", r"holds RAF-DB further down\. Give .*basic\."),
        (
            "train/1/train_00001_aligned.jpg",
            r"has folders for splits .*python -m training\.ret",
        ),
        ("Image/aligned/train_00001_aligned.jpg", r"label\.txt is missing"),
    ],
)
def test_set_in_another_form_is_said(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=said):
        list_rafdb(tmp_path, images="aligned", validation_share=0.1)
