"""Checks commits of this project out, so that two builds can be compared."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.defaults import ROOT
from app.errors import DataError

WORKING_TREE = "."  # as HEAD_REF: the files as they are now
HEAD_REF_HELP = f"a commit, branch or tag; {WORKING_TREE!r} (the default) is the working tree"


def run_git(*words: str) -> str:
    """Returns what git prints. Raises `DataError`."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise DataError("git is not installed.") from error
    except subprocess.CalledProcessError as error:
        raise DataError(f"git {words[0]} failed: {error.stderr.strip()}") from error
    return done.stdout.strip()


def find_commit(ref: str) -> str:
    """Returns the hash of the commit that `ref` names. Raises `DataError` where it names none."""
    try:
        return run_git("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    except DataError as error:
        if Path(ref).is_file():
            raise DataError(
                f"{ref!r} names no commit but a file. HEAD_REF comes before the files; "
                f"{WORKING_TREE!r} is the working tree."
            ) from error
        raise DataError(f"{ref!r} names no commit: {error}") from error


@contextmanager
def check_out(ref: str, folder: Path) -> Iterator[Path]:
    """Checks `ref` out into `folder`, which is removed at the end."""
    commit = find_commit(ref)
    try:
        run_git("worktree", "add", "--detach", str(folder), commit)
        yield folder
    finally:
        if folder.exists():
            run_git("worktree", "remove", "--force", str(folder))


@contextmanager
def check_out_pair(base: str, head: str | None, place: Path) -> Iterator[tuple[Path, Path]]:
    """Checks two builds out into folders of `place`, which are removed at the end. `head`
    `WORKING_TREE` or None is the working tree itself."""
    in_tree = head is None or head == WORKING_TREE
    if head is not None and not in_tree:
        find_commit(head)  # before minutes are spent on the base
    with ExitStack() as stack:
        first = stack.enter_context(check_out(base, place / "tree_base"))
        if head is None or in_tree:
            yield first, ROOT
        else:
            yield first, stack.enter_context(check_out(head, place / "tree_head"))


def describe_build(ref: str | None) -> str:
    """Names a build: its ref and commit, or the commit under the working tree."""
    if ref is None or ref == WORKING_TREE:
        changed = "with changes" if run_git("status", "--porcelain") else "without changes"
        return f"working tree on {find_commit('HEAD')[:7]}, {changed}"
    commit = find_commit(ref)[:7]
    return commit if ref == commit else f"{ref} ({commit})"
