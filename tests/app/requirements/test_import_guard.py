"""Ctrl-C gives one line from the first moment on."""

import subprocess
import sys

import pytest

from app.defaults import ROOT
from app.requirements.import_guard import _say_in_one_line

INTERRUPTED_WHILE_LOADING = """
import runpy, sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
runpy.run_path("run_demo.py", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["argparse", "app", "app.cli.options", "app.live.keys"])
def test_ctrl_c_while_the_program_is_loaded_is_one_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING, module],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_ctrl_c_while_another_command_is_loaded_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        _say_in_one_line(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert (ended.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")
