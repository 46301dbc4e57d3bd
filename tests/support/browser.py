"""Chromium without a window, for what only a real browser can tell."""

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def browse(
    address: str, *options: str, profile: Path, width: int = 1280
) -> subprocess.CompletedProcess[str]:
    """Opens a page and ends once it has loaded: the page as it is then is in `stdout`, what it
    complained of in lines of `stderr` with "CONSOLE"."""
    assert BROWSER is not None
    common = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    common += [f"--user-data-dir={profile}", f"--window-size={width},1000", "--dump-dom"]
    return subprocess.run(
        [BROWSER, *common, *options, address],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
