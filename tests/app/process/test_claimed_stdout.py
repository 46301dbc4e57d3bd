"""Nobody but its owner writes to a standard output that is claimed."""

import subprocess
import sys

import pytest

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


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is one of POSIX")
def test_lines_for_a_closed_standard_output_are_refused() -> None:
    code = CODE.replace("import os, sys", "import os, sys\nfrom app.process import safe_output\n")
    code = code.replace('print("before")', "safe_output.fill_descriptors()")
    words = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "SinkError: The standard output is closed." in done.stderr
