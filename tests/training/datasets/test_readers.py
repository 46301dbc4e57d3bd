"""Data sets in their official forms are read exactly, and what does not fit is named by its row."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import DataError
from training.datasets.readers import (
    FERPLUS_LABELS,
    FERPLUS_VOTES,
    NO_LABEL,
    read_ferplus,
    read_grey_or_rgb,
)

PIXELS = " ".join(str(value % 256) for value in range(48 * 48))
USAGES = ("Training", "PublicTest", "PrivateTest")
FER_HEADER = ("emotion", "pixels", "Usage")
VOTES_HEADER = ("Usage", "Image name", *FERPLUS_VOTES)


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def fer_rows() -> list[list[Any]]:
    return [[0, PIXELS, usage] for usage in USAGES]


def vote_rows() -> list[list[Any]]:
    """Seven votes for the row's own class, one for contempt, two for not-a-face."""
    return [
        [usage, f"fer{number:07d}.png", *[0] * number, 7, *[0] * (6 - number), 1, 0, 2]
        for number, usage in enumerate(USAGES)
    ]


def write_both(folder: Path, fer: list[list[Any]], votes: list[list[Any]]) -> tuple[Path, Path]:
    return (
        write_csv(folder / "fer2013.csv", FER_HEADER, fer),
        write_csv(folder / "fer2013new.csv", VOTES_HEADER, votes),
    )


def test_rows_are_joined_by_their_number(tmp_path: Path) -> None:
    fer, votes = fer_rows(), vote_rows()
    fer[2][1] = " ".join(["7"] * 48 * 48)
    votes[0][1] = votes[2][1] = "fer0000000.png"  # file names repeat in the official file
    samples = list(read_ferplus(*write_both(tmp_path, fer, votes)))
    assert [(s.name, s.split) for s in samples] == [
        ("00000", "train"),
        ("00001", "valid"),
        ("00002", "test"),
    ]
    assert samples[0].image.shape == (48, 48)
    assert samples[0].image.dtype == np.uint8
    assert samples[0].image[1, :3].tolist() == [48, 49, 50]
    assert np.unique(samples[2].image).tolist() == [7]
    assert samples[1].votes.tolist() == [0, 7, 0, 0, 0, 0, 0, 1, 0, 2]
    assert samples[1].votes.dtype == np.uint8


def test_own_labels_have_the_numbers_of_ferplus(tmp_path: Path) -> None:
    fer = fer_rows()
    for row, emotion in zip(fer, ("1", " 2", 6), strict=True):
        row[0] = emotion
    samples = list(read_ferplus(*write_both(tmp_path, fer, vote_rows())))
    assert [FERPLUS_LABELS[s.own] for s in samples] == ["disgust", "fear", "neutral"]
    fer[1][0] = 7
    with pytest.raises(DataError, match=r"row 2: the emotion is '7', expected a number in 0\.\.6"):
        list(read_ferplus(*write_both(tmp_path, fer, vote_rows())))


def test_a_file_without_own_labels_has_none(tmp_path: Path) -> None:
    fer = write_csv(tmp_path / "fer.csv", FER_HEADER[1:], [row[1:] for row in fer_rows()])
    votes = write_csv(tmp_path / "votes.csv", VOTES_HEADER, vote_rows())
    assert [s.own for s in read_ferplus(fer, votes)] == [NO_LABEL] * 3


def test_row_without_an_image_name_is_dropped(tmp_path: Path) -> None:
    votes = vote_rows()
    votes[1][1] = " "
    samples = list(read_ferplus(*write_both(tmp_path, fer_rows(), votes)))
    assert [s.name for s in samples] == ["00000", "00002"]


def test_columns_go_by_name(tmp_path: Path) -> None:
    """Kaggle's second edition has other column order, and blanks in its header."""
    _, ferplus = write_both(tmp_path, [], vote_rows())
    rows = [[usage, PIXELS, 0] for usage in USAGES]
    fer = write_csv(tmp_path / "icml_face_data.csv", ("Usage", " pixels", "emotion "), rows)
    fer.write_bytes(b"\xef\xbb\xbf" + fer.read_bytes())
    assert len(list(read_ferplus(fer, ferplus))) == 3


def test_first_votes_columns_are_the_labels() -> None:
    assert FERPLUS_VOTES[:8] == FERPLUS_LABELS
    assert FERPLUS_VOTES[8:] == ("unknown", "NF")


def changed(rows: list[list[Any]], row: int, column: int, value: Any) -> list[list[Any]]:
    rows[row - 1][column] = value
    return rows


@pytest.mark.parametrize(
    ("fer", "votes", "message"),
    [
        (changed(fer_rows(), 2, 1, "1 2 3"), vote_rows(), "row 2: 3 pixel values, expected 2304"),
        (changed(fer_rows(), 3, 1, ""), vote_rows(), "row 3: 0 pixel values, expected 2304"),
        (changed(fer_rows(), 1, 1, PIXELS + " x"), vote_rows(), "row 1: a pixel is not a whole"),
        (changed(fer_rows(), 1, 1, PIXELS + " 9" * 30), vote_rows(), "row 1: 2334 pixel values"),
        (changed(fer_rows(), 1, 1, PIXELS[:-3] + "256"), vote_rows(), "row 1: a pixel is outside"),
        (changed(fer_rows(), 1, 1, "-1" + PIXELS[1:]), vote_rows(), "row 1: a pixel is outside"),
        (changed(fer_rows(), 1, 1, "9" * 40), vote_rows(), "row 1: a pixel is not a whole"),
        (changed(fer_rows(), 2, 2, "Test"), vote_rows(), "row 2: unknown Usage 'Test', expected"),
        (fer_rows(), changed(vote_rows(), 2, 0, "Training"), "Row 2: Usage is 'PublicTest' in"),
        (fer_rows(), changed(vote_rows(), 3, 4, "two"), "row 3: a vote is not a whole number"),
        (fer_rows(), changed(vote_rows(), 3, 4, -1), "row 3: a vote is outside 0..255"),
        (fer_rows(), changed(vote_rows(), 3, 4, 256), "row 3: a vote is outside 0..255"),
        (fer_rows(), vote_rows()[:2], "ends before row 3 of"),
        (fer_rows()[:2], vote_rows(), "ends after row 2 but"),
        ([], [], "fer2013.csv has no rows"),
        ([[0, PIXELS]], vote_rows(), "row 1: too few columns"),
        (fer_rows(), [["Training", "x.png", 1]], "row 1: too few columns"),
    ],
)
def test_what_does_not_fit_is_named_by_its_row(
    tmp_path: Path, fer: list[list[Any]], votes: list[list[Any]], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        list(read_ferplus(*write_both(tmp_path, fer, votes)))
    assert message in str(caught.value)
    assert ".csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "fer2013.csv is missing. It comes from Kaggle"),
        (b"", "lacks the columns pixels, Usage; it has none"),
        (b"a,b\n1,2\n", "lacks the columns pixels, Usage; it has a, b. Is it the right file?"),
        (b"pixels,Usage\n\xff\xfe,Training\n", "could not be read as a CSV file"),
        (b"pixels,Usage\n" + b"1" * 2_000_000, "could not be read as a CSV file: field larger"),
    ],
    ids=["missing", "empty", "other columns", "not text", "endless field"],
)
def test_file_that_is_another_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    fer, votes = write_both(tmp_path, fer_rows(), vote_rows())
    fer.unlink() if content is None else fer.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_ferplus(fer, votes))
    assert message in str(caught.value)


def test_swapped_files_are_noticed(tmp_path: Path) -> None:
    fer, votes = write_both(tmp_path, fer_rows(), vote_rows())
    with pytest.raises(DataError, match=r"fer2013new\.csv lacks the columns pixels"):
        list(read_ferplus(votes, fer))


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RGB = np.stack([GREY, 255 - GREY, GREY // 2], axis=2)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.fromarray(GREY), GREY),
        (Image.fromarray(RGB), RGB),
        (Image.fromarray(GREY > 100), (GREY > 100) * np.uint8(255)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
        (Image.fromarray(np.dstack([RGB, GREY])), RGB),
    ],
    ids=["grey", "rgb", "1 bit", "16 bit", "transparent"],
)
def test_pixels_come_as_they_are(
    tmp_path: Path, picture: Image.Image, expected: np.ndarray
) -> None:
    picture.save(tmp_path / "p.png")
    pixels = read_grey_or_rgb(tmp_path / "p.png")
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


def test_picture_comes_upright(tmp_path: Path) -> None:
    turned = Image.fromarray(GREY)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: to be turned clockwise
    turned.save(tmp_path / "p.png", exif=exif)
    np.testing.assert_array_equal(read_grey_or_rgb(tmp_path / "p.png"), np.rot90(GREY, -1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"text", "is text, not a picture"),
        ("half", "is a JPEG that is damaged, cut short"),
    ],
)
def test_picture_that_does_not_decode_is_named(
    tmp_path: Path, content: bytes | str, message: str
) -> None:
    path = tmp_path / "broken.jpg"
    if content == "half":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(path)
        content = path.read_bytes()[:1500]
    assert isinstance(content, bytes)
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"broken\.jpg {message}"):
        read_grey_or_rgb(path)
