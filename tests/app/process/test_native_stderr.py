"""Native chatter stays off the terminal; Python's own lines do not."""

import subprocess
import sys

from app.defaults import ROOT


def said(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )


def test_quiet_stderr_swallows_only_what_is_inside() -> None:
    done = said(
        "import os\nfrom app.process.native_stderr import quiet_stderr\n"
        "with quiet_stderr(): os.write(2, b'chatter ')\n"
        "os.write(2, b'after')"
    )
    assert done.stderr == "after"


def test_quiet_in_several_threads_ends_with_the_last() -> None:
    done = said(
        "import os\nfrom app.process.native_stderr import quiet_stderr\n"
        "first, second = quiet_stderr(), quiet_stderr()\n"  # as two threads may lie in time
        "first.__enter__(); second.__enter__(); first.__exit__(None, None, None)\n"
        "os.write(2, b'chatter ')\n"
        "second.__exit__(None, None, None)\n"
        "os.write(2, b'after')"
    )
    assert done.stderr == "after"


def test_program_keeps_its_lines_and_loses_native_ones() -> None:
    done = said(
        "import os, sys\nfrom app.process.native_stderr import redirect_native_stderr\n"
        "with redirect_native_stderr():\n"
        "    os.write(2, b'chatter ')\n"
        "    print('line', file=sys.stderr)\n"
        "os.write(2, b'after')"
    )
    assert done.stderr == "line\nafter"


def test_errors_pass_and_restore_the_terminal() -> None:
    done = said(
        "from app.process.native_stderr import redirect_native_stderr\n"
        "with redirect_native_stderr():\n    raise ValueError('seen')"
    )
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: seen\n")


def test_native_crash_still_says_where() -> None:
    done = said(
        "import faulthandler\nfrom app.process.native_stderr import redirect_native_stderr\n"
        "with redirect_native_stderr(): faulthandler._sigabrt()"
    )
    assert done.returncode != 0
    assert "Fatal Python error: Aborted" in done.stderr


def test_replaced_stderr_is_left_alone() -> None:
    done = said(
        "import io, os, sys\nfrom app.process.native_stderr import redirect_native_stderr\n"
        "sys.stderr = io.StringIO()\n"
        "with redirect_native_stderr():\n    os.write(2, b'shown')\n"
        "    assert sys.stderr.getvalue() == ''"
    )
    assert done.stderr == "shown"


def test_a_stderr_that_leads_nowhere_is_known_as_such() -> None:
    code = (
        "from app.process.native_stderr import goes_nowhere, quiet_stderr, redirect_native_stderr\n"
        "with quiet_stderr():\n"
        "    print(goes_nowhere())\n"
        "with redirect_native_stderr(), quiet_stderr():\n"
        "    print(goes_nowhere())\n"
        "print(goes_nowhere())\n"
    )
    for stderr, said in ((subprocess.PIPE, "False True False"), (subprocess.DEVNULL, "True " * 3)):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        assert done.stdout.split() == said.split()
