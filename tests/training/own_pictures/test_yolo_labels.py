"""Pictures with labels in YOLO's form are read by their classes."""

from pathlib import Path

import pytest

from app.errors import DataError
from training.own_pictures.picture_folder import PictureFolder, open_folder
from training.own_pictures.yolo_labels import read_class_names

YAML = "train: ../train/images\nnc: 2\nnames: ['happy', 'sad']\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (YAML, {0: "happy", 1: "sad"}),
        ('names: [\n  "happy",\n  "sad"\n]\nnc: 2\n', {0: "happy", 1: "sad"}),
        ("names:\n- happy\n- 'sad'  # second\nnc: 2\n", {0: "happy", 1: "sad"}),
        ("names: # of two\n\n  - happy\n  # and\n  - sad\n", {0: "happy", 1: "sad"}),
        ("names: ['happy, at last', no, ~, 1]\n", {0: "happy, at last", 1: "no", 2: "~", 3: "1"}),
        ("names:\n  0: happy\n  1: very sad\n", {0: "happy", 1: "very sad"}),
        ("names: {0: happy, 1: sad}\n", {0: "happy", 1: "sad"}),
        ("names:\n  1: happy\n  2: sad\n", {1: "happy", 2: "sad"}),
        ("names: {7: happy, '3': sad}\n", {7: "happy", 3: "sad"}),
        ("nc: 2\n", {}),
        ("names: &x\n", {}),
        ("names: happy\n", {}),
        ("names: [[happy], [sad]]\n", {}),
        ("names: {happy: 0}\n", {}),
        ("- names\n", {}),
        ("", {}),
        ("names: " + 5000 * "[", {}),
    ],
)
def test_names_of_classes_are_read(text: str, names: dict[int, str], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(text)
    assert read_class_names(tmp_path / "data.yaml") == names


def folder_of(root: Path, labels: dict[str, str | None], yaml: str = YAML) -> PictureFolder:
    """A picture for each path, and beside it its label file."""
    (root / "data.yaml").write_text(yaml)
    for name, text in labels.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
        if text is not None:
            path = (root / name.replace("images", "labels")).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return open_folder(root)


@pytest.mark.parametrize("form", ["{}/images", "images/{}"])
def test_pictures_have_the_class_of_their_boxes(form: str, tmp_path: Path) -> None:
    train, valid = form.format("train"), form.format("val")
    folder = folder_of(
        tmp_path,
        {
            f"{train}/a.jpg": "0 0.5 0.5 1 1\n0 0.1 0.1 0.1 0.1\n",
            f"{train}/b.jpg": "1 0.5 0.5 1 1\n",
            f"{train}/both.jpg": "0 0.5 0.5 1 1\n1 0.5 0.5 1 1\n",
            f"{train}/nobody.jpg": "",
            f"{train}/forgotten.jpg": None,
            f"{valid}/c.jpg": "1 0.5 0.5 1 1\n",
        },
    )
    found = {folder.name_file(f): (f.split, folder.labels[f.label]) for f in folder.files}
    assert found == {
        f"{train}/a.jpg": ("train", "happy"),
        f"{train}/b.jpg": ("train", "sad"),
        f"{valid}/c.jpg": ("valid", "sad"),
    }
    assert folder.notes == (
        "The labels are read from data.yaml.",
        "2 pictures left out, to which data.yaml gives no label, several, or several splits.",
        "1 picture left out, which no row names.",
    )
    assert folder.passed_over == ()


@pytest.mark.parametrize(
    ("sets", "lists", "picture"),
    [
        ("", {}, "images/val2017/c.jpg"),
        ("", {}, "images/val/anna/c.jpg"),
        ("train: images/one\nval: images/two\n", {}, "images/two/c.jpg"),
        ("path: images\ntrain: [one]\nval: [two/anna, two/bob]\n", {}, "images/two/bob/c.jpg"),
        (
            "train: train.txt\nval: val.txt\n",
            {"train.txt": "./images/one/a.jpg\nimages/one/b.jpg\n", "val.txt": "images/one/c.jpg"},
            "images/one/c.jpg",
        ),
        ("train: /of/another/machine\nval: ../valid/images\n", {}, "images/valid/c.jpg"),
        ("train: images\nval: images\n", {}, "images/one/c.jpg"),
    ],
)
def test_sets_are_those_of_data_yaml_or_of_folders(
    sets: str, lists: dict[str, str], picture: str, tmp_path: Path
) -> None:
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    pictures = {"images/one/a.jpg": "0 0 0 1 1", "images/one/b.jpg": "1 0 0 1 1", picture: "1 0"}
    folder = folder_of(tmp_path, pictures, sets + "names: [happy, sad]\n")
    found = {folder.name_file(f): f.split for f in folder.files}
    split = "train" if sets == "train: images\nval: images\n" else "valid"
    assert found == {"images/one/a.jpg": "train", "images/one/b.jpg": "train", picture: split}


def test_picture_outside_the_sets_of_data_yaml_is_left_out(tmp_path: Path) -> None:
    pictures: dict[str, str | None] = {
        "images/one/a.jpg": "0 0 0 1 1",
        "images/one/b.jpg": "1 0 0 1 1",
        "images/three/c.jpg": "1 0 0 1 1",
    }
    folder = folder_of(tmp_path, pictures, "train: images/one\nnames: [happy, sad]\n")
    assert len(folder.files) == 2
    assert folder.notes[1:] == ("1 picture left out, which no row names.",)


def test_a_file_that_is_no_yaml_is_said_where_no_other_has_the_names(tmp_path: Path) -> None:
    pictures: dict[str, str | None] = {
        "train/images/a.jpg": "0 0 0 1 1",
        "train/images/b.jpg": "1 0 0 1 1",
    }
    broken = 'path: "C:\\pictures"\nnames: [happy, sad]\n'
    with pytest.raises(DataError, match=r"data\.yaml is no valid YAML, line 1: .*escape") as said:
        folder_of(tmp_path, pictures, broken)
    assert "\n" not in str(said.value)
    (tmp_path / "a.yaml").write_text(broken)
    assert folder_of(tmp_path, pictures).labels == ("happy", "sad")


def test_other_texts_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "train/labels").mkdir(parents=True)
    (tmp_path / "train/labels/nobody.txt").touch()
    (tmp_path / "README.txt").touch()
    folder = folder_of(
        tmp_path, {"train/images/a.jpg": "0 0 0 1 1\n", "train/images/b.jpg": "1 0 0 1 1\n"}
    )
    assert folder.passed_over == ((".txt", 2),)


def test_the_numbers_of_data_yaml_hold(tmp_path: Path) -> None:
    yaml = "nc: 2\nnames:\n  1: happy\n  2: sad\n"
    folder = folder_of(
        tmp_path,
        {"train/images/a.jpg": "1 0.5 0.5 1 1\n", "train/images/b.jpg": "2 0.5 0.5 1 1\n"},
        yaml,
    )
    found = {folder.name_file(f): folder.labels[f.label] for f in folder.files}
    assert found == {"train/images/a.jpg": "happy", "train/images/b.jpg": "sad"}


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        (YAML, "0, 1"),
        ("names: {1: happy, 2: sad, 3: angry}", "1 to 3"),
        ("names: {1: happy, 3: sad, 4: angry}", "1, 3, 4"),
    ],
)
@pytest.mark.parametrize("line", ["9 0.5 0.5 1 1", "happy 1 1", "-1 1"])
def test_line_without_a_known_class_is_said(
    yaml: str, told: str, line: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"a\.txt has a line that does not .*names {told}\.$"):
        folder_of(tmp_path, {"train/images/a.jpg": line, "train/images/b.jpg": "1 0 0 1 1"}, yaml)
