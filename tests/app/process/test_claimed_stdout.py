"""Nobody but its owner writes to a standard output that is claimed."""

import subprocess
import sys

from app.defaults import ROOT

CODE = """
import os, sys
from app.process.claimed_stdout import claim_stdout
print("before")
with claim_stdout() as descriptor:
    print("python's print")
    os.write(1, b"a native library\\n")
    os.write(descriptor, b"line\\n")
print("after")
"""


def test_only_the_owner_reaches_the_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "before\nline\nafter\n"
    assert sorted(done.stderr.splitlines()) == ["a native library", "python's print"]
