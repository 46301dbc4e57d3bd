"""A small checkpoint that unpacks to much more is refused before anything of it is unpacked."""

import io
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

torch = pytest.importorskip("torch")

from app.errors import TrainingError  # noqa: E402
from training.base.zip_size import check_packed, measure_unpacked_bytes  # noqa: E402
from training.checkpoints.checkpoint import load_checkpoint  # noqa: E402
from training.checkpoints.initial_weights import read_weights  # noqa: E402

UNPACKED_BYTES = 96 << 20


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A checkpoint whose only tensor is compressed: 94 kB that unpack to 96 MB."""
    content = io.BytesIO()
    torch.save({"format": 1, "x": torch.zeros(10)}, content)
    path = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(content) as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in plain.infolist():
            is_tensor = entry.filename.endswith("data/0")
            packed.writestr(
                entry.filename,
                bytes(UNPACKED_BYTES) if is_tensor else plain.read(entry.filename),
            )
    return path


@pytest.mark.parametrize("read", [load_checkpoint, read_weights])
def test_a_checkpoint_that_unpacks_to_much_is_refused_by_its_directory(
    bomb: Path, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpack(*_: object, **__: object) -> NoReturn:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(torch, "load", unpack)
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(TrainingError, match=r"is not a checkpoint|holds no weights") as caught:
        read(bomb)
    assert "unpacks to 100,6" in str(caught.value.__cause__)


def test_prepared_data_may_unpack_to_some_times_its_size(bomb: Path, tmp_path: Path) -> None:
    assert measure_unpacked_bytes(bomb) > UNPACKED_BYTES
    with pytest.raises(ValueError, match="it unpacks to"):
        check_packed(bomb)
    plain = tmp_path / "plain.txt"
    plain.write_text("no zip file")
    assert measure_unpacked_bytes(plain) == 0
    check_packed(plain)
