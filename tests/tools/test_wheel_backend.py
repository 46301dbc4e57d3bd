"""The wheel has the files that are meant for it, and is not built without one that it needs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.defaults import ROOT
from tools.wheel_backend import (
    NEEDED,
    SHIPPED_MODELS,
    check_needed,
    list_known_files,
    list_shipped_files,
    rewrite_readme,
    write_sdist_tree,
    write_wheel_tree,
)

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
SCRAP = (
    *("app/scratch.py", "app/assets/mine.mp4", "app/notes.txt", "models/mine.onnx"),
    *("training/.hidden.py", "app/__pycache__/x.py", "models/sub/dacl.onnx"),
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with every file that is needed, two modules, and files that nobody means to ship."""
    root = tmp_path / "checkout"
    for name in (*NEEDED, "app/room.py", "training/run.py", *SCRAP):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    shutil.copyfile(ROOT / "pyproject.toml", root / "pyproject.toml")
    return root


def let_git_know(root: Path) -> None:
    names = [*NEEDED, "app/room.py", "training/run.py", "pyproject.toml"]
    for words in (["init", "-q"], ["add", "--", *names]):
        subprocess.run(["git", "-C", root, *words], check=True)


MEANT = sorted(
    [name for name in NEEDED if name.startswith(("app/", "models/"))]
    + ["app/room.py", "training/run.py"]
)


@needs_git
def test_what_git_does_not_know_stays_out_and_is_named(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    let_git_know(checkout)
    assert sorted(list_shipped_files(checkout, list_known_files(checkout))) == MEANT
    assert capsys.readouterr().err == (
        "note: not in the wheel, because Git does not know them: app/assets/mine.mp4, "
        "app/notes.txt, app/scratch.py, models/mine.onnx, models/sub/dacl.onnx\n"
    )


def test_without_git_data_and_models_are_those_that_are_named(checkout: Path) -> None:
    """As in a container, whose context has no history. A module is meant to be one."""
    found = list_shipped_files(checkout, None)
    assert sorted(found) == sorted([*MEANT, "app/scratch.py", "app/assets/mine.mp4"])


@needs_git
def test_a_folder_of_another_checkout_is_none_of_its_own(checkout: Path) -> None:
    let_git_know(checkout)
    assert list_known_files(checkout / "app") is None
    assert list_known_files(checkout.parent) is None


@pytest.mark.parametrize("name", ["models/dacl.onnx", "app/assets/demo.mp4", "LICENSE"])
@pytest.mark.parametrize("is_empty", [False, True])
def test_a_file_that_is_needed_ends_the_build_with_one_line(
    checkout: Path, tmp_path: Path, name: str, *, is_empty: bool
) -> None:
    (checkout / name).unlink()
    if is_empty:
        (checkout / name).touch()
    for write_tree in (write_wheel_tree, write_sdist_tree):
        with pytest.raises(SystemExit) as ended:
            write_tree(checkout, tmp_path / "tree")
        assert str(ended.value) == (
            f"error: {name} is missing or empty. Restore it, for example by git checkout -- "
            f"{name}, and build again."
        )
    assert not (tmp_path / "tree").exists()


def test_a_module_that_git_knows_and_that_is_gone_ends_the_build(checkout: Path) -> None:
    (checkout / "app/room.py").unlink()
    with pytest.raises(SystemExit, match=r"app/room\.py is missing"):
        check_needed(checkout, ["app/room.py"])


@needs_git
def test_the_source_distribution_has_what_git_knows(checkout: Path, tmp_path: Path) -> None:
    let_git_know(checkout)
    tree = tmp_path / "tree"
    tree.mkdir()
    write_sdist_tree(checkout, tree)
    found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert found == {*NEEDED, "app/room.py", "training/run.py", "pyproject.toml"}


def test_the_list_of_models_is_what_lies_in_the_folder() -> None:
    known = list_known_files(ROOT)
    if known is None:
        pytest.skip("this is no checkout of Git's")
    assert sorted(SHIPPED_MODELS) == sorted(
        Path(name).name for name in known if name.startswith("models/")
    )


def test_the_readme_of_the_wheel_has_no_link_that_leads_nowhere() -> None:
    text = rewrite_readme((ROOT / "README.md").read_text(encoding="utf-8"))
    assert text.startswith(
        "# Expression recogniser\n\n> This is the README of the project's checkout."
    )
    assert "](" not in text.replace("](http", "")
    assert "installation (`docs/start.md`)" in text
    assert "![" not in text
    assert rewrite_readme("# T\n\n[a](https://b.c/d) [e](#f)\n").endswith(
        "\n[a](https://b.c/d) e\n"
    )
