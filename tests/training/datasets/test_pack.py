"""A pack gives back what was put in, pixel for pixel, or says that it cannot."""

import contextlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from numpy.typing import NDArray

from app.errors import DataError
from training.datasets import pack_writer as packing
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_meta, read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.readers import SPLITS, Split
from training.datasets.webp import encode_webp

META = PackMeta("mine", "single", ("joy", "Ärger"), ("joy", "Ärger"), {"version": 1, "side": [1.5]})
GENERATOR = np.random.default_rng(0)
GREY = GENERATOR.integers(0, 256, (5, 7), np.uint8)
RGB = GENERATOR.integers(0, 256, (8, 6, 3), np.uint8)
LANDMARKS = GENERATOR.uniform(0, 8, (6, 2)).astype(np.float32)


def sample(pixels: NDArray[np.uint8], name: str, split: Split = "train") -> PackedSample:
    return PackedSample(encode_webp(pixels), split, np.array([1, 0], np.uint8), LANDMARKS, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A pack of a grey training picture and a coloured test picture."""
    path = tmp_path / "mine.npz"
    assert write_pack(path, META, [sample(GREY, "é/grey"), sample(RGB, "rgb", "test")]) == 2
    return path


def test_everything_comes_back(path: Path) -> None:
    pack = read_pack(path)
    assert pack.meta == META
    assert pack.meta.key == META.key
    assert read_meta(path) == META
    assert pack.names == ("é/grey", "rgb")
    assert len(pack) == 2
    assert [pack.find_rows(split).tolist() for split in SPLITS] == [[0], [], [1]]
    assert pack.votes.tolist() == [[1, 0], [1, 0]]
    np.testing.assert_array_equal(pack.landmarks, [LANDMARKS, LANDMARKS])
    assert [p.name for p in path.parent.iterdir()] == ["mine.npz"]


def test_grey_pictures_keep_every_pixel(path: Path) -> None:
    pictures, sizes = read_pack(path).decode_pictures(np.array([0]), "grey")
    assert pictures.shape == (1, 1, 7, 7)
    assert sizes.tolist() == [[7, 5]]
    np.testing.assert_array_equal(pictures[0, 0, :5], GREY)
    assert not pictures[0, 0, 5:].any()


def test_coloured_pictures_keep_every_pixel_as_red_green_blue(path: Path) -> None:
    pictures, sizes = read_pack(path).decode_pictures(np.array([1, 0]), "rgb")
    assert pictures.shape == (2, 3, 8, 8)
    assert sizes.tolist() == [[6, 8], [7, 5]]
    np.testing.assert_array_equal(pictures[0, :, :, :6], RGB.transpose(2, 0, 1))
    np.testing.assert_array_equal(pictures[1, :, :5, :7], [GREY] * 3)


def test_coloured_pictures_are_read_as_grey_where_grey_is_wanted(path: Path) -> None:
    pictures, _ = read_pack(path).decode_pictures(np.array([1]), "grey")
    luma = RGB @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(pictures[0, 0, :, :6], luma, atol=1)


def test_no_rows_give_no_pictures(path: Path) -> None:
    pictures, sizes = read_pack(path).decode_pictures(np.array([], np.int64), "grey")
    assert (len(pictures), sizes.shape) == (0, (0, 2))


@pytest.mark.parametrize(
    "other",
    [
        replace(META, dataset="yours"),
        replace(META, labels=("Ärger", "joy")),
        replace(META, protocol="ferplus"),
        replace(META, made_from={"version": 2, "side": [1.5]}),
        replace(META, format=2),
    ],
)
def test_key_tells_other_data_apart(other: PackMeta) -> None:
    assert other.key != META.key
    assert replace(META).key == META.key


@pytest.mark.parametrize("label", ["", " ", "tab\there", "lone \ud800", 65 * "x"])
def test_labels_that_no_model_can_have_are_refused_before_training(label: str) -> None:
    with pytest.raises(DataError, match="labels of mine do not suit a model: every label must be"):
        replace(META, labels=("joy", label))


def test_damage_is_noticed_wherever_it_is(path: Path) -> None:
    content = path.read_bytes()
    whole = read_pack(path)
    for place in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 0x41
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            # No error: then it is a byte that carries nothing.
            assert _content(read_pack(path)) == _content(whole), place


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.95, 0.999])
def test_truncated_pack_is_named(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"mine\.npz .*Prepare it again"):
        read_pack(path)


def test_pack_that_unpacks_to_gigabytes_is_not_unpacked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", bytes(70 << 20))
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match=r"mine\.npz is not a prepared data file"):
        read_pack(path)


def other_zip() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros(3))
    return buffer.getvalue()


def array_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def with_facts(facts: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.frombuffer(json.dumps(facts).encode(), np.uint8))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"pixels,Usage\n", "is not a prepared data file"),
        (other_zip(), "is not a prepared data file"),
        (array_file(), "is not a prepared data file"),
        (with_facts([1]), "is not a prepared data file"),
        (with_facts({"format": 1}), "is not a prepared data file"),
        (with_facts({"format": 2}), "has format 2, this program reads 1. Prepare it again."),
    ],
    ids=["csv", "other zip", "array", "list", "lacking", "newer"],
)
def test_other_file_is_named(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_pack(path)
    assert message in str(caught.value)


def test_missing_pack_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.npz is missing\. .*training\.prepare"):
        read_pack(tmp_path / "no.npz")


def test_picture_that_does_not_decode_is_named(path: Path) -> None:
    broken = PackedSample(b"RIFF no webp", "train", np.array([1, 0], np.uint8), LANDMARKS, "bad")
    write_pack(path, META, [sample(GREY, "good"), broken])
    with pytest.raises(DataError, match="Picture bad of the pack does not decode"):
        read_pack(path).decode_pictures(np.array([0, 1]), "grey")


def test_nothing_is_half_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def fill_the_disk(source: IO[bytes], target: IO[bytes], length: int) -> None:
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing.shutil, "copyfileobj", fill_the_disk)
    with pytest.raises(DataError, match=r"mine\.npz could not be written: No space left"):
        write_pack(path, META, [sample(GREY, "a")])
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["mine.npz"]


def test_interrupted_preparation_leaves_the_old_pack(path: Path) -> None:
    before = path.read_bytes()

    def interrupted() -> object:
        yield sample(GREY, "a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pack(path, META, interrupted())  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["mine.npz"]


def test_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").mkdir()
    with pytest.raises(DataError, match=r"mine\.npz could not be written"):
        write_pack(tmp_path / "mine.npz", META, [sample(GREY, "a")])


def test_nothing_to_pack_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Nothing to pack"):
        write_pack(tmp_path / "mine.npz", META, [])
    assert list(tmp_path.iterdir()) == []


def _content(pack: Pack) -> tuple[object, ...]:
    arrays = (pack.blob, pack.offsets, pack.split, pack.votes, pack.landmarks)
    return (pack.meta, pack.names, *(array.tobytes() for array in arrays))
