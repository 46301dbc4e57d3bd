"""Pictures that memory does not hold give the same bits, in the same order, and no growth."""

import os
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from app.alignment import FACE_TEMPLATE, ColourMode
from app.errors import DataError
from training.base import free_memory
from training.base.free_memory import measure_free_bytes
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.streaming import AHEAD, StreamedPictures
from training.datasets.webp import encode_webp

COUNT = 50
META = PackMeta("noise", "single", ("a", "b"), ("a", "b"), {})


def samples(count: int = COUNT) -> Iterator[PackedSample]:
    """Noise of different sizes, grey and coloured by turns; every third has no landmarks."""
    generator = np.random.default_rng(0)
    for number in range(count):
        height, width = generator.integers(10, 40, 2).tolist()
        shape = (height, width, 3) if number % 2 else (height, width)
        landmarks = generator.uniform(0, 10, (6, 2)).astype(np.float32)
        landmarks[:4] = FACE_TEMPLATE.targets() * 30 + generator.uniform(-4, 4, (4, 2))
        if number % 3 == 0:
            landmarks[:] = np.nan
        yield PackedSample(
            webp=encode_webp(generator.integers(0, 256, shape, np.uint8)),
            split="train",
            votes=np.array([number % 2, 1 - number % 2], np.uint8),
            landmarks=landmarks,
            name=str(number),
        )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("noise") / "noise.npz"
    assert write_pack(path, META, samples()) == COUNT
    return path


def load(pack: Pack, memory_bytes: int | None, colour: ColourMode = "rgb") -> Examples:
    return load_examples(
        pack,
        "train",
        template=FACE_TEMPLATE,
        size_px=24,
        colour=colour,
        labels_from="soft",
        memory_bytes=memory_bytes,
    )


def batches(size: int = 16) -> list[Tensor]:
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(1))
    return list(order.split(size))


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_streamed_and_held_examples_are_equal_bit_for_bit(path: Path, colour: ColourMode) -> None:
    pack = read_pack(path)
    held, streamed = load(pack, None, colour), load(pack, 0, colour)
    assert isinstance(held.pictures, Tensor)
    assert isinstance(streamed.pictures, StreamedPictures)
    assert streamed.pictures.shape == held.pictures.shape
    assert streamed.pictures.nbytes == held.pictures.nbytes
    assert len(streamed) == len(held) == COUNT
    for name in ("sizes", "matrices", "soft", "labels"):
        assert torch.equal(getattr(streamed, name), getattr(held, name))
    for rows in [*batches(), torch.tensor([3, 3, 0]), torch.tensor([], dtype=torch.int64)]:
        assert torch.equal(streamed.pictures[rows], held.pictures[rows])
        crops = held.cut_crops(rows)
        assert crops.shape == (len(rows), 1 if colour == "grey" else 3, 24, 24)
        assert torch.equal(streamed.cut_crops(rows), crops)


def test_batches_decoded_ahead_are_the_same_in_the_same_order(path: Path) -> None:
    pack = read_pack(path)
    held, streamed = load(pack, None), load(pack, 0)
    count = 0
    for rows, wanted in zip(streamed.decode_ahead(batches()), batches(), strict=True):
        assert torch.equal(rows, wanted)
        assert torch.equal(streamed.cut_crops(rows), held.cut_crops(wanted))
        # Other rows than the current ones have to wait, but are right.
        assert torch.equal(streamed.cut_crops(rows[:2].clone()), held.cut_crops(wanted[:2]))
        count += 1
    assert count == 4
    assert list(streamed.decode_ahead([])) == []
    assert [rows.tolist() for rows in held.decode_ahead(batches())] == [
        r.tolist() for r in batches()
    ]


def test_no_more_batches_are_begun_than_are_wanted_soon(path: Path) -> None:
    asked: list[int] = []

    def asking() -> Iterator[Tensor]:
        for number, rows in enumerate(batches(5)):
            asked.append(number)
            yield rows

    for number, _ in enumerate(load(read_pack(path), 0).decode_ahead(asking())):
        assert len(asked) == min(10, number + 1 + AHEAD)


def test_moved_examples_stay_streamed(path: Path) -> None:
    pack = read_pack(path)
    moved = load(pack, 0).to(torch.device("cpu"))
    assert isinstance(moved.pictures, StreamedPictures)
    assert torch.equal(
        moved.cut_crops(torch.tensor([4])), load(pack, None).cut_crops(torch.tensor([4]))
    )


def test_threads_end_with_their_batches(path: Path) -> None:
    before = set(threading.enumerate())
    streamed = load(read_pack(path), 0)
    for rows in streamed.decode_ahead(batches()):
        streamed.cut_crops(rows)
    given_up = streamed.decode_ahead(batches())
    next(given_up)
    given_up.close()  # type: ignore[attr-defined]
    streamed.cut_crops(torch.tensor([1]))
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()


def damage(path: Path, target: Path, row: int) -> Path:
    """A copy in which one byte in the middle of one picture is another."""
    content = bytearray(path.read_bytes())
    pack = read_pack(path)
    start = content.index(pack.blob.tobytes())
    content[start + int(pack.offsets[row] + pack.offsets[row + 1]) // 2] ^= 0x10
    target.write_bytes(content)
    return target


def test_damaged_picture_is_named_when_it_is_wanted(path: Path, tmp_path: Path) -> None:
    pack = read_pack(damage(path, tmp_path / "damaged.npz", 7), map_over_bytes=0)
    streamed, held = load(pack, 0), load(read_pack(path), None)
    others = torch.tensor([n for n in range(COUNT) if n != 7])
    assert torch.equal(streamed.cut_crops(others), held.cut_crops(others))
    with pytest.raises(DataError, match="Picture 7 of the pack does not decode"):
        streamed.cut_crops(torch.tensor([7]))
    with pytest.raises(DataError, match="Picture 7 of the pack does not decode"):
        load(pack, None)
    seen = []
    with pytest.raises(DataError, match="Picture 7 of the pack does not decode"):  # noqa: PT012
        for rows in streamed.decode_ahead(torch.arange(COUNT).split(5)):
            streamed.cut_crops(rows)
            seen.append(rows[0].item())
    assert seen == [0]  # the batch before was whole


def test_damage_is_noticed_at_once_where_all_is_read(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"damaged\.npz is damaged"):
        read_pack(damage(path, tmp_path / "damaged.npz", 7))


def test_mapped_pack_is_the_read_pack(path: Path) -> None:
    mapped, read = read_pack(path, map_over_bytes=0), read_pack(path)
    assert isinstance(mapped.blob.base, np.memmap)
    assert not mapped.blob.flags.writeable
    assert not isinstance(read.blob.base, np.memmap)
    assert (mapped.meta, mapped.names, len(mapped)) == (read.meta, read.names, COUNT)
    for name in ("blob", "offsets", "split", "votes", "landmarks", "size_wh", "crc"):
        ours, theirs = getattr(mapped, name), getattr(read, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    rows = np.arange(COUNT)
    for ours, theirs in zip(
        mapped.decode_pictures(rows, "rgb"), read.decode_pictures(rows, "rgb"), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_pack_is_mapped_from_its_limit_on(path: Path) -> None:
    length = len(read_pack(path).blob)
    header = 128  # of the array's file in the archive
    assert isinstance(read_pack(path, map_over_bytes=length + header - 1).blob.base, np.memmap)
    assert not isinstance(read_pack(path, map_over_bytes=length + header).blob.base, np.memmap)


def written_peak_bytes(path: Path, count: int) -> int:
    webp = os.urandom(20_000)  # its content is nobody's business here
    landmarks, votes = np.zeros((6, 2), np.float32), np.array([1, 0], np.uint8)
    made = (
        PackedSample(webp + number.to_bytes(4, "big"), "train", votes, landmarks, str(number))
        for number in range(count)
    )
    tracemalloc.start()
    try:
        assert write_pack(path, META, made) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_writing_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    written_peak_bytes(path, 10)  # what is loaded once
    once, twice = written_peak_bytes(path, 200), written_peak_bytes(path, 400)
    assert path.stat().st_size > 400 * 20_000
    # 200 pictures more are 4 MB; their table may take 500 bytes each while it is written.
    assert twice - once < 200 * 500
    assert twice < 4_000_000


def test_memory_of_a_mapped_pack_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    peaks = []
    for count in (200, 400):
        written_peak_bytes(path, count)
        tracemalloc.start()
        try:
            assert len(read_pack(path, map_over_bytes=0)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 200 * 500
    assert peaks[1] < 4_000_000


GIB = 1 << 30


def write_group(folder: Path, most: str, used: int, droppable: int) -> None:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {droppable}\n")


@pytest.mark.parametrize(
    ("system_kib", "group", "expected"),
    [
        (8 * GIB // 1024, None, 8 * GIB),
        (8 * GIB // 1024, ("max", GIB, 0), 8 * GIB),
        (8 * GIB // 1024, (str(4 * GIB), GIB, 0), 3 * GIB),
        (8 * GIB // 1024, (str(4 * GIB), 3 * GIB, GIB), 2 * GIB),  # cached files can be dropped
        (8 * GIB // 1024, (str(4 * GIB), 5 * GIB, 0), 0),
        (GIB // 1024, (str(4 * GIB), 0, 0), GIB),
        (None, (str(4 * GIB), GIB, 0), 3 * GIB),
        (None, None, free_memory.UNKNOWN_BYTES),
    ],
)
def test_free_memory_is_the_least_that_system_and_container_leave(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system_kib: int | None,
    group: tuple[str, int, int] | None,
    expected: int,
) -> None:
    if system_kib is not None:
        text = f"MemTotal: 99999999 kB\nMemAvailable:   {system_kib} kB\n"
        (tmp_path / "meminfo").write_text(text)
    if group is not None:
        write_group(tmp_path, *group)
    names = (tmp_path, "memory.max", "memory.current", "inactive_file")
    monkeypatch.setattr(free_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(free_memory, "CGROUPS", (names,))
    assert measure_free_bytes() == expected
    assert measure_free_bytes(torch.device("cpu")) == expected


def test_pictures_are_streamed_when_they_take_half_of_what_is_free(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = read_pack(path)
    need = load(pack, 0).pictures.nbytes
    for free, kind in ((2 * need, Tensor), (2 * need - 2, StreamedPictures)):
        monkeypatch.setattr("training.datasets.examples.measure_free_bytes", lambda free=free: free)
        assert isinstance(load(pack, None).pictures, kind)
