"""A folder of pictures becomes a pack, and what became of each picture is told."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from app.errors import DataError
from app.types import Face, Image
from training.datasets.landmarks import find_faces
from training.datasets.pack_reader import read_pack
from training.own_pictures import gather as gathering
from training.own_pictures.gather import (
    Gathered,
    Gathering,
    gather,
)
from training.own_pictures.gather_notes import list_notes
from training.own_pictures.look import PictureFaceFinder, inspect_picture, is_within
from training.own_pictures.picture_folder import open_folder
from training.own_pictures.picture_table import PictureRow as Row
from training.own_pictures.picture_table import read_picture_table, write_picture_table

SIDE_PX = 40


class Nobody:
    """A detector that finds no face: small pictures are then used whole."""

    def find(self, _: np.ndarray) -> list[Face]:
        return []

    def __enter__(self) -> "Nobody":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def blind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "clip_frames" not in request.fixturenames:
        monkeypatch.setattr(gathering, "PictureFaceFinder", Nobody)


def noise(seed: int, side: int = SIDE_PX) -> Picture.Image:
    """Soft blobs, as different from seed to seed as faces of different people."""
    cells = np.random.default_rng(seed).integers(0, 256, (9, 9), np.uint8)
    return Picture.fromarray(cells).resize((side, side), Picture.Resampling.BICUBIC)


def fill(root: Path, *names: str) -> Path:
    """A different picture under each name."""
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        noise(seed).save(root / name)
    return root


def many(*labels: str, count: int = 10) -> list[str]:
    return [f"{label}/{number}.png" for label in labels for number in range(count)]


def gathered(
    root: Path,
    into: Path,
    group_by: str = "person",
    max_unreadable: float = 0.1,
    keep: bool = False,
) -> Gathered:
    return gather(
        open_folder(root),
        dataset="mine",
        gathering=Gathering(group_by=group_by),
        max_unreadable=max_unreadable,
        pack=into / "data.npz",
        table=into / "pictures.csv",
        keep=keep,
    )


def groups_of(result: Gathered) -> dict[str, str]:
    return {picture.path: picture.group for picture in result.pictures}


def test_table_holds_no_formula_and_reads_back(tmp_path: Path) -> None:
    rows = (
        Row("=cmd/a.png", "@happy", "train", "-g", "used", ""),
        Row("b.png", "sad", "", "", "no face", "+reason"),
    )
    write_picture_table(tmp_path / "pictures.csv", rows)
    text = (tmp_path / "pictures.csv").read_text(encoding="utf-8")
    assert text.splitlines()[1] == "'=cmd/a.png,'@happy,train,'-g,used,"
    assert read_picture_table(tmp_path / "pictures.csv") == rows


def test_pack_holds_what_the_table_says(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("b", "a"))
    result = gathered(root, tmp_path)
    assert read_picture_table(tmp_path / "pictures.csv") == result.pictures
    assert (result.skipped, result.meta.labels, result.meta.dataset) == ((), ("a", "b"), "mine")
    pack = read_pack(result.pack)
    assert pack.names == tuple(picture.path for picture in result.pictures)
    for split, count in (("train", 16), ("valid", 4)):
        names = [pack.names[row] for row in pack.find_rows(split)]
        assert names == [p.path for p in result.pictures if p.split == split]
        assert len(names) == count
    assert pack.votes.tolist() == [[1, 0]] * 10 + [[0, 1]] * 10
    assert np.isnan(pack.landmarks).all()


def test_same_pictures_are_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    first = gathered(root, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(gathering, "inspect_picture", None)
        assert gathered(root, tmp_path) == first
        noise(99).save(root / "a/0.png")
        with pytest.raises(TypeError):
            gathered(root, tmp_path)
    assert gathered(root, tmp_path).meta.key != first.meta.key


def test_other_labels_or_splits_make_another_pack(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *(f"{number}.png" for number in range(20)))
    keys = []
    for label, split in (("happy", ""), ("sad", ""), ("happy", "test")):
        rows = [f"{n}.png,{'happy' if n % 2 else 'sad'}," for n in range(19)]
        (root / "l.csv").write_text(
            "\n".join(["image,label,split", *rows, f"19.png,{label},{split}"])
        )
        keys.append(gathered(root, tmp_path).meta.key)
    assert len({*keys}) == 3


def test_pack_that_is_kept_is_not_replaced(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    gathered(root, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in ("data.npz", "pictures.csv")}
    (root / "a").rename(root / "c")
    with pytest.raises(DataError, match="their labels are not those that the run in"):
        gathered(root, tmp_path, keep=True)
    assert before == {name: (tmp_path / name).read_bytes() for name in before}


def test_people_are_told_by_sub_folder_and_file_name_across_labels(tmp_path: Path) -> None:
    people = [f"{label}/{who}_{n}.png" for label in "ab" for who in ("anna", "bob") for n in (1, 2)]
    root = fill(tmp_path / "in", *people, *many("a", "b"), "a/Anna/x.png", "b/zoë/1.png")
    groups = groups_of(gathered(root, tmp_path))
    assert {name for name, group in groups.items() if group == "anna"} == {
        *(name for name in people if "anna" in name),
        "a/Anna/x.png",
    }
    assert groups["b/zoë/1.png"] == "zoë"
    assert groups["a/3.png"] == "a/3.png"


def test_names_do_not_count_where_pictures_alone_are_grouped(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *(f"{label}/me_{n}.png" for label in "ab" for n in range(10)))
    with pytest.raises(DataError, match=r"20 pictures make 1 group .*--group-by picture") as raised:
        gathered(root, tmp_path)
    assert "picture. 1 person by file name: me. " in str(raised.value)
    assert str(raised.value).endswith(".csv lists the groups.")
    result = gathered(root, tmp_path, "picture")
    assert len(set(groups_of(result).values())) == 20


def test_one_picture_in_many_forms_is_one_group(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    original = Picture.open(root / "a/0.png")
    (root / "b/90.png").write_bytes((root / "a/0.png").read_bytes())
    original.save(root / "a/91.bmp")  # other bytes, equal pixels
    original.transpose(Picture.Transpose.FLIP_LEFT_RIGHT).save(root / "a/92.png")
    original.point(lambda v: 0.6 * v + 30).save(root / "a/93.png")
    original.resize((90, 90), Picture.Resampling.BICUBIC).save(root / "b/94.jpg", quality=80)
    groups = groups_of(gathered(root, tmp_path))
    family = {"a/0.png", "b/90.png", "a/91.bmp", "a/92.png", "a/93.png", "b/94.jpg"}
    assert {name for name, group in groups.items() if group == "a/0.png"} == family
    assert len(set(groups.values())) == 20


def test_changed_copies_of_roboflow_are_one_group(tmp_path: Path) -> None:
    copies = [f"a/IMG_{n}_jpg.rf.{copy}.jpg" for n in (1, 2) for copy in ("0aa1", "0bb2", "0cc3")]
    root = fill(tmp_path / "in", *copies, *many("b"), "b/IMG_1_jpg.rf.0dd4.jpg")
    groups = groups_of(gathered(root, tmp_path))
    assert {groups[name] for name in copies} == {copies[0], copies[3]}
    assert groups["b/IMG_1_jpg.rf.0dd4.jpg"] == "b/IMG_1_jpg.rf.0dd4.jpg"  # of another label


def test_picture_under_two_labels_is_said(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    (root / "b/90.png").write_bytes((root / "a/3.png").read_bytes())
    result = gathered(root, tmp_path)
    reasons = {p.path: p.reason for p in result.pictures}
    assert "the same picture under another label: b/90.png" in reasons["a/3.png"]
    assert "the same picture under another label: a/3.png" in reasons["b/90.png"]
    assert "2 pictures under two labels, as a/3.png is. Keep one of each." in result.notes


def test_given_split_is_kept_and_its_leaks_are_said(tmp_path: Path) -> None:
    names = [f"{split}/{name}" for split in ("train", "valid") for name in many("a", "b", count=4)]
    root = fill(tmp_path / "in", *names)
    clean = gathered(root, tmp_path)
    assert not any("of the given split" in note for note in clean.notes)
    (root / "valid/a/90.png").write_bytes((root / "train/a/0.png").read_bytes())
    noise(500).save(root / "train/b/kim_1.png")
    noise(501).save(root / "valid/a/kim_2.png")
    result = gathered(root, tmp_path)
    assert all(p.path.startswith(f"{p.split}/") for p in result.pictures)
    (leak,) = [note for note in result.notes if "of the given split" in note]
    assert leak.startswith("2 groups (same person, or same picture) on both sides of the given")
    assert "train/a/0.png and valid/a/90.png" in leak


def test_test_pictures_stay_aside_where_validation_is_drawn(tmp_path: Path) -> None:
    names = [f"{split}/{name}" for split in ("Train", "Test") for name in many("a", "b")]
    root = fill(tmp_path / "in", *names)
    result = gathered(root, tmp_path)
    pack = read_pack(result.pack)
    assert [len(pack.find_rows(split)) for split in ("train", "valid", "test")] == [16, 4, 20]
    assert {pack.names[row][:5] for row in pack.find_rows("test")} == {"Test/"}
    (root / "Test/a/90.png").write_bytes((root / "Train/a/0.png").read_bytes())
    noise(300).save(root / "Train/b/kim_1.png")
    noise(301).save(root / "Test/b/kim_2.png")
    (leak,) = [note for note in gathered(root, tmp_path).notes if "of the given split" in note]
    assert leak.startswith("2 groups (same person, or same picture)")


def test_known_set_is_split_by_its_people(tmp_path: Path) -> None:
    names = [
        f"{label}/S{who:03}_00{take}_0000001{n}.png"
        for take, label in enumerate(("anger", "happy"), 1)
        for who in range(10, 20)
        for n in (1, 2)
    ]
    root = fill(tmp_path / "in", *names)
    result = gathered(root, tmp_path)
    sides = defaultdict(set)
    for picture in result.pictures:
        sides[picture.path.partition("/")[2][:4]].add(picture.split)
    assert sorted(map(len, sides.values())) == [1] * 10
    assert "10 people by file name: ck+ s010, ck+ s011, ck+ s012 and others." in result.notes


@pytest.mark.parametrize(
    ("side", "status"), [(256, "whole frame"), (257, "no face")], ids=["crop", "photo"]
)
def test_without_a_face_only_small_pictures_are_used(
    side: int, status: str, tmp_path: Path
) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    noise(77).resize((300, side)).save(root / "a/77.png")
    result = gathered(root, tmp_path)
    (picture,) = [p for p in result.pictures if p.path == "a/77.png"]
    assert (picture.status, picture.is_used) == (status, status == "whole frame")
    if not picture.is_used:
        assert picture.reason == "no face found in 300 x 257 px"
        assert "1 of 21 pictures skipped: 1 without a face, 0 unreadable." in result.notes


def test_unreadable_pictures_are_skipped_up_to_a_share(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    for name in ("a/8.png", "b/9.png"):
        (root / name).write_bytes(b"no picture")
    assert [p.path for p in gathered(root, tmp_path).skipped] == ["a/8.png", "b/9.png"]
    (tmp_path / "more").mkdir()
    (root / "b/8.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"3 of 20 pictures cannot be read, more than 10 %") as said:
        gathered(root, tmp_path / "more")
    assert "\n" not in str(said.value)
    assert [p.name for p in (tmp_path / "more").iterdir()] == ["pictures.csv"]
    assert len(gathered(root, tmp_path / "more", max_unreadable=0.15).skipped) == 3


def test_label_of_which_nothing_is_left_stops_it(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    (root / "c").mkdir()
    noise(1).resize((300, 300)).save(root / "c/1.png")
    with pytest.raises(DataError, match="None of the 1 pictures of 'c' can be used: no face"):
        gathered(root, tmp_path)


def test_label_of_one_group_is_learned_but_cannot_be_judged(tmp_path: Path) -> None:
    names = many("a", "b")
    root = fill(tmp_path / "in", *names, "c/kim_1.png", "c/kim_2.png")
    result = gathered(root, tmp_path)
    assert {p.split for p in result.pictures if p.label == "c"} == {"train"}
    (note,) = [note for note in result.notes if "training only" in note]
    assert note.startswith("'c' is in training only, so it cannot be judged: all its pictures are")


def test_prefix_that_may_be_no_person_is_said(tmp_path: Path) -> None:
    names = [f"{label}/studio_{n}.png" for label in "ab" for n in range(9)]
    root = fill(tmp_path / "in", *names, *many("a", "b"))
    notes = gathered(root, tmp_path).notes
    assert any(
        note == "The group 'studio' holds 18 of 38 pictures. If that is no person, use "
        "--group-by picture."
        for note in notes
    )


def test_other_files_are_counted(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"))
    (root / "a/IMG_1.JXL").touch()
    (root / "notes.txt").touch()
    result = gathered(root, tmp_path)
    notes = result.notes
    assert result.left_out
    assert "Passed over, as no pictures: 1 x .txt." in notes
    assert (
        "Left out, as pictures of kinds that are not read here: 1 x .jxl. Export them as JPEG."
    ) in notes


def test_small_finding_within_a_face_is_no_second_face() -> None:
    def face(*box: float) -> Face:
        return Face(box, np.zeros((6, 2), np.float32), 0.9)

    whole = face(0, 0, 100, 100)
    assert is_within(face(40, 60, 60, 80), whole)
    assert not is_within(face(90, 0, 190, 100), whole)


def painted(photo: Image, person: int, label: int) -> Picture.Image:
    """A frame of the portrait clip, RGB, in each person's own light and each label's own tint."""
    cells = np.random.default_rng(person).uniform(100, 255, (10, 14)).astype(np.uint8)
    light = Picture.fromarray(cells).resize((640, 480), Picture.Resampling.BICUBIC)
    tint = ((1.0, 0.9, 0.7), (0.6, 0.8, 1.0))[label]
    lit = photo[..., ::-1] * (np.asarray(light)[..., None] / 255) * tint
    return Picture.fromarray(lit.astype(np.uint8))


@pytest.mark.slow
def test_faces_of_photos_are_found_aligned_and_grouped(
    clip_frames: dict[int, Image], tmp_path: Path
) -> None:
    root = tmp_path / "in"
    for label, name in enumerate(("warm", "cold")):
        (root / name).mkdir(parents=True)
        for person in range(6):
            painted(clip_frames[0], person, label).save(root / name / f"{person}.png")
    Picture.fromarray(clip_frames[145][..., ::-1]).save(root / "warm/nobody.png")
    result = gathered(root, tmp_path)
    statuses = {p.path: p.status for p in result.pictures}
    assert statuses.pop("warm/nobody.png") == "no face"
    assert set(statuses.values()) == {"face"}
    # The light tells people apart, and the tint does not: the same "person" is one group.
    groups: dict[str, set[str]] = defaultdict(set)
    for picture in result.pictures:
        if picture.is_used:
            groups[picture.group].add(picture.path.partition("/")[2])
    assert sorted(groups.values(), key=min) == [{f"{person}.png"} for person in range(6)]
    pack = read_pack(result.pack)
    assert np.isfinite(pack.landmarks).all()


def test_noise_is_no_face_however_the_detector_sees_it(
    clip_frames: dict[int, Image], tmp_path: Path
) -> None:
    path, statuses = tmp_path / "noise.png", []
    rng = np.random.default_rng(0)
    with PictureFaceFinder() as finder:
        for _ in range(20):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Picture.fromarray(pixels).save(path)
            statuses.append(inspect_picture(finder, path).status)
        assert find_faces(finder._near, pixels)  # it does see one
        clip = Picture.fromarray(clip_frames[60][..., ::-1])
        clip.crop((230, 100, 490, 360)).resize((48, 48)).save(path)
        assert inspect_picture(finder, path).status == "face"
        Picture.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(path)
        tiny = inspect_picture(finder, path)
    assert statuses.count("whole frame") >= 19
    assert (tiny.status, tiny.reason) == ("no face", "4 x 4 px are too few for a face")


def test_several_faces_and_the_one_that_was_taken(
    clip_frames: dict[int, Image], tmp_path: Path
) -> None:
    path = tmp_path / "two.png"
    Picture.fromarray(clip_frames[239][..., ::-1]).save(path)
    with PictureFaceFinder() as finder:
        seen = inspect_picture(finder, path)
    assert (seen.status, seen.reason) == (
        "several faces",
        "2 faces; the largest, most central one taken",
    )


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"a": 10, "b": 10}, []),
        (
            {"a": 12, "b": 4, "c": 9, "d": 9, "e": 1},
            [
                "Few training pictures: b (4), c (9), d (9) and 1 more. From fewer than 10 little "
                "is learned."
            ],
        ),
        (
            {"a": 90, "b": 10},
            [
                "'a' has 90 of 100 training pictures, so the model will seldom say another label. "
                "Add pictures of the others, or leave out some of it."
            ],
        ),
    ],
)
def test_uneven_labels_are_said(counts: dict[str, int], said: list[str], tmp_path: Path) -> None:
    names = [f"{k}/{n}.png" for k, count in counts.items() for n in range(count)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    rows = [Row(name, name[0], "train", name, "face", "") for name in names]
    notes = list_notes(open_folder(tmp_path), rows)
    assert [n for n in notes if "training pictures" in n] == said


def test_names_that_are_no_utf8_are_read_and_written(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", *many("a", "b"), "a/zo/1.png")
    try:
        (root / "a/zo").rename(os.fsdecode(os.fsencode(root) + b"/a/zo\xeb"))
    except OSError:
        pytest.skip("this system takes UTF-8 names alone")
    (root / "b/0.png").rename(os.fsdecode(os.fsencode(root) + b"/b/caf\xe9.png"))
    result = gathered(root, tmp_path)
    assert {r"a/zo\udceb/1.png", r"b/caf\udce9.png"} < groups_of(result).keys()
    assert read_picture_table(tmp_path / "pictures.csv") == result.pictures
    assert set(read_pack(result.pack).names) == groups_of(result).keys()
    assert r"1 person by sub-folder: zo\udceb." in result.notes
