"""Keeps the videos with which builds are compared, each made once (`tools.make_speed_clip`)."""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av

from app.defaults import ROOT
from app.errors import DataError

SUFFIXES = {"repeated": "", "pictures": "", "phone": ".mp4", "4k-h264": ".mp4"}  # others: .mkv
RECIPES = ("make_speed_clip", "make_crowd_clip", "made_frames", "live_watch")
HASH_LETTERS = 12
REPEAT = 4  # of a clip, so that a start does not hide the rate


def count_video_frames(clip: Path) -> int:
    """Counts the frames of a video by decoding it."""
    with av.open(str(clip)) as container:
        return sum(1 for _ in container.decode(video=0))


class SpeedClips:
    """Makes videos and folders of pictures in processes of their own, where they are not there yet.

    Args:
        folder: The folder that keeps them; None for one in the system's temporary folder, from
            which later runs take them, too.
    """

    def __init__(self, folder: Path | None = None) -> None:
        user = os.getuid() if hasattr(os, "getuid") else 0
        self.folder = folder or Path(tempfile.gettempdir()) / f"speed_clips_{user}"
        self._recipe = b"".join((ROOT / "tools" / f"{one}.py").read_bytes() for one in RECIPES)

    def make(self, kind: str, clip: Path, *options: str) -> Path:
        """Returns the file or folder of a kind that is made of a clip. Raises `DataError`."""
        key = hashlib.sha256(self._recipe + " ".join(options).encode())
        for one in sorted(clip.iterdir()) if clip.is_dir() else [clip]:
            if one.is_file():
                key.update(one.read_bytes())
        suffix = SUFFIXES.get(kind, ".mkv") or ("" if kind == "pictures" else clip.suffix)
        path = self.folder / f"{clip.stem}_{kind}_{key.hexdigest()[:HASH_LETTERS]}{suffix}"
        if path.exists():
            return path
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            made = Path(name) / f"made{suffix}"
            print(f"Making {path} ...", file=sys.stderr, flush=True)
            words = ["-m", "tools.make_speed_clip", kind, str(clip), str(made), *options]
            done = subprocess.run(
                [sys.executable, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False
            )
            if done.returncode != 0:
                last = " ".join(done.stderr.strip().splitlines()[-1:])
                raise DataError(f"{kind} cannot be made of {clip}: {last}")
            made.rename(path)
        return path
