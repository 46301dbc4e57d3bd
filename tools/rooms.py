"""The rooms of this project: its packages, their floors, and the imports between them.

A room is a package of `app` or `training`. The modules that lie directly in `app` form the ground
floor (`app`) but for the few that stand above other rooms, which are rooms of their own. The
commands of `training` lie directly in it and form the room `training`. An `__main__` module of
`app` is a command, too: the room `app.commands`. A room may import only rooms of a lower floor.
"""

import ast
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the ground up. `app` and `training` stand for the modules directly in them.
APP_FLOORS: tuple[tuple[str, ...], ...] = (
    ("app", "app.pages", "app.placement"),
    ("app.files", "app.frames", "app.privacy", "app.process", "app.tracking"),
    ("app.actions", "app.pictures", "app.recognition", "app.teaching"),
    ("app.detection", "app.overlay", "app.reading", "app.records", "app.sources"),
    ("app.episodes", "app.outputs", "app.pipeline", "app.requirements"),
    ("app.codings", "app.events", "app.recogniser", "app.report"),
    ("app.agreement", "app.runs"),
    ("app.batch", "app.live"),
    ("app.cluster", "app.diagnostics", "app.server"),
    ("app.cli",),
    ("app.commands",),
)

TRAINING_FLOORS: tuple[tuple[str, ...], ...] = (
    ("training.base", "training.measures"),
    ("training.figures", "training.network"),
    ("training.config",),
    ("training.datasets",),
    ("training.augment", "training.checkpoints", "training.own_pictures", "training.synthetic"),
    ("training.judge", "training.page", "training.run"),
    ("training.exporting", "training.studies"),
    ("training.making",),
    ("training",),
)

ABOVE_GROUND = frozenset({"app.pipeline", "app.recogniser"})
FRONT_DOORS = frozenset({"app", "training"})  # their `__init__` loads rooms only when asked


def list_modules(package: str, root: Path = ROOT) -> dict[str, Path]:
    """Maps the dotted name of every module of `package` to its file. A package's own name stands
    for its `__init__`."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def list_imports(path: Path, root: Path = ROOT) -> set[str]:
    """Lists the dotted names of everything that a file imports, anywhere in it.

    `from a import b` gives `a` and `a.b`, because `b` may be a module. Imports inside functions
    count; imports for type checkers alone (`if TYPE_CHECKING`) count, too.
    """
    package = path.relative_to(root).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def find_room(module: str) -> str:
    """Names the room of a module.

    >>> find_room("app.detection.search"), find_room("app.types"), find_room("app.pipeline")
    ('app.detection', 'app', 'app.pipeline')
    >>> find_room("app.report.__main__"), find_room("training.datasets.pack")
    ('app.commands', 'training.datasets')
    """
    parts = module.split(".")
    if parts[-1] == "__main__" and parts[0] == "app":
        return f"{parts[0]}.commands"
    if module in ABOVE_GROUND:
        return module
    return parts[0] if len(parts) == 2 and not _is_package(module) else ".".join(parts[:2])


def _is_package(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").exists()


def list_arrows(*packages: str) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Maps each pair of rooms of which the first imports the second to the pairs of modules that
    make up this arrow."""
    modules: Mapping[str, Path] = {
        name: path for package in packages for name, path in list_modules(package).items()
    }
    arrows: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, path in modules.items():
        if name in FRONT_DOORS:
            continue
        for other in (list_imports(path) & modules.keys()) - FRONT_DOORS:
            pair = find_room(name), find_room(other)
            if pair[0] != pair[1]:
                arrows.setdefault(pair, set()).add((name, other))
    return arrows


def lowest_floors(arrows: Mapping[tuple[str, str], object]) -> dict[str, int]:
    """Gives each room of `arrows` the lowest floor on which all rooms that it imports are below.

    >>> lowest_floors({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 1})
    {'c': 0, 'b': 1, 'a': 2}

    Raises `ValueError` where rooms import each other in a circle.
    """
    below: dict[str, set[str]] = {}
    for room, other in arrows:
        below.setdefault(room, set()).add(other)
        below.setdefault(other, set())
    floors: dict[str, int] = {}
    while len(floors) < len(below):
        ready = sorted(r for r in below if r not in floors and below[r] <= floors.keys())
        if not ready:
            circle = sorted(below.keys() - floors.keys())
            raise ValueError(f"import circle among {', '.join(circle)}")
        floors |= {r: 1 + max((floors[o] for o in below[r]), default=-1) for r in ready}
    return floors
