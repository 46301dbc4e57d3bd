"""Labels that stand in files beside the pictures are read as the programs that wrote them meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.errors import DataError
from training.own_pictures.label_files import (
    LabelRow,
    is_label_file,
    list_file_names,
    read_label_rows,
)
from training.own_pictures.people import find_people
from training.own_pictures.picture_folder import PictureFolder, open_folder

HAPPY_SAD = [LabelRow("a.jpg", "happy"), LabelRow("b.jpg", "sad")]
NOT_B = [HAPPY_SAD[0], LabelRow("b.jpg", None)]
NUMBER = [HAPPY_SAD[0], LabelRow("b.jpg", "1")]
COCO = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
    "categories": [{"id": 1, "name": "happy"}, {"id": 2, "name": "sad"}],
    "annotations": [{"image_id": 7, "category_id": 1}, {"image_id": 8, "category_id": 2}],
}


def task(image: str, *choices: str) -> dict[str, Any]:
    result = [{"type": "choices", "value": {"choices": list(choices)}}]
    return {"data": {"image": image}, "annotations": [{"result": result}]}


def related(task: dict[str, Any]) -> dict[str, Any]:
    """The task with a relation between two results."""
    task["annotations"][0]["result"].append({"type": "relation", "from_id": "x", "to_id": "y"})
    return task


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("metadata.csv", "file_name,label\na.jpg,happy\nb.jpg,sad\n", HAPPY_SAD),
        ("labels.csv", "\ufeffImage;Emotion\na.jpg;happy\nb.jpg; sad\n", HAPPY_SAD),
        ("labels.tsv", "img\tClass Name\na.jpg\thappy\nb.jpg\tsad\n", HAPPY_SAD),
        ("m.jsonl", '{"image":"a.jpg","label":"happy"}\n\n{"image":"b.jpg","label":1}\n', NUMBER),
        ("_classes.csv", "filename, happy, sad\na.jpg, 1, 0\nb.jpg, 0, 1\n", HAPPY_SAD),
        ("_classes.csv", "filename, happy, sad\na.jpg, 1, 1\n", [LabelRow("a.jpg", None)]),
        (
            "_annotations.csv",
            "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,9,9,happy,0,0,1,1\n",
            HAPPY_SAD[:1],
        ),
        (
            "l.csv",
            "id,pth,label\n0,a.jpg,happy\n1,b.jpg,\n",
            NOT_B,
        ),
        (
            "labels.csv",
            "image,label,Split,Subject\na.jpg,happy,Train,P1\n",
            [LabelRow("a.jpg", "happy", "Train", "P1")],
        ),
        ("_annotations.coco.json", json.dumps(COCO), HAPPY_SAD),
        ("p.json", json.dumps([task("a.jpg", "happy"), task("b.jpg", "sad")]), HAPPY_SAD),
        ("p.json", json.dumps([task("a.jpg", "happy", "sad")]), [LabelRow("a.jpg", None)]),
        ("m.json", '[{"img":"a.jpg","choice":"happy"},{"img":"b.jpg","choice":"sad"}]', HAPPY_SAD),
        (
            "annotations.xml",
            '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>'
            '<image id="0" name="a.jpg"><tag label="happy" source="manual"/></image>'
            '<image id="1" name="b.jpg"><box label="sad" xtl="1"/></image></annotations>',
            HAPPY_SAD,
        ),
        (
            "annotations.xml",
            '<annotations><image name="a.jpg" subset="Train"><tag label=" happy"/></image>'
            '<image name="b.jpg" subset="default"><tag label="sad"/></image></annotations>',
            [LabelRow("a.jpg", "happy", "Train"), LabelRow("b.jpg", "sad")],
        ),
        ("_annotations.coco.json", json.dumps(COCO).replace('"sad"', '" sad "'), HAPPY_SAD),
        ("m.json", '[{"img":"a.jpg","choice":"happy"},{"img":"b.jpg","choice":NaN}]', NOT_B),
        ("_classes.csv", "filename,happy,sad\na.jpg,1,0\nb.jpg,0\n", NOT_B),
        ("p.json", json.dumps([related(task("a.jpg", "happy"))]), HAPPY_SAD[:1]),
        ("fer2013.csv", "emotion,pixels,Usage\n0,1 2,Training\n", []),
        ("other.csv", "a,b\n1,2\n", []),
        ("empty.csv", "", []),
        ("a.json", '{"shapes":[]}', []),
        ("a.xml", "<annotation><folder/></annotation>", []),
        ("a.txt", "a.jpg happy\n", []),
    ],
)
def test_rows_are_read_from_each_form(
    name: str, text: str, rows: list[LabelRow], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert list(read_label_rows(path)) == rows
    assert is_label_file(path) == bool(rows)


@pytest.mark.parametrize(
    "content",
    [
        "image,label\na.jpg,glücklich\n".encode("cp1252"),
        "image\tlabel\r\na.jpg\tglücklich\r\n".encode("utf-16"),
        "sep=;\r\nimage;label\r\na.jpg;glücklich\r\n".encode("utf-8-sig"),
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert is_label_file(tmp_path / "a.csv")
    assert list(read_label_rows(tmp_path / "a.csv")) == [LabelRow("a.jpg", "glücklich")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"image":"a.jpg","label":"x"}\n{', "is damaged"),
        ("a.json", json.dumps(COCO | {"images": []}).encode(), "of its COCO lists lacks 7"),
        ("a.json", b'[{"annotations":[]}]', "a task of Label Studio lacks 'data'"),
        ("a.xml", b"<annotations><image ", "is damaged"),
        ("a.json", b"[" * 99_999, "is damaged"),
        ("a.json", json.dumps(COCO | {"annotations": []}).encode(), "list of annotations is empty"),
        ("a.json", json.dumps(COCO | {"categories": []}).encode(), "its COCO lists lacks 1"),
        (
            "a.csv",
            b"image,happy,sad\na.jpg,1,0\nb.jpg,2,1\n",
            "b.jpg has '2' in .*'happy', where 0",
        ),
    ],
)
def test_damaged_file_is_one_line(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        list(read_label_rows(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_entities_of_xml_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<!DOCTYPE a [<!ENTITY b "happy">]><annotations><image name="a.jpg"><tag label="&b;"/>'
        "</image></annotations>"
    )
    assert list(read_label_rows(path)) == []


@pytest.mark.parametrize(
    ("picture", "names"),
    [
        ("images/a.jpg", ["images/a.jpg", "a.jpg"]),
        (r".\images\a.jpg", ["images/a.jpg", "a.jpg"]),
        ("/data/up/0a1b2c3d-a.jpg", ["/data/up/0a1b2c3d-a.jpg", "0a1b2c3d-a.jpg", "a.jpg"]),
        ("/data/local-files/?d=images/a%20b.jpg", ["images/a b.jpg", "a b.jpg"]),
        ("https://host/x/a.jpg?token=1", ["/x/a.jpg", "a.jpg"]),
        ("//[1].jpg", ["//[1].jpg", "[1].jpg"]),  # no host, though it begins as one
        ("http://[x/a.jpg", ["http://[x/a.jpg", "a.jpg"]),
    ],
)
def test_picture_may_be_called_by_an_address(picture: str, names: list[str]) -> None:
    assert list_file_names(picture) == names


def folder_of(root: Path, texts: dict[str, str], *pictures: str) -> PictureFolder:
    for name in pictures:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in texts.items():
        (root / name).write_text(text)
    return open_folder(root)


def found(folder: PictureFolder) -> dict[str, tuple[str, str]]:
    return {folder.name_file(f): (f.split, folder.labels[f.label]) for f in folder.files}


def test_list_beside_the_pictures_labels_them(tmp_path: Path) -> None:
    table = "file_name,label,subject\na.jpg,Happy,P1\nb.jpg,happy,P2\nc.jpg,sad,P1\nx.jpg,sad,P1\n"
    folder = folder_of(tmp_path, {"metadata.csv": table}, "a.jpg", "in/b.jpg", "c.jpg", "d.jpg")
    assert found(folder) == {
        "a.jpg": ("train", "Happy"),
        "c.jpg": ("train", "sad"),
        "in/b.jpg": ("train", "Happy"),
    }
    people = find_people(folder.places, folder.labels, "person")
    assert [person.name for person in people if person] == ["p1", "p1", "p2"]
    assert folder.left_out
    assert folder.notes == (
        "The labels are read from metadata.csv.",
        "1 row of metadata.csv left out, for which there is no picture.",
        "1 picture left out, which no row names.",
    )


def test_picture_with_several_labels_is_left_out(tmp_path: Path) -> None:
    table = "image,label\na.jpg,happy\na.jpg,happy\nb.jpg,sad\nc.jpg,sad\nc.jpg,happy\n"
    folder = folder_of(tmp_path, {"l.csv": table}, "a.jpg", "b.jpg", "c.jpg")
    assert found(folder) == {"a.jpg": ("train", "happy"), "b.jpg": ("train", "sad")}
    assert (
        "1 picture left out, to which l.csv gives no label, several, or several splits."
        in folder.notes
    )


@pytest.mark.parametrize(
    "texts",
    [
        {
            "train/_classes.csv": "filename, happy, sad\na.jpg,1,0\nb.jpg,0,1\n",
            "valid/_classes.csv": "filename, happy, sad\nc.jpg,0,1\n",
        },
        {"metadata.csv": "file_name,label\ntrain/a.jpg,happy\ntrain/b.jpg,sad\nvalid/c.jpg,sad\n"},
        {
            "train_labels.csv": "image,label\na.jpg,happy\nb.jpg,sad\n",
            "val_labels.csv": "image,label\nc.jpg,sad\n",
        },
        {
            "labels.csv": "image,label,Usage\na.jpg,happy,Training\nb.jpg,sad,Training\n"
            "c.jpg,sad,PublicTest\n"
        },
    ],
    ids=["a list in each split", "paths", "a list for each split", "a column"],
)
def test_lists_know_splits(texts: dict[str, str], tmp_path: Path) -> None:
    folder = folder_of(tmp_path, texts, "train/a.jpg", "train/b.jpg", "valid/c.jpg")
    assert found(folder) == {
        "train/a.jpg": ("train", "happy"),
        "train/b.jpg": ("train", "sad"),
        "valid/c.jpg": ("valid", "sad"),
    }
    assert (folder.has_validation, folder.left_out, folder.passed_over) == (True, False, ())


def test_splits_are_read_from_any_folder_of_a_path(tmp_path: Path) -> None:
    table = "image,label\na.jpg,happy\nb.jpg,sad\nc.jpg,sad\n"
    names = ("faces/train2017/anna/a.jpg", "faces/train2017/b.jpg", "faces/val2017/bob/c.jpg")
    folder = folder_of(tmp_path, {"labels.csv": table}, *names)
    assert [split for split, _ in found(folder).values()] == ["train", "train", "valid"]


@pytest.mark.parametrize("split", ["2", "held-out", "final test"])
def test_split_that_is_not_known_is_said(split: str, tmp_path: Path) -> None:
    table = f"image,label,partition\na.jpg,happy,train\nb.jpg,sad,{split}\n"
    said = (
        rf"l\.csv has the split '{split}' for 'b\.jpg', which is none that is known\. Write train"
    )
    with pytest.raises(DataError, match=said):
        folder_of(tmp_path, {"l.csv": table}, "a.jpg", "b.jpg")


def test_picture_of_several_splits_is_left_out(tmp_path: Path) -> None:
    rows = (
        "a.jpg,happy,train\nb.jpg,sad,train\nb.jpg,sad,Training\nb.jpg,sad,\n"
        "c.jpg,sad,train\nc.jpg,sad,test\n"
    )
    folder = folder_of(tmp_path, {"l.csv": "image,label,split\n" + rows}, "a.jpg", "b.jpg", "c.jpg")
    assert sorted(found(folder)) == ["a.jpg", "b.jpg"]
    assert "1 picture left out, to which l.csv gives no label, several, or several splits." in (
        folder.notes
    )


def test_split_without_a_list_is_said(tmp_path: Path) -> None:
    names = ("train/a.jpg", "train/b.jpg", "test/c.jpg")
    texts = {"train/labels.csv": "image,label\na.jpg,happy\nb.jpg,sad\n"}
    folder = folder_of(tmp_path, texts, *names)
    assert sorted(found(folder)) == ["train/a.jpg", "train/b.jpg"]
    assert "test/ has no file with labels and is left out." in folder.notes
    assert folder.left_out
    with pytest.raises(DataError, match=r"valid has no file with labels, and .*train/labels\.csv"):
        folder_of(tmp_path, {}, "valid/d.jpg")


def test_row_of_a_missing_picture_labels_no_other_of_its_name(tmp_path: Path) -> None:
    table = "image,label\nanna/a.jpg,happy\nanna/b.jpg,sad\nbob/c.jpg,happy\n"
    folder = folder_of(
        tmp_path, {"l.csv": table}, "anna/a.jpg", "anna/b.jpg", "anna/c.jpg", "anna/in/a.jpg"
    )
    assert sorted(found(folder)) == ["anna/a.jpg", "anna/b.jpg"]
    assert folder.notes[1:] == (
        "1 row of l.csv left out, for which there is no picture.",
        "2 pictures left out, which no row names.",
    )


def test_label_of_pictures_that_are_left_out_alone_is_none(tmp_path: Path) -> None:
    table = "image,label\na.jpg,happy\nb.jpg,sad\nc.jpg,sad\nc.jpg,fear\n"
    folder = folder_of(tmp_path, {"l.csv": table}, "a.jpg", "b.jpg", "c.jpg")
    assert folder.labels == ("happy", "sad")


def test_folders_of_labels_go_before_lists(tmp_path: Path) -> None:
    table = "image,label\na.jpg,sad\nb.jpg,happy\n"
    folder = folder_of(tmp_path, {"labels.csv": table}, "happy/a.jpg", "sad/b.jpg")
    assert found(folder)["happy/a.jpg"] == ("train", "happy")
    assert folder.passed_over == ((".csv", 1),)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"l.csv": "image,label\nx.jpg,happy\ny.jpg,sad\n"}, "2 of 2 rows of .*l.csv name no pict"),
        ({"l.csv": "image,label\na.jpg,happy\nb.jpg,happy\n"}, "has one label only, 'happy'"),
        (
            {"l.csv": "image,label\na.jpg,happy\na.jpg,man\nb.jpg,sad\nb.jpg,man\n"},
            "l.csv has no picture with a single label; at least 2 labels are needed.",
        ),
        (
            {"one.csv": "image,label\na.jpg,happy\n", "two.csv": "image,label\nb.jpg,sad\n"},
            "several files with labels: one.csv, two.csv. Leave one",
        ),
        ({"test.csv": "image,label\na.jpg,happy\nb.jpg,sad\n"}, None),
    ],
)
def test_list_that_cannot_be_used_is_said(
    texts: dict[str, str], said: str | None, tmp_path: Path
) -> None:
    if said is None:
        assert len(folder_of(tmp_path, texts, "a.jpg", "b.jpg").files) == 2
        return
    with pytest.raises(DataError, match=said):
        folder_of(tmp_path, texts, "a.jpg", "b.jpg")
