"""Checked-out builds: where they stand, and that nothing of them is left."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.errors import DataError
from tools import checkouts
from tools.checkouts import check_out, check_out_pair, describe_build

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own repository with one empty commit, in place of this one."""
    monkeypatch.setattr(checkouts, "ROOT", tmp_path)
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return tmp_path


def test_checkout_is_removed_whatever_happens(repository: Path) -> None:
    tree = repository / "tree"

    def interrupt() -> None:
        with check_out("HEAD", tree):
            assert (tree / ".git").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert not tree.exists()
    assert checkouts.run_git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize("refs", [("none", None), ("none", "."), ("HEAD", "none")])
def test_an_unknown_ref_is_one_line(repository: Path, refs: tuple[str, str | None]) -> None:
    with (
        pytest.raises(DataError, match=r"^'none' names no commit: "),
        check_out_pair(*refs, repository),
    ):
        pass
    assert checkouts.run_git("worktree", "list").count("\n") == 0


def test_a_file_in_the_place_of_head_is_told(repository: Path) -> None:
    clip = repository / "clip.mp4"
    clip.write_bytes(b"")
    with (
        pytest.raises(DataError, match=r"no commit but a file\. HEAD_REF comes before the files"),
        check_out_pair("HEAD", str(clip), repository),
    ):
        pass


@pytest.mark.parametrize("head", [None, "."])
def test_without_a_second_ref_the_working_tree_counts(repository: Path, head: str | None) -> None:
    with check_out_pair("HEAD", head, repository) as (base, tree):
        assert base == repository / "tree_base"
        assert tree == repository


def test_builds_are_named(repository: Path) -> None:
    commit = checkouts.run_git("rev-parse", "HEAD")[:7]
    assert describe_build("HEAD") == f"HEAD ({commit})"
    assert describe_build(commit) == commit
    assert describe_build(".") == f"working tree on {commit}, without changes"
    (repository / "new.py").write_text("")
    assert describe_build(None) == f"working tree on {commit}, with changes"
