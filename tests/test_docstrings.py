"""Everything public says what it does, and functions of arrays show an example."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tools.rooms import list_modules

PACKAGES = ("app", "training")
BAD_OPENING = re.compile(r"(What|Whether|How|Which|Where|When|Who|Why|Of|By|With)\b")
ARRAY_TYPE = re.compile(r"\b(NDArray|Image|Picture|Floats|Tensor|Crops|Landmarks|Matrix|Labels)\b")
COMMAND_PORTS = {"main", "parser"}  # of a command, which the docstring of its module describes
# Functions of arrays that no short example can call -> the reason.
WITHOUT_EXAMPLE = {
    "app.live.recording.save_snapshot": "writes files that are named by the time of day",
    "training.checkpoints.initial_weights.load_initial": "needs a file of weights",
    "training.datasets.landmarks.find_faces": "needs a detector and a face",
    "training.datasets.landmarks.find_landmarks": "needs a detector and a face",
    "training.exporting.int8.quantise_model": "runs the quantiser on a model file",
    "training.exporting.onnx_file.measure_parity": "needs a model file and its network's logits",
    "training.figures.evidence.draw_evidence": "draws a figure",
    "training.judge.deletion.compute_curves": "runs a model for every filling, area and share",
    "training.judge.non_face_report.read_non_faces": "needs a detector",
    "training.run.teachers.average_teachers": "needs loaded teachers",
    "training.synthetic.detections.find_detections": "needs the detector's networks and a face",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Documented(NamedTuple):
    """A module, class, function or method, by its dotted name."""

    name: str
    node: ast.Module | ast.ClassDef | Function
    is_method: bool = False

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.node) or ""


def is_setter(node: ast.AST) -> bool:
    """Tells whether a function sets a property, whose getter has the docstring."""
    return isinstance(node, Function) and any(
        isinstance(one, ast.Attribute) and one.attr == "setter" for one in node.decorator_list
    )


def list_public(package: str) -> Iterator[Documented]:
    """Yields the modules of a package, and their public classes, functions and methods."""
    for module, path in list_modules(package).items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield Documented(module, tree)
        for node in tree.body:
            if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
                continue
            yield Documented(f"{module}.{node.name}", node)
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if not isinstance(member, Function) or member.name.startswith("_"):
                    continue
                if not is_setter(member):
                    yield Documented(f"{module}.{node.name}.{member.name}", member, is_method=True)


def list_parameter_types(function: Function) -> list[str]:
    """Lists the annotations of a function's parameters as they are written."""
    parameters = function.args
    every = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]
    return [ast.unparse(one.annotation) for one in every if one.annotation is not None]


def list_array_functions(package: str) -> Iterator[tuple[Documented, int]]:
    """Yields the functions of modules that take an array, with the number of parameters."""
    for one in list_public(package):
        if isinstance(one.node, Function) and not one.is_method:
            types = list_parameter_types(one.node)
            if any(map(ARRAY_TYPE.search, types)):
                yield one, len(types)


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_has_a_docstring(package: str) -> None:
    public = list(list_public(package))
    assert len(public) > 100  # else the list would prove nothing
    lacking = [one.name for one in public if not one.docstring]
    assert [name for name in lacking if name.rpartition(".")[2] not in COMMAND_PORTS] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_open_with_what_a_thing_does(package: str) -> None:
    assert [one.name for one in list_public(package) if BAD_OPENING.match(one.docstring)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_of_arrays_describe_several_parameters(package: str) -> None:
    functions = list(list_array_functions(package))
    assert len(functions) > 10
    assert [
        one.name for one, count in functions if count > 1 and "Args:" not in one.docstring
    ] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_of_arrays_show_an_example(package: str) -> None:
    lacking = {one.name for one, _ in list_array_functions(package) if ">>> " not in one.docstring}
    excused = {name for name in WITHOUT_EXAMPLE if name.startswith(f"{package}.")}
    assert lacking == excused
