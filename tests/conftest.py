"""What several test files share: decoded clip frames and one tiny trained network."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

# Networks this small are slower with more threads; set before anything loads torch, and inherited
# by the programs that tests start, so that both compute the same bits.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
import pytest
from hypothesis import settings

from app.defaults import PORTRAIT_CLIP
from app.types import Image

if TYPE_CHECKING:
    from app.runs.networks import LoadedNetworks

# A busy machine is no failure; the same examples every time are.
settings.register_profile("tests", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("tests")

CLIP_FRAMES = (0, 60, 110, 145, 239)

# What the extra `training` brings and `dev` does not: tests that need it are skipped without it.
ABSENT = {
    name
    for name in ("torch", "onnxscript", "tensorboard")
    if importlib.util.find_spec(name) is None
}


def _skip_or_raise(error: BaseException) -> NoReturn:
    """Skips the test or file whose import failed for a package in `ABSENT`; raises `error` else."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and cause.name in ABSENT:
            pytest.skip(f"{cause.name} is not installed", allow_module_level=True)
        cause = cause.__cause__
    raise error


class _File(pytest.Module):
    def collect(self) -> list[pytest.Item | pytest.Collector]:
        try:
            return list(super().collect())
        except self.CollectError as error:
            _skip_or_raise(error)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return _File.from_parent(parent, path=module_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    try:
        return (yield)
    except ImportError as error:
        _skip_or_raise(error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    try:
        return (yield)
    except ImportError as error:
        _skip_or_raise(error)


@pytest.fixture(scope="session")
def clip_frames() -> dict[int, Image]:
    """BGR pictures of some frames of the portrait clip, by their index."""
    with av.open(str(PORTRAIT_CLIP)) as container:
        return {
            index: frame.to_ndarray(format="bgr24")
            for index, frame in enumerate(container.decode(video=0))
            if index in CLIP_FRAMES
        }


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` has filled, in one of the processes that share out the tests; the
    others wait for it."""
    from filelock import FileLock

    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, made = base / "shared" / name, base / f"{name}.made"
    with FileLock(base / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed on its way
            folder.mkdir(parents=True)
            make(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def shapes_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.shapes import write_shapes

    def make(folder: Path) -> None:
        write_shapes(folder / "shapes.npz")

    return made_once(tmp_path_factory, "shapes", make) / "shapes.npz"


@pytest.fixture(scope="session")
def trained(shapes_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has learned the shapes."""
    from tests.support.shapes import train_shapes

    def make(folder: Path) -> None:
        train_shapes(shapes_npz, folder / "dacl")

    return made_once(tmp_path_factory, "runs", make) / "dacl"


@pytest.fixture(scope="session")
def exported(shapes_npz: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network as an ONNX file."""
    from training.export import main

    def make(folder: Path) -> None:
        words = [str(shapes_npz), str(trained / "best.pt"), "-o", str(folder / "shapes.onnx")]
        assert main(words) == 0

    return made_once(tmp_path_factory, "exported", make) / "shapes.onnx"


@pytest.fixture(scope="module")
def blind_networks() -> "LoadedNetworks":
    """The shipped classifier with a search that finds no faces."""
    from tests.support.blind_networks import load_blind_networks

    return load_blind_networks()


@pytest.fixture(scope="session")
def face_npz(clip_frames: dict[int, Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait clip's face, twice for each split."""
    import numpy as np

    from app.detection.mediapipe_detector import Detector
    from training.datasets.landmarks import find_landmarks
    from training.datasets.pack import PackedSample, PackMeta
    from training.datasets.pack_writer import write_pack
    from training.datasets.webp import encode_webp

    image = clip_frames[0]
    with Detector() as detector:
        x0, y0, x1, y1 = (round(v) for v in detector.detect(image)[0].box_xyxy)
        reach = (x1 - x0) // 3
        part = image[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach]
        rgb = np.ascontiguousarray(part[..., ::-1])
        landmarks = find_landmarks(detector, rgb)
    path = tmp_path_factory.mktemp("faces") / "faces.npz"
    votes = np.array([1, 0], np.uint8)
    write_pack(
        path,
        PackMeta("faces", "single", ("a", "b"), ("a", "b"), {}),
        [
            PackedSample(encode_webp(rgb), split, votes, landmarks, f"{split}{number}")
            for split in ("train", "valid")
            for number in range(2)
        ],
    )
    return path
