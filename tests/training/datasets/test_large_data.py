"""Learning from data that memory does not hold: the same network, flat memory, older files still
read. (How its pictures are decoded batch by batch: test_streaming.)"""

import json
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE
from app.errors import DataError
from tests.support.shapes import train_shapes
from training import train
from training.augment.augment import make_training_batch
from training.base import free_memory
from training.checkpoints.checkpoint import load_checkpoint
from training.config.augment_config import AugmentConfig
from training.datasets.examples import Examples, load_examples
from training.datasets.pack import Pack, PackedSample, PackMeta
from training.datasets.pack_reader import read_pack
from training.datasets.pack_writer import write_pack
from training.datasets.streaming import AHEAD, StreamedPictures
from training.datasets.webp import encode_webp

LABELS = ("a", "b", "c")
META = PackMeta("made", "single", LABELS, LABELS, {"seed": 0})
COUNT = 40
HELD, STREAMED = 1 << 40, 0  # bytes that decoded pictures may take


def samples() -> Iterator[PackedSample]:
    """Pictures of noise, grey and coloured, of many sizes; some without landmarks."""
    generator = np.random.default_rng(0)
    for number in range(COUNT):
        height, width = generator.integers(10, 40, 2)
        shape = (height, width, 3) if number % 2 else (height, width)
        landmarks = np.full((6, 2), np.nan, np.float32)
        if number % 5:
            landmarks[:4] = FACE_TEMPLATE.targets() * (width, height)
        yield PackedSample(
            webp=encode_webp(generator.integers(0, 256, shape, np.uint8)),
            split="train",
            votes=np.eye(3, dtype=np.uint8)[number % 3],
            landmarks=landmarks,
            name=f"train{number}",
        )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "made.npz"
    assert write_pack(path, META, samples()) == COUNT
    return path


@pytest.fixture(scope="module")
def mapped(path: Path) -> Pack:
    return read_pack(path, map_over_bytes=0)


def examples(pack: Pack, memory_bytes: int) -> Examples:
    return load_examples(
        pack,
        "train",
        template=FACE_TEMPLATE,
        size_px=32,
        colour="rgb",
        labels_from="soft",
        memory_bytes=memory_bytes,
    )


def content(pack: Pack) -> list[Any]:
    arrays = (pack.blob, pack.offsets, pack.split, pack.votes, pack.landmarks)
    return [pack.meta, pack.names, *(array.tobytes() for array in arrays)]


@pytest.mark.slow
def test_run_gives_the_same_network(shapes_npz: Path, tmp_path: Path) -> None:
    runs = [
        train_shapes(shapes_npz, tmp_path / name, "--epochs", "2", "--memory-gb", gigabytes)
        for name, gigabytes in (("held", "1"), ("streamed", "0"))
    ]
    logs = [(run / "log.jsonl").read_text() for run in runs]
    assert logs[0] == logs[1]
    held, streamed = (load_checkpoint(run / "last.pt")["net"] for run in runs)
    assert all(torch.equal(held[name], streamed[name]) for name in held)


def test_augmented_batches_are_the_same(mapped: Pack) -> None:
    held, streamed = examples(mapped, HELD), examples(mapped, STREAMED)
    assert isinstance(streamed.pictures, StreamedPictures)
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))
    for number, rows in enumerate(streamed.decode_ahead(torch.split(order, 7))):
        ours, theirs = (
            make_training_batch(e, rows, AugmentConfig(), torch.Generator().manual_seed(number))
            for e in (streamed, held)
        )
        assert torch.equal(ours.crops, theirs.crops)
        assert torch.equal(ours.soft, theirs.soft)
        assert torch.equal(ours.labels, theirs.labels)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "much"])
def test_memory_must_be_an_amount(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["d.npz", "-o", "run", f"--memory-gb={text}"])
    assert "--memory-gb" in capsys.readouterr().err.splitlines()[-1]


def test_processes_of_one_machine_share_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:   10000 kB\nHugePages_Total:       0\n")
    monkeypatch.setattr(free_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(free_memory, "CGROUPS", ())
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert free_memory.measure_free_bytes() == 10_240_000
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert free_memory.measure_free_bytes() == 2_560_000


def write_as_before(path: Path, pack: Pack) -> None:
    """A pack as it was written before pictures were stored with their sizes and checksums."""

    def text(value: Any) -> NDArray[np.uint8]:
        return np.frombuffer(json.dumps(value).encode(), np.uint8)

    np.savez_compressed(
        path,
        blob=pack.blob,
        offsets=pack.offsets,
        split=pack.split,
        votes=pack.votes,
        landmarks=pack.landmarks,
        names=text(pack.names),
        meta=text(asdict(pack.meta)),
    )


def test_older_pack_holds_the_same(mapped: Pack, tmp_path: Path) -> None:
    write_as_before(tmp_path / "old.npz", mapped)
    old = read_pack(tmp_path / "old.npz", map_over_bytes=0)
    assert not isinstance(old.blob.base, np.memmap)  # what is deflated cannot be mapped
    assert content(old) == content(mapped)
    assert old.meta.key == mapped.meta.key
    rows = np.arange(COUNT)
    np.testing.assert_array_equal(old.read_sizes(rows), mapped.read_sizes(rows))
    for bytes_for_pictures in (HELD, STREAMED):
        ours, theirs = (examples(pack, bytes_for_pictures) for pack in (old, mapped))
        assert torch.equal(ours.cut_crops(torch.arange(9)), theirs.cut_crops(torch.arange(9)))


def test_pictures_are_stored_for_anybody_to_read(path: Path, mapped: Pack) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.getinfo("blob.npy").compress_type == zipfile.ZIP_STORED
    with np.load(path) as archive:
        np.testing.assert_array_equal(archive["blob"], mapped.blob)


def test_equal_samples_make_equal_files(path: Path, tmp_path: Path) -> None:
    write_pack(tmp_path / "again.npz", META, samples())
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_pack_is_not_mapped(path: Path, tmp_path: Path, share: float) -> None:
    whole = path.read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"half\.npz .*Prepare it again"):
        read_pack(tmp_path / "half.npz", map_over_bytes=0)


def test_stored_array_of_another_kind_is_not_mapped(tmp_path: Path) -> None:
    meta = np.frombuffer(json.dumps(asdict(META)).encode(), np.uint8)
    np.savez(tmp_path / "odd.npz", blob=np.zeros(9, np.int64), meta=meta)
    with pytest.raises(DataError, match=r"odd\.npz is damaged"):
        read_pack(tmp_path / "odd.npz", map_over_bytes=0)


def test_picture_without_a_size_is_named_before_training(tmp_path: Path) -> None:
    def with_a_broken_one() -> Iterator[PackedSample]:
        yield from samples()
        votes, landmarks = np.array([1, 0, 0], np.uint8), np.zeros((6, 2), np.float32)
        yield PackedSample(b"no picture", "train", votes, landmarks, "broken")

    write_pack(tmp_path / "b.npz", META, with_a_broken_one())
    with pytest.raises(DataError, match="Picture broken of the pack does not decode"):
        examples(read_pack(tmp_path / "b.npz", map_over_bytes=0), STREAMED)


def peak_bytes(work: Callable[[], object]) -> int:
    """The most memory that Python and numpy held for `work` at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SIDE = 64


@pytest.fixture(scope="module")
def twofold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two packs, the second with twice as many pictures."""
    webp = encode_webp(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8))
    votes, landmarks = np.array([1, 0, 0], np.uint8), np.full((6, 2), np.nan, np.float32)
    folder = tmp_path_factory.mktemp("twofold")
    for count in (200, 400):
        write_pack(
            folder / f"{count}.npz",
            META,
            (PackedSample(webp, "train", votes, landmarks, str(n)) for n in range(count)),
        )
    return folder / "200.npz", folder / "400.npz"


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_learned_from(twofold: tuple[Path, Path]) -> None:
    def peak(path: Path, memory_bytes: int) -> int:
        def epoch() -> None:
            loaded = examples(read_pack(path, map_over_bytes=0), memory_bytes)
            for rows in loaded.decode_ahead(torch.split(torch.arange(len(loaded)), 20)):
                loaded.cut_crops(rows)

        return peak_bytes(epoch)

    decoded = 3 * SIDE * SIDE
    peak(twofold[0], STREAMED)  # what is imported and cached on the way is no matter
    once, twice = (peak(path, STREAMED) for path in twofold)
    assert once < (AHEAD + 3) * 20 * decoded + 200 * 1000
    assert (twice - once) / 200 < decoded / 10
    once, twice = (peak(path, HELD) for path in twofold)
    assert (twice - once) / 200 > decoded


class Watched:
    """Stands in for a pack of 4 px pictures and says which rows are decoded."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.decoded = threading.Semaphore(0)

    def read_sizes(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        return np.full((len(rows), 2), 4, np.int32)

    def decode_into(self, canvas: NDArray[np.uint8], rows: NDArray[np.int64], _: object) -> None:
        canvas[:] = rows[:, None, None, None]
        self.rows += rows.tolist()
        self.decoded.release()


def test_next_batches_are_decoded_while_one_is_worked_on() -> None:
    pack = Watched()
    pictures = StreamedPictures(pack, np.arange(100, 140), "grey")  # type: ignore[arg-type]
    batches = pictures.decode_ahead(torch.split(torch.arange(40), 4))
    known = 0
    for taken in range(10):
        rows = next(batches)
        begun = min(10, taken + 1 + AHEAD)
        for _ in range(begun - known):
            assert pack.decoded.acquire(timeout=10)
        known = begun
        assert sorted(pack.rows) == [*range(100, 100 + 4 * begun)]
        assert pictures[rows][:, 0, 0, 0].tolist() == [*range(100 + 4 * taken, 104 + 4 * taken)]
    assert next(batches, None) is None
    assert len(pack.rows) == 40  # none of them twice
