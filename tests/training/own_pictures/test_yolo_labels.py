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
        (YAML, ("happy", "sad")),
        ('names: [\n  "happy",\n  "sad"\n]\nnc: 2\n', ("happy", "sad")),
        ("names:\n- happy\n- 'sad'  # second\nnc: 2\n", ("happy", "sad")),
        ("names:\n  0: happy\n  1: very sad\n", ("happy", "very sad")),
        ("names: {0: happy, 1: sad}\n", ("happy", "sad")),
        ("nc: 2\n", ()),
        ("names: &x\n", ()),
    ],
)
def test_names_of_classes_are_read(text: str, names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(text)
    assert read_class_names(tmp_path / "data.yaml") == names


def folder_of(root: Path, labels: dict[str, str | None]) -> PictureFolder:
    """A picture for each path, and beside it its label file."""
    (root / "data.yaml").write_text(YAML)
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
        "2 pictures left out, to which data.yaml gives no label or several.",
        "1 picture left out, which no row names.",
    )


@pytest.mark.parametrize("line", ["2 0.5 0.5 1 1", "happy 1 1", "-1 1"])
def test_line_without_a_known_class_is_said(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt has a line that does not .*names 2, from 0 on"):
        folder_of(tmp_path, {"train/images/a.jpg": line, "train/images/b.jpg": "1 0 0 1 1"})
