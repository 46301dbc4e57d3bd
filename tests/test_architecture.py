"""The rooms of the code, the arrows between them, and what each side runs without."""

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.subprocesses import run_without_packages
from tools.rooms import (
    APP_FLOORS,
    ROOT,
    TRAINING_FLOORS,
    find_room,
    list_arrows,
    list_imports,
    list_modules,
    lowest_floors,
)

APP = list_modules("app")
TRAINING = list_modules("training")
APP_ARROWS = list_arrows("app")
TRAINING_ARROWS = list_arrows("training")
Arrows = Mapping[tuple[str, str], set[tuple[str, str]]]
Floors = tuple[tuple[str, ...], ...]
HOUSES = ((APP_ARROWS, APP_FLOORS), (TRAINING_ARROWS, TRAINING_FLOORS))
# Network and figures can be used where no training is: all that they may reach.
SMALL_WORLDS = {"training.network": {"training.base"}, "training.figures": {"training.measures"}}

# What the program itself is installed with; all else belongs to training or development.
APP_PACKAGES = {"numpy", "cv2", "mediapipe", "onnxruntime", "av", "tqdm", "packaging"}
# What an extra brings, and the only module that may ask for it; everything else runs without.
OPTIONAL = {
    "app.events.lsl": {"pylsl"},
    "app.outputs.virtual_camera": {"pyvirtualcam"},
    "app.records.parquet": {"pyarrow"},
    "app.cluster.ray_engine": {"ray"},
    "app.server.page_server": {"websockets"},
    "app.server.sending": {"websockets"},
    "app.server.visitor": {"websockets"},
    "app.server.web_pages": {"websockets"},
}
ROOMS_FOR_TRAINING = {
    *("app", "app.detection", "app.files", "app.frames", "app.pages", "app.pictures"),
    *("app.process", "app.recognition"),
}
STAGES = ("app.pipeline", "app.detection", "app.recognition", "app.tracking", "app.overlay")
FILES_AND_WINDOWS = {
    *("app.sources", "app.outputs", "app.records", "app.episodes", "app.report"),
    *(
        "app.runs",
        "app.live",
        "app.batch",
        "app.cli",
        "app.diagnostics",
        "app.recogniser",
        "app.commands",
    ),
}


def outsiders(path: Path) -> set[str]:
    """The top-level packages that a file imports and that are not Python's own."""
    return {name.partition(".")[0] for name in list_imports(path)} - sys.stdlib_module_names


def reached(room: str, arrows: Arrows) -> set[str]:
    """The rooms that a room imports, the rooms that those import, and so on."""
    found: set[str] = set()
    waiting = {room}
    while waiting:
        now = waiting.pop()
        new = {other for one, other in arrows if one == now} - found
        found |= new
        waiting |= new
    return found


def test_every_module_is_looked_at() -> None:
    assert len(APP) > 180
    assert len(TRAINING) > 90
    assert {"app.detection.search", "app.report.__main__", "app.types"} <= APP.keys()


def test_imports_inside_functions_count() -> None:
    telemetry_off = list_imports(APP["app.process.telemetry_off"])
    assert {"onnxruntime", "mediapipe", "os"} <= telemetry_off
    assert ("app.requirements.system_needs", "app.detection.mediapipe_detector") in APP_ARROWS[
        "app.requirements", "app.detection"
    ]


def test_circles_are_found() -> None:
    with pytest.raises(ValueError, match=r"^import circle among a, b$"):
        lowest_floors({("a", "b"): 1, ("b", "a"): 1, ("b", "c"): 1})


@pytest.mark.parametrize(("arrows", "floors"), HOUSES, ids=["app", "training"])
def test_every_room_stands_above_all_that_it_imports(arrows: Arrows, floors: Floors) -> None:
    stated = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    upward = {
        pair: sorted(modules)[0]
        for pair, modules in arrows.items()
        if stated[pair[0]] <= stated[pair[1]]
    }
    assert upward == {}
    assert lowest_floors(arrows) == stated


def test_the_floors_hold_every_room() -> None:
    rooms = {find_room(module) for module in (*APP, *TRAINING)}
    assert rooms == {room for _, floors in HOUSES for floor in floors for room in floor}


@pytest.mark.slow
def test_commands_of_training_are_front_desks() -> None:
    """Each has `parser` and `main`, and no module imports one."""
    desks = {name for name in TRAINING if find_room(name) == "training"}
    desks -= {"training", "training.__main__"}  # the second runs the others by their names
    assert len(desks) > 15
    for name in desks:
        tree = ast.parse(TRAINING[name].read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {"parser", "main"} <= functions, name
        assert not [node for node in tree.body if isinstance(node, ast.ClassDef)], name
    importers = {name for name, path in {**APP, **TRAINING}.items() if list_imports(path) & desks}
    assert importers == set()


def test_no_test_file_imports_another() -> None:
    """Helpers that several test files share lie in tests/support."""
    test_file = re.compile(r"tests\.(.+\.)?test_")
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert len(files) > 150
    importers = [
        str(path.relative_to(ROOT))
        for path in files
        if any(map(test_file.match, list_imports(path)))
    ]
    assert importers == []


def test_no_public_name_stands_twice() -> None:
    """A class or function of a module is named like no other of `app` or `training`, but for what
    every command has."""
    places: dict[str, list[str]] = {}
    for module, path in {**APP, **TRAINING}.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module)
    assert len(places) > 1000
    twice = {name: where for name, where in places.items() if len(set(where)) > 1}
    assert twice.keys() <= {"main", "parser"}, twice


def test_any_is_rare_and_has_its_reason() -> None:
    lines = []
    for module, path in APP.items():
        text = path.read_text(encoding="utf-8")
        numbers = {
            node.lineno
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Name) and node.id == "Any"
        }
        lines += [(module, text.splitlines()[number - 1]) for number in sorted(numbers)]
    assert len(lines) <= 40
    assert [(module, line) for module, line in lines if "#" not in line] == []


@pytest.mark.parametrize(("room", "others"), SMALL_WORLDS.items())
def test_some_rooms_know_little(room: str, others: set[str]) -> None:
    assert reached(room, TRAINING_ARROWS) <= others


def test_a_wheel_carries_every_room() -> None:
    """`packages.find` takes each folder that has an `__init__.py`, below the names it is given."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert tables["tool"]["setuptools"]["packages"]["find"]["include"] == ["app*", "training*"]
    for path in (*APP.values(), *TRAINING.values()):
        assert (path.parent / "__init__.py").exists(), path


def test_the_ground_floor_is_small() -> None:
    assert len([p for p in (ROOT / "app").iterdir() if p.is_file()]) <= 12


@pytest.mark.parametrize("room", sorted({find_room(module) for module in APP}))
def test_app_needs_no_more_than_it_is_installed_with(room: str) -> None:
    for module, path in APP.items():
        if find_room(module) == room:
            assert outsiders(path) <= APP_PACKAGES | {"app"} | OPTIONAL.get(module, set()), module


@pytest.mark.slow
def test_training_enters_only_its_rooms_of_app() -> None:
    entered = {
        find_room(name)
        for path in TRAINING.values()
        for name in list_imports(path) & APP.keys() - {"app"}
    }
    assert entered <= ROOMS_FOR_TRAINING
    for path in TRAINING.values():
        assert not {"run_demo", "tools", "tests"} & outsiders(path)


def test_only_commands_know_options() -> None:
    """Everything below them takes typed values, such as `app.runs.plan.RunPlan`."""
    knowing = {
        find_room(module)
        for module, path in {**APP, **TRAINING}.items()
        if "argparse.Namespace" in path.read_text(encoding="utf-8")
    }
    assert knowing == {"app.cli", "training"}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_know_no_files_and_no_windows(stage: str) -> None:
    assert not reached(stage, APP_ARROWS) & FILES_AND_WINDOWS


def test_every_module_named_in_the_documentation_exists() -> None:
    modules = {**APP, **TRAINING, **list_modules("tools"), **list_modules("tests")}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(
            r"`((?:app|training|tools)(?:\.\w+)+)", page.read_text(encoding="utf-8")
        )
    }
    assert len(named) > 20
    assert {n for n in named if not _exists(n[1], modules)} == set()


def test_every_place_in_the_table_of_wishes_exists() -> None:
    """A name without a folder lies in the folder of the path before it."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| … ")]
    assert len(rows) > 25
    for row in rows:
        folder = ROOT
        for name in re.findall(r"`([\w/]+(?:\.py|\.md|/))`", row.split("|")[2]):
            path = ROOT / name if "/" in name else folder / name
            assert path.exists(), (row, name)
            folder = path.parent if path.is_file() else path


def _exists(name: str, modules: dict[str, Path]) -> bool:
    """Whether a dotted name is a module, or a name that a module defines."""
    if name in modules:
        return True
    module, _, attribute = name.rpartition(".")
    if module not in modules:
        return "." in module and _exists(module, modules)  # a method
    tree = ast.parse(modules[module].read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.Name | ast.ClassDef | ast.FunctionDef)
        and attribute == (node.id if isinstance(node, ast.Name) else node.name)
        for node in ast.walk(tree)
    )


def test_blocked_packages_are_as_good_as_absent() -> None:
    done = run_without_packages(
        "tqdm", "import numpy, importlib.util as u; print(u.find_spec('tqdm')); import tqdm"
    )
    assert done.stdout == "None\n"
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'tqdm'\n")


@pytest.mark.slow
def test_app_imports_where_nothing_of_training_is_installed() -> None:
    modules = [module for module in APP if module != "app"]
    done = run_without_packages(
        "torch training PIL matplotlib onnx onnxscript skimage pyarrow pandas",
        f"import importlib\nfor name in {[*modules, 'run_demo']}: importlib.import_module(name)",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_alignment_and_contract_need_numpy_alone() -> None:
    code = "import app.alignment, app.contract"
    done = run_without_packages(" ".join(APP_PACKAGES - {"numpy"} | {"torch", "PIL", "onnx"}), code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_training_runs_without_cameras_videos_and_figures(
    shapes_npz: Path, exported: Path, tmp_path: Path
) -> None:
    """On a machine with numpy, Pillow, torch, onnx, onnxscript and onnxruntime."""
    from tests.support.shapes import MACHINE, RECIPE

    code = """
from training import evaluate, export, train
npz, model, out, *recipe = sys.argv[1:]
assert train.main([npz, "-o", out + "/run", *recipe, "--epochs", "1"]) == 0
assert evaluate.main([npz, out + "/run/best.pt"]) == 0
assert evaluate.main([npz, model, "-o", out + "/report"]) == 1
assert export.parser().prog == "python -m training.export"
"""
    done = run_without_packages(
        "mediapipe cv2 av matplotlib scipy tqdm tensorboard skimage",
        code,
        *(shapes_npz, exported, tmp_path, *MACHINE, *RECIPE),
    )
    assert done.returncode == 0, done.stderr
    assert "The figures were left out: matplotlib is not installed." in done.stdout
    assert "96 training and 30 validation faces" in done.stderr
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["report.json", "report.md"]
