"""A folder is read as its owner means it: labels, splits and files; or one line says why not."""

import os
from collections import Counter
from pathlib import Path

import pytest

from app.errors import DataError
from training.datasets.folder_walk import walk_files
from training.datasets.readers import read_grey_or_rgb
from training.datasets.split_folders import recognise_split
from training.own_pictures.label_files import is_label_file
from training.own_pictures.picture_folder import open_folder


def touch(root: Path, *names: str) -> Path:
    root.mkdir(exist_ok=True)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def crossed(*parts: tuple[str, ...]) -> list[str]:
    """A picture's path for each choice of one name a level."""
    paths = [""]
    for names in parts:
        paths = [f"{path}/{name}".lstrip("/") for path in paths for name in names]
    return [f"{path}/{number}.jpg" for path in paths for number in range(2)]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Train", "train"),
        ("training", "train"),
        ("train_set", "train"),
        ("Training Images", "train"),
        ("val", "valid"),
        ("DEV", "valid"),
        ("eval", "valid"),
        ("PublicTest", "valid"),
        ("val_class", "valid"),
        ("Test", "test"),
        ("PrivateTest", "test"),
        ("tester", None),
        ("happy", None),
        ("trained", None),
        ("train2017", "train"),
        ("val_2014", "valid"),
        ("fer2013", None),
        ("2017", None),
    ],
)
def test_splits_are_known_by_their_usual_names(name: str, split: str | None) -> None:
    assert recognise_split(name) == split


@pytest.mark.parametrize(
    ("splits", "counts"),
    [
        (("train", "valid"), {"train": 4, "valid": 4}),
        (("Training", "PublicTest", "PrivateTest"), {"train": 4, "valid": 4, "test": 4}),
        (("train", "val", "test"), {"train": 4, "valid": 4, "test": 4}),
        (("Train", "Test"), {"train": 4, "test": 4}),
        (("fer_train", "fer_test"), {"train": 4, "test": 4}),
        (("TRAIN",), {"train": 4}),
    ],
)
def test_splits_come_with_the_folder(
    splits: tuple[str, ...], counts: dict[str, int], tmp_path: Path
) -> None:
    folder = open_folder(touch(tmp_path, *crossed(splits, ("Anger", "Happy"))))
    assert folder.labels == ("Anger", "Happy")
    assert Counter(file.split for file in folder.files) == counts
    assert folder.has_validation == ("valid" in counts)
    assert ("drawn from" in " ".join(folder.notes)) == ("valid" not in counts)
    assert {place.below for place in folder.places} == {"0.jpg", "1.jpg"}


def test_labels_are_one_whatever_case_or_form_their_accents_have(tmp_path: Path) -> None:
    names = ("train/glu\u0308cklich/1.jpg", "train/Sad/1.jpg", "val/gl\xfccklich/2.jpg")
    folder = open_folder(touch(tmp_path, *names, "val/SAD/2.jpg"))
    assert folder.labels == ("Sad", "gl\xfccklich")
    assert Counter((file.split, file.label) for file in folder.files) == {
        ("train", 0): 1,
        ("train", 1): 1,
        ("valid", 0): 1,
        ("valid", 1): 1,
    }


def test_sub_folders_of_labels_are_people(tmp_path: Path) -> None:
    folder = open_folder(touch(tmp_path, *crossed(("happy", "sad"), ("ann", "bob"))))
    assert folder.labels == ("happy", "sad")
    assert {place.below for place in folder.places} == {
        *("ann/0.jpg", "ann/1.jpg", "bob/0.jpg", "bob/1.jpg"),
    }


def test_what_systems_leave_behind_is_absent(tmp_path: Path) -> None:
    debris = (
        *(".DS_Store", "__MACOSX/happy/._1.jpg", "happy/._1.jpg", "happy/Thumbs.db"),
        *("happy/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", ".ipynb_checkpoints/x.jpg", "desktop.ini"),
    )
    folder = open_folder(touch(tmp_path, "happy/1.jpg", "sad/1.jpg", *debris))
    assert [folder.name_file(file) for file in folder.files] == ["happy/1.jpg", "sad/1.jpg"]
    assert (folder.labels, folder.passed_over) == (("happy", "sad"), ())


def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "1.jpg", "more/2.jpg")
    root = touch(tmp_path / "in", "sad/1.jpg")
    (root / "happy").symlink_to(tmp_path / "elsewhere")
    (root / "sad/again").symlink_to(root)  # a folder that it lies in
    (root / "sad/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (root / "sad/self").symlink_to(root / "sad/self")
    folder = open_folder(root)
    assert folder.labels == ("happy", "sad")
    assert [folder.name_file(file) for file in folder.files] == [
        *("happy/1.jpg", "happy/more/2.jpg", "sad/1.jpg", "sad/gone.jpg"),
        *("sad/again/happy/1.jpg", "sad/again/happy/more/2.jpg"),
    ]
    with pytest.raises(DataError, match=r"gone\.jpg does not exist"):
        read_grey_or_rgb(root / "sad/gone.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_named_pipe_is_no_picture_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.png")
    assert list(walk_files(tmp_path)) == [tmp_path / "p.png"]
    with pytest.raises(DataError, match=r"p\.png is a pipe or a device"):
        read_grey_or_rgb(tmp_path / "p.png")


@pytest.mark.parametrize(
    ("names", "labels", "of"),
    [
        (["KA.AN1.39.tiff", "KA.HA1.29.tiff", "README.txt"], ("anger", "happiness"), "JAFFE"),
        (["AF01/AF01AFS.JPG", "BF01/BF01NES.JPG"], ("fear", "neutral"), "KDEF"),
        (["Actor_01/01-01-05-01-01-01-01_1.png", "Actor_02/01-01-04-01-01-01-02_9.png"], None, ""),
    ],
)
def test_labels_of_known_sets_are_read_from_the_names(
    names: list[str], labels: tuple[str, ...] | None, of: str, tmp_path: Path
) -> None:
    folder = open_folder(touch(tmp_path, *names))
    assert folder.labels == (labels or ("anger", "sadness"))
    assert folder.notes == (
        f"The labels are read from the file names, which are those of {of or 'RAVDESS'}.",
    )


def test_folders_of_expressions_go_before_names_of_a_known_set(tmp_path: Path) -> None:
    folder = open_folder(touch(tmp_path, "mad/x.jpg", "happy/KA.AN1.39.tiff", "sad/KA.HA1.29.tiff"))
    assert folder.labels == ("happy", "mad", "sad")


def test_numbers_for_labels_are_said(tmp_path: Path) -> None:
    (note,) = open_folder(touch(tmp_path, *crossed(("train", "val"), ("1", "2")))).notes
    assert note.startswith("The labels are numbers (1, 2), and the model will say numbers.")


def test_numbers_of_rafdb_are_its_words(tmp_path: Path) -> None:
    names = [f"{s}/{k}/{s}_0000{k}_aligned.jpg" for s in ("train", "test") for k in range(1, 8)]
    folder = open_folder(touch(tmp_path, *names, "train_labels.csv"))
    said = {folder.name_file(file): folder.labels[file.label] for file in folder.files}
    assert said["train/1/train_00001_aligned.jpg"] == "surprise"
    assert said["test/4/test_00004_aligned.jpg"] == "happiness"
    assert said["train/7/train_00007_aligned.jpg"] == "neutral"
    assert [place.label for place in folder.places] == [file.label for file in folder.files]
    assert folder.notes[-1].startswith("The numbers of the labels are read as RAF-DB's: 1 surpri")


def test_what_lies_beside_labels_and_splits_is_said(tmp_path: Path) -> None:
    split = touch(tmp_path / "a", *crossed(("train", "val"), ("x", "y")), "Train_Points/1.mat")
    assert open_folder(split).notes == ("Passed over, beside the split: Train_Points.",)
    plain = touch(tmp_path / "b", *crossed(("x", "y")), "7.jpg")
    assert open_folder(plain).notes == ("Passed over, as they lie in no label's folder: 7.jpg.",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has 0 label folders; at least 2 are needed"),
        (["happy/1.jpg"], "has 1 label folder, 'happy'; at least 2"),
        (["CK+48/happy/1.jpg", "CK+48/sad/1.jpg"], r"If happy, sad are the labels.* give .*CK\+48"),
        (["1.jpg", "2.jpg"], "holds 2 pictures and no folders"),
        (["all.zip"], r"holds the archive all\.zip\. Unpack it"),
        (["train/a/1.png", "b/1.png"], "as if it were split"),
        (["a/1.png", "b/1.png", "Validation/1.png"], "has Validation/ as if it were split"),
        (["a/1.png", "b/1.png", "test/1.png"], "has test/ as if it were split"),
        (crossed(("train", "val", "dev"), ("a", "b")), "has dev, val, which all mean the valid"),
        (
            ["train/a/1.png", "train/b/1.png", "valid/c/1.png"],
            "the label 'c' is unknown; train/ has a, b",
        ),
        (["train/a/1.png", "train/b/1.png", "valid/1.png"], "valid holds no pictures in folders"),
        (["train/a/1.png", "valid/a/1.png"], "train has 1 label folder, 'a'"),
        (["happy/1.jpg", "sad/1.txt"], r"sad holds no pictures \("),
        (["happy/1.jpg", "sad/1.JXL"], r"sad holds pictures only of kinds .*1 x \.jxl\)\. Exp"),
        (
            ["Happy/1.jpg", "happy/1.jpg", "sad/1.jpg"],
            "'Happy' and 'happy', which differ only in case",
        ),
        (crossed(("ann", "bob"), ("happy", "sad")), r"labels \(happy, sad\) further down, in ann"),
        (crossed(("fold1", "fold2"), ("Glücklich", "Wut")), "Put the labels first"),
        (crossed(("NI", "VL"), ("Strong",), ("P001",), ("Anger", "Fear")), r"\(Anger, Fear\) furt"),
        (["happy/1.jpg", "a\tb/1.jpg"], r"a label to rename: every label .* not 'a\\tb'"),
        (["EmoLabel/x.txt", "Image/aligned/1.jpg"], "training.prepare rafdb"),
        (["training.csv", "Manually_Annotated_Images/1/1.jpg"], "training.prepare affectnet"),
        (["Emotion/S005/001/x.txt", "cohn-kanade-images/S005/001/1.png"], r"CK\+ with its labels"),
        (
            ["train/images/1.png", "train/labels/1.txt", "valid/images/2.png"],
            r"\(YOLO\), but the file data\.yaml",
        ),
        (["image/origin/1.jpg", "label/label.lst"], "a list of ExpW"),
    ],
)
def test_folder_of_another_form_is_said(names: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said) as caught:
        open_folder(touch(tmp_path / "in", *names))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fer2013.csv", "emotion,pixels,Usage\n", "pictures as numbers.*training.prepare ferplus"),
        ("_annotations.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n", "table of boxes"),
        ("labels.csv", "when,where\n", "a table with the columns when, where"),
        (
            "a.coco.json",
            '{"images":[],"annotations":[],"categories":[]}',
            "COCO list of annotations is empty",
        ),
        ("project.json", '[{"id":1,"annotations":[]}]', "a task of Label Studio lacks 'data'"),
        ("a.json", '{"shapes":[],"imagePath":"a.jpg"}', "an annotation of LabelMe"),
        ("a.json", "[" * 99_999, "holds 1 picture and no folders"),
        ("metadata.jsonl", '{"file_name":"a.jpg","text":"x"}\n', "a Hugging Face metadata file"),
        ("annotations.xml", '<annotations>\n<image id="0">', "an export of CVAT"),
        ("a.xml", "<annotation><folder/>", "in the form of Pascal VOC"),
    ],
)
def test_labels_in_files_are_named(name: str, text: str, said: str, tmp_path: Path) -> None:
    root = touch(tmp_path, "a.jpg")
    (root / name).write_text(text)
    with pytest.raises(DataError, match=said):
        open_folder(root)
    if "folders" not in said and not is_label_file(root / name):
        with pytest.raises(DataError, match=said):
            open_folder(root / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pictures.zip", r"pictures\.zip is an archive\. Unpack it"),
        ("picture.jpg", r"picture\.jpg is not a folder"),
        ("nowhere", "nowhere does not exist"),
    ],
)
def test_what_is_no_folder_is_said(name: str, said: str, tmp_path: Path) -> None:
    touch(tmp_path, "pictures.zip", "picture.jpg")
    with pytest.raises(DataError, match=said):
        open_folder(tmp_path / name)
