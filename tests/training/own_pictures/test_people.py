"""Who is on a picture is read from where it lies and what it is called."""

import pytest

from app.errors import DataError
from training.datasets.expression_words import is_expression, name_expression
from training.own_pictures.known_sets import parse_known_name
from training.own_pictures.people import (
    PicturePlace,
    find_original,
    find_people,
    find_person,
    list_people_notes,
)

LABELS = ("happy", "sad")


def names(*places: tuple[str, int], group_by: str = "person") -> list[str | None]:
    people = find_people([PicturePlace(*place) for place in places], LABELS, group_by)
    return [person.name if person else None for person in people]


def notes(*places: tuple[str, int], group_by: str = "person") -> list[str]:
    listed = [PicturePlace(*place) for place in places]
    return list(list_people_notes(listed, find_people(listed, LABELS, group_by), LABELS, group_by))


@pytest.mark.parametrize(
    ("below_label", "person"),
    [
        ("anna/1.jpg", "anna"),
        ("Anna/holiday/1.jpg", "anna"),
        ("zoe\u0308/1.jpg", "zo\xeb"),  # as macOS stores it
        ("female/anna/1.jpg", "anna"),
        ("female/1.jpg", None),
        ("Anna_001.jpg", "anna"),
        ("anna-2.png", "anna"),
        ("anna7.png", "anna"),
        ("anna_02_003.png", "anna"),
        ("anna maria (3).png", "anna maria"),
        ("subject 12_3.png", "subject 12"),
        ("subject12_3.png", "subject12"),
        ("happy_anna_7.jpg", "anna"),
        ("P001_happy_002.png", "p001"),
        ("happy_P001_002.png", "p001"),
        ("Airheads_000519240_00000005.png", "airheads"),
        ("IMG_0017.jpg", None),
        ("P1000123.JPG", None),
        ("0017.jpg", None),
        ("a_1.jpg", None),
        ("subject_3.jpg", None),
        ("happy-001.jpg", None),
        ("happy (2).jpg", None),
        ("Training_10118481.jpg", None),
        ("PublicTest_10089743.jpg", None),
        ("fer0000001.png", None),
        ("train_00001_aligned.jpg", None),
        ("image0000006.jpg", None),
        ("IMG_0017_jpg.rf.0a1b2c3d.jpg", None),
        ("anna_2_jpg.rf.0a1b2c3d.jpg", "anna"),
    ],
)
def test_person_is_read_from_the_place(below_label: str, person: str | None) -> None:
    found = find_person(below_label, LABELS)
    assert (found.name if found else None) == person


@pytest.mark.parametrize(
    ("stem", "of", "who", "label"),
    [
        ("S010_004_00000017", "CK+", "s010", None),
        ("anger_S010_006_00000015", "CK+", "s010", None),
        ("KA.AN1.39", "JAFFE", "ka", "anger"),
        ("KA.HA1.29", "JAFFE", "ka", "happiness"),
        ("AF01ANS", "KDEF", "f01", "anger"),
        ("BF01AFHL", "KDEF", "f01", "fear"),
        ("Rafd090_01_Caucasian_female_angry_frontal", "RaFD", "01", "anger"),
        ("001_o_m_a_a", "FACES", "001", "anger"),
        ("01F_AN_C", "NimStim", "01f", "anger"),
        ("CFD-WF-001-002-N", "CFD", "wf-001", "neutral"),
        ("F0001_AN01WH_F2D", "BU-3DFE", "f0001", "anger"),
        ("F01-Anger-Apex", "ADFES", "f01", "anger"),
        ("1001_DFA_ANG_XX_0003", "CREMA-D", "1001", "anger"),
        ("01-01-03-01-01-01-12_0003", "RAVDESS", "12", "happiness"),
    ],
)
def test_names_of_known_sets_tell_person_and_label(
    stem: str, of: str, who: str, label: str | None
) -> None:
    known = parse_known_name(stem)
    assert known is not None
    assert (known.set_name, known.who, known.label) == (of, who, label)
    person = find_person(f"{stem}.png", LABELS)
    assert person is not None
    assert person.name == f"{of.lower()} {who}"


@pytest.mark.parametrize("stem", ["anna_1", "S010", "IMG_0017", "AF01", "001_a_b", "2021-05-03"])
def test_other_names_are_of_no_known_set(stem: str) -> None:
    assert parse_known_name(stem) is None


def test_code_that_is_a_whole_name_counts_where_it_repeats_over_labels() -> None:
    assert names(("S01_happy.png", 0), ("S01_sad.png", 1)) == ["s01", "s01"]
    assert names(("s1.png", 0), ("s2.png", 1)) == [None, None]


def test_people_may_be_told_by_a_rule() -> None:
    places = (("12_1.png", 0), ("12_2.png", 1), ("13-1.png", 0))
    assert names(*places) == [None, None, None]
    assert names(*places, group_by="prefix") == ["12", "12", "13"]
    assert names(*places, group_by="picture") == [None, None, None]
    assert names(*places, group_by=r"^(\d)(\d)") == ["1", "1", "1"]
    assert names(*places, group_by=r"\d+[-]") == [None, None, "13-"]
    with pytest.raises(DataError, match=r"'x' is found in no file's name, such as '12_1\.png'"):
        names(*places, group_by="x")


def test_how_people_were_told_is_said() -> None:
    assert notes(("ann/1.png", 0), ("bob/1.png", 1), ("cyd_1.png", 1), ("3.png", 0)) == [
        "2 people by sub-folder: ann, bob.",
        "1 person by file name: cyd.",
        "1 of 4 pictures name nobody; each counts as another person.",
    ]
    (line,) = notes(("1.png", 0), ("2.png", 1))
    assert line.startswith("Neither sub-folders nor file names tell people apart")
    assert notes(("1.png", 0), ("2.png", 1), group_by="picture") == []


def test_beginning_that_several_people_share_is_said() -> None:
    *_, line = notes(("12_1.png", 0), ("12_2.png", 1), ("13_1.png", 0))
    assert line == (
        "The beginning '12' of file names occurs in 2 of what counts as different people (1 such "
        "beginning). If it says who is on the picture, use --group-by prefix."
    )
    assert len(notes(("12_1.png", 0), ("12_2.png", 0))) == 1  # under one label
    assert len(notes(("20210503_1.png", 0), ("20210503_2.png", 1))) == 1  # a date


def test_changed_copies_of_one_picture_have_one_source() -> None:
    assert (
        find_original("a/IMG_1_jpg.rf.aa01.jpg")
        == find_original("IMG_1_jpg.rf.bb02.jpg")
        == "img_1"
    )
    assert find_original("IMG_1.jpg") is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Happy", "happiness"),
        (" JOY", "happiness"),
        ("glu\u0308cklich", "happiness"),
        ("ÄRGER", "anger"),
        ("3_happy", "happiness"),
        ("sad-01", "sadness"),
        ("悲しみ", "sadness"),
        ("Cross", "cross"),
        ("1", "1"),
    ],
)
def test_words_for_one_expression_have_one_name(label: str, name: str) -> None:
    assert name_expression(label) == name
    assert is_expression(label) == (name not in ("cross", "1"))
