"""The arrows between rooms that must never exist, and what each side runs without."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = [*sorted((ROOT / "app").glob("*.py")), ROOT / "run_demo.py"]
TRAINING = sorted((ROOT / "training").glob("*.py"))

# What the program itself is installed with; all else belongs to training or development.
APP_PACKAGES = {"numpy", "cv2", "mediapipe", "onnxruntime", "av", "scipy", "tqdm", "packaging"}
# What an extra brings, and the only room that may ask for it; everything else runs without.
OPTIONAL = {"parquet": {"pyarrow"}}
ROOMS_FOR_TRAINING = {
    *("picture_file", "picture_header", "picture_kinds"),
    *(
        "errors",
        "wording",
        "defaults",
        "picture_shape",
        "types",
        "contract",
        "alignment",
        "views",
        "detector",
        "looks",
        "places",
        "search",
    ),
    *("interrupt", "no_reports", "one_line_parser", "orientation", "pyav", "text_files", "upright"),
    *("hidden_files", "sure_output"),
    "face_check",
    "working_folder",
    *("classifier", "cells", "machine", "expression_names"),
}
FILES_AND_WINDOWS = {
    *(
        "sources",
        "camera",
        "live",
        "stream",
        "video_source",
        "video_file",
        "upright",
        "call_sizes",
        "picture_shape",
        "sound",
    ),
    *(
        "sinks",
        "hidden_files",
        "original",
        "video_sink",
        "records",
        "parquet",
        "read_records",
        "window",
        "session",
    ),
    *("background", "live_line", "camera_list", "run_end", "recording", "view"),
    *("inputs", "naming", "long_records", "resume", "job", "file_run", "one_file", "many"),
    *("workers", "progress", "request", "results"),
    *("recogniser", "picture_file"),
    *("doctor", "doctor_system", "doctor_models", "camera_probe", "frame_probe"),
}


def imports(path: Path) -> set[str]:
    """Dotted names of everything a file imports, anywhere in it. `from a import b` gives `a` and
    `a.b`, for `b` may be a module."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def rooms(path: Path, package: str) -> set[str]:
    """Names of the modules of `package` that a file imports."""
    parts = [name.split(".") for name in imports(path)]
    names = {name[1] for name in parts if name[0] == package and len(name) > 1}
    return {name for name in names if (ROOT / package / f"{name}.py").exists()}


def reached(module: str, package: str) -> set[str]:
    """The modules of `package` that a module imports, and those that they import, and so on."""
    found: set[str] = set()
    waiting = {module}
    while waiting:
        new = rooms(ROOT / package / f"{waiting.pop()}.py", package) - found
        found |= new
        waiting |= new
    return found


def outsiders(path: Path) -> set[str]:
    """Top-level packages a file imports that are not Python's own."""
    return {name.partition(".")[0] for name in imports(path)} - sys.stdlib_module_names


def blocked(packages: str, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs Python code as if some packages were not installed. Warnings are errors in it."""
    block = f"""
import sys

class WithoutSome:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {packages.split()!r}:
            return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(WithoutSome, sys.meta_path)
"""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", block + code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_imports_inside_functions_count(tmp_path: Path) -> None:
    assert {"onnxruntime", "mediapipe", "os"} <= imports(ROOT / "app" / "no_reports.py")
    path = ROOT / "app" / "classifier.py"
    assert {"app.types", "app.errors.ModelError", "io"} <= imports(path)
    assert rooms(path, "app") == {
        *("alignment", "contract", "defaults", "errors", "home_process", "machine", "model_guard"),
        *("no_reports", "quiet", "system_needs", "types"),
    }
    assert "tracking" in reached("pipeline", "app")


@pytest.mark.parametrize("path", APP, ids=lambda p: p.stem)
def test_app_needs_no_more_than_it_is_installed_with(path: Path) -> None:
    assert outsiders(path) <= APP_PACKAGES | {"app"} | OPTIONAL.get(path.stem, set())


@pytest.mark.parametrize("path", TRAINING, ids=lambda p: p.stem)
def test_training_enters_only_its_rooms_of_app(path: Path) -> None:
    assert rooms(path, "app") <= ROOMS_FOR_TRAINING
    assert not {"run_demo", "tools", "tests"} & outsiders(path)


@pytest.mark.parametrize("stage", ["pipeline", "tracking", "rendering"])
def test_stages_know_no_files_and_no_windows(stage: str) -> None:
    assert not reached(stage, "app") & FILES_AND_WINDOWS


@pytest.mark.parametrize("module", ["loss", "model"])
def test_loss_and_model_do_not_know_how_they_are_trained(module: str) -> None:
    assert reached(module, "training") <= {"dlib_backbone"}


def test_blocked_packages_are_as_good_as_absent() -> None:
    done = blocked(
        "tqdm", "import numpy, importlib.util as u; print(u.find_spec('tqdm')); import tqdm"
    )
    assert done.stdout == "None\n"
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'tqdm'\n")


def test_app_imports_where_nothing_of_training_is_installed() -> None:
    modules = [f"app.{path.stem}" for path in APP[:-1] if path.stem != "__init__"]
    done = blocked(
        "torch training PIL matplotlib onnx onnxscript skimage pyarrow pandas",
        f"import importlib\nfor name in {[*modules, 'run_demo']}: importlib.import_module(name)",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_alignment_and_contract_need_numpy_alone() -> None:
    code = "import app.alignment, app.contract"
    done = blocked(" ".join(APP_PACKAGES - {"numpy"} | {"torch", "PIL", "onnx"}), code)
    assert (done.returncode, done.stderr) == (0, "")


def test_training_runs_without_cameras_videos_and_figures(
    shapes_npz: Path, exported: Path, tmp_path: Path
) -> None:
    """On a machine with numpy, Pillow, torch, onnx, onnxscript and onnxruntime."""
    from tests.shapes import MACHINE, RECIPE

    code = """
from training import evaluate, export, train
npz, model, out, *recipe = sys.argv[1:]
assert train.main([npz, "-o", out + "/run", *recipe, "--epochs", "1"]) == 0
assert evaluate.main([npz, out + "/run/best.pt"]) == 0
assert evaluate.main([npz, model, "-o", out + "/report"]) == 1
assert export.parser().prog == "python -m training.export"
"""
    done = blocked(
        "mediapipe cv2 av matplotlib scipy tqdm tensorboard skimage",
        code,
        *(shapes_npz, exported, tmp_path, *MACHINE, *RECIPE),
    )
    assert done.returncode == 0, done.stderr
    assert "The figures were left out: matplotlib is not installed." in done.stdout
    assert "96 training and 30 validation faces" in done.stderr
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["report.json", "report.md"]
