"""The wheel, built and installed beside nothing but the packages that it needs."""

import ast
import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.defaults import DEMO_CLIP, MODELS, PORTRAIT_CLIP, ROOT
from tools.rooms import list_modules
from tools.wheel_backend import PACKAGE, Renaming

pytestmark = pytest.mark.slow
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCRIPTS = PROJECT["scripts"]


def build(kind: str, source: Path, target: Path) -> Path:
    """Builds the wheel or sdist of `source` as pip does, without asking for packages."""
    code = f"import wheel_backend, sys; print(wheel_backend.build_{kind}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel of the unpacked source distribution, so that both are tried."""
    with tarfile.open(sdist) as archive:
        archive.extractall(sdist.parent, filter="data")
    return build("wheel", sdist.with_name(sdist.name.removesuffix(".tar.gz")), sdist.parent)


@pytest.fixture(scope="module")
def contents(wheel: Path) -> Mapping[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheel, and sees these packages."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False, symlinks=True)
    bin_folder = folder / ("Scripts" if os.name == "nt" else "bin")
    python = bin_folder / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    # Elsewhere than in the checkout, whose own metadata pip would take for an installation.
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True, cwd=folder, env=clean)
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    # A line of this file is a folder to search. The .pth files in that folder are not read, so an
    # editable installation of the checkout stays out of sight.
    (site / "these.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return bin_folder


def run(installed: Path, folder: Path, name: str, *words: object) -> str:
    """Runs a command of the environment in `folder`. Returns what it prints."""
    done = subprocess.run(
        [str(installed / name), *map(str, words)],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_brings_one_package_with_everything(contents: Mapping[str, bytes]) -> None:
    info = f"{PACKAGE}-{PROJECT['version']}.dist-info"
    assert {name.partition("/")[0] for name in contents} == {PACKAGE, info}
    assert contents[f"{info}/top_level.txt"].decode().split() == [PACKAGE]
    for path in MODELS.iterdir():
        assert contents[f"{PACKAGE}/models/{path.name}"] == path.read_bytes(), path
    for clip in (DEMO_CLIP, PORTRAIT_CLIP):
        assert contents[f"{PACKAGE}/assets/{clip.name}"] == clip.read_bytes()
    assert b"public domain" in contents[f"{PACKAGE}/assets/ORIGIN.txt"]
    assert f"{PACKAGE}/py.typed" in contents
    modules = {name for name in contents if name.endswith(".py")}
    assert len(modules) == len(list_modules("app")) + len(list_modules("training")) + 1


def test_its_metadata_names_the_licence_and_the_commands(contents: Mapping[str, bytes]) -> None:
    info = f"{PACKAGE}-{PROJECT['version']}.dist-info"
    told = email.message_from_bytes(contents[f"{info}/METADATA"])
    assert told["Name"] == "expression-recogniser"
    assert told["License-Expression"] == "MIT AND Apache-2.0"
    assert f"{info}/licenses/LICENSE" in contents
    assert f"{info}/licenses/models/LICENSE.mediapipe" in contents
    scripts = re.findall(r"^(\S+) = (\S+)$", contents[f"{info}/entry_points.txt"].decode(), re.M)
    assert {name for name, _ in scripts} == set(SCRIPTS)
    assert all(target.startswith(f"{PACKAGE}.") for _, target in scripts)


def test_its_modules_import_no_name_of_the_checkout(contents: Mapping[str, bytes]) -> None:
    for name, text in contents.items():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            found = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found = [node.module or ""]
            tops = {module.partition(".")[0] for module in found}
            assert not tops & {"app", "training", "run_demo", "tools"}, name


def test_its_texts_name_no_command_of_the_checkout(contents: Mapping[str, bytes]) -> None:
    words = re.compile(rb"run_demo|python -m (?:app|training)|-c constraints|-e '?\.|git che")
    for name, text in contents.items():
        if name.endswith(".py"):
            assert not words.search(text), (name, words.search(text))


def test_every_command_of_the_checkout_has_a_script() -> None:
    commands = {f"app.{path.parent.name}" for path in (ROOT / "app").glob("*/__main__.py")}
    targets = {target.partition(":")[0].removesuffix(".__main__") for target in SCRIPTS.values()}
    assert commands | {"run_demo", "training"} == targets, "see [project.scripts], pyproject.toml"


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("from app import Recogniser", "from expression_recogniser import Recogniser"),
        ("    from app.types import (", "    from expression_recogniser.types import ("),
        ("import app  # noqa", "import expression_recogniser  # noqa"),
        ("from training.run import x", "from expression_recogniser.training.run import x"),
        ('"app.errors"', '"expression_recogniser.errors"'),
        ('["-m", "app.cli.options"]', '["-m", "expression_recogniser.cli.options"]'),
        ("python -m app.report talk.jsonl", "expression-recogniser-report talk.jsonl"),
        ("python run_demo.py --demo", "expression-recogniser --demo"),
        ("See run_demo.py --doctor.", "See expression-recogniser --doctor."),
        ("python -m training.retrain mine", "expression-recogniser-train retrain mine"),
        ("python -m training --help", "expression-recogniser-train --help"),
        ("(training.retrain --from)", "(expression-recogniser-train retrain --from)"),
        ("torchrun -m training.train", "torchrun -m expression_recogniser.training.train"),
        ('= "training.export", x', '= "training.export", x'),  # who made a file
        ("from training data", "from training data"),
        ("the app. It runs", "the app. It runs"),
        ("pip install -e '.[records]'", "pip install '{wheel}[records]'"),
    ],
)  # fmt: skip
def test_text_is_rewritten(text: str, rewritten: str) -> None:
    renaming = Renaming(PROJECT, ROOT)
    assert renaming.rewrite(text) == rewritten.replace("{wheel}", renaming.wheel)


def test_it_reads_the_demo_as_the_checkout_does(installed: Path, tmp_path: Path) -> None:
    words = "--demo --every 3 --no-window --records out.jsonl --overwrite".split()
    run(installed, tmp_path, "expression-recogniser", *words)
    ours = tmp_path / "ours"
    ours.mkdir()
    subprocess.run(
        [sys.executable, str(ROOT / "run_demo.py"), *words], cwd=ours, check=True, timeout=120
    )
    there, here = (f.joinpath("out.jsonl").read_text("utf-8") for f in (tmp_path, ours))
    assert there == here
    assert there.count("\n") >= 200
    run(installed, tmp_path, "expression-recogniser-episodes", "out.jsonl", "-o", "out.vtt")
    assert "happiness" in (tmp_path / "out.vtt").read_text("utf-8")


def test_it_works_in_processes_of_its_own(installed: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    words = "--no-window --records .csv --jobs 2 --fps 2 --video a.mp4 b.mp4".split()
    run(installed, tmp_path, "expression-recogniser", *words)
    assert len(list(tmp_path.glob("*.csv"))) == 2
    listed = run(installed, tmp_path, "expression-recogniser", "--doctor", "--json", "--no-window")
    assert '"failed"' not in listed
    assert "is missing" not in listed  # of the models, nor of the card that lists them
    assert "as its card says" in listed


def test_workers_of_a_cluster_run_from_it(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed (extra cluster)")
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(PORTRAIT_CLIP.read_bytes())
    words = "a.mp4 b.mp4 --records .jsonl --fps 2 --workers 2".split()
    run(installed, tmp_path, "expression-recogniser-cluster", *words)
    a, b = (tmp_path.joinpath(f"{name}.jsonl").read_text("utf-8") for name in "ab")
    assert a.replace("a.mp4", "b.mp4") == b
    assert b.count("\n") >= 10


def test_its_commands_tell_their_own_names(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "expression-recogniser", "--version") == (
        f"expression-recogniser {PROJECT['version']}\n"
    )
    assert "\n  expression-recogniser --demo " in run(
        installed, tmp_path, "expression-recogniser", "--help"
    )
    for name in ("agreement", "cluster", "episodes", "report"):
        told = run(installed, tmp_path, f"expression-recogniser-{name}", "--help")
        assert f"usage: expression-recogniser-{name} " in told
    listed = run(installed, tmp_path, "expression-recogniser-train")
    assert "usage: expression-recogniser-train COMMAND" in listed
    assert "\n  retrain " in listed


def test_training_runs_from_it(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    told = run(installed, tmp_path, "expression-recogniser-train", "retrain", "--help")
    assert told.startswith("usage: expression-recogniser-train retrain ")


def test_its_library_has_a_name_of_its_own(installed: Path, tmp_path: Path) -> None:
    code = """
import importlib.util, sys
from expression_recogniser import FrameResult, Recogniser, __all__
import expression_recogniser.__main__
assert FrameResult.__module__ == "expression_recogniser.types", FrameResult.__module__
for name in __all__:
    getattr(expression_recogniser, name)
taken = [n for n in ("app", "training", "run_demo", "models") if importlib.util.find_spec(n)]
loaded = {name.partition(".")[0] for name in sys.modules} & {"app", "training", "run_demo"}
print(taken, loaded)
"""
    assert run(installed, tmp_path, "python", "-c", code) == "[] set()\n"
