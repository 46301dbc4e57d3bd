"""Python code in a process of its own, where packages are missing."""

import subprocess
import sys

from app.defaults import ROOT


def run_without_packages(
    packages: str, code: str, *arguments: object
) -> subprocess.CompletedProcess[str]:
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
