"""Lists what both builds do while their cost is measured, each task for one clip."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.defaults import PORTRAIT_CLIP, ROOT
from tools.build_costs import Cost, measure_process
from tools.film_server import serve_film
from tools.live_figures import summarise_live
from tools.speed_clips import SpeedClips, count_video_frames

WATCH = ROOT / "tools" / "live_watch.py"
LIVE_S = 15.0  # measured, of each live run
FIRST_S = "0.01"  # the end of a selection with the first frame alone, up to 100 frames/s
Measure = Callable[[Path], Cost]  # of a new folder for outputs
Words = Callable[[Path], list[str]]  # of the same


@dataclass(frozen=True, slots=True)
class Task:
    """Something that both builds do.

    Attributes:
        name: One of `TASKS`.
        clip: The name of the video.
        measure: Does it once, with the base and with the head.
        frames: The number of frames or pictures that are read in it; 0: they are not counted.
        starts: Does the same for the first frame alone; None: a start is not told apart.
    """

    name: str
    clip: str
    measure: tuple[Measure, Measure]
    frames: int = 0
    starts: tuple[Measure, Measure] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """The setting of a comparison: two checked-out builds, the keeper of clips, a folder for this
    run alone, how often a clip is repeated, a folder of photos and a pack of faces (None: the
    clip's own), and the seconds of a live run."""

    builds: tuple[Path, Path]
    clips: SpeedClips
    place: Path
    repeat: int
    photos: Path | None = None
    pack: Path | None = None
    live_s: float = LIVE_S


def _run(build: Path, words: Words, out: Path) -> Cost:
    return measure_process(words(out), build)


def _run_both(setting: Setting, words: Words) -> tuple[Measure, Measure]:
    base, head = (partial(_run, build, words) for build in setting.builds)
    return base, head


def _annotate(clip: Path, *more: str) -> Words:
    def make_words(out: Path) -> list[str]:
        outputs = ["-o", str(out / "a.mp4"), "--records", str(out / "a.jsonl")]
        return [*_read(clip), *outputs, *more]

    return make_words


def _read(clip: Path) -> list[str]:
    return ["run_demo.py", "--video", str(clip), "--no-window", "--device", "cpu"]


def _start(setting: Setting, clip: Path) -> tuple[Measure, Measure]:
    return _run_both(setting, _annotate(clip, "--end", FIRST_S))


def _repeat(setting: Setting, clip: Path) -> Path:
    if setting.repeat == 1:
        return clip
    return setting.clips.make("repeated", clip, "--repeat", str(setting.repeat))


def make_import(setting: Setting, clip: Path) -> Task:
    """Imports the library."""
    return Task("import", "", _run_both(setting, lambda out: ["-c", "import app"]))


def make_first_frame(setting: Setting, clip: Path) -> Task:
    """Annotates one frame, from the start to the end of the process."""
    return Task("first-frame", clip.name, _start(setting, clip))


def make_annotate(setting: Setting, clip: Path, name: str = "annotate") -> Task:
    """Writes an annotated video and records, with one worker."""
    long = _repeat(setting, clip)
    count = count_video_frames(long)
    return Task(name, clip.name, _run_both(setting, _annotate(long)), count, _start(setting, clip))


def make_plain_loop(setting: Setting, clip: Path) -> Task:
    """Lets the head's `annotate` compete with `tools.plain_loop`, which stands for the base."""
    long = _repeat(setting, clip)

    def loop(*more: str) -> Measure:
        def make_words(out: Path) -> list[str]:
            return ["-m", "tools.plain_loop", str(long), str(out / "a.mp4"), *more]

        return partial(_run, ROOT, make_words)

    return Task(
        "plain-loop",
        clip.name,
        (loop(), _run_both(setting, _annotate(long))[1]),
        count_video_frames(long),
        (loop("--frames", "1"), _start(setting, clip)[1]),
    )


def make_records(setting: Setting, clip: Path) -> Task:
    """Writes records alone, with one worker."""
    long = _repeat(setting, clip)

    def words(out: Path) -> list[str]:
        return [*_read(long), "--records", str(out / "a.jsonl")]

    def first(out: Path) -> list[str]:
        return [*words(out), "--end", FIRST_S]

    count = count_video_frames(long)
    return Task("records", clip.name, _run_both(setting, words), count, _run_both(setting, first))


def make_jobs(setting: Setting, clip: Path) -> Task:
    """Annotates two copies of the clip with two workers."""
    long = _repeat(setting, clip)
    twice = setting.place / f"twice_{clip.stem}"
    twice.mkdir()
    for name in ("one", "two"):
        shutil.copy2(long, twice / f"{name}{long.suffix}")

    def words(out: Path) -> list[str]:
        return [*_read(twice), "--jobs", "2", "-o", str(out), "--records", str(out)]

    return Task("jobs", clip.name, _run_both(setting, words), 2 * count_video_frames(long))


def make_pictures(setting: Setting, clip: Path) -> Task:
    """Annotates a folder of pictures of 630 px."""
    source = setting.photos or clip
    folder = setting.clips.make("pictures", source)
    one = setting.place / f"picture_{clip.stem}"
    one.mkdir()
    shutil.copy2(min(folder.iterdir()), one)

    def words(pictures: Path, out: Path) -> list[str]:
        read = ["run_demo.py", "--image", str(pictures), "--no-window", "--device", "cpu"]
        return [*read, "-o", str(out / "pictures")]

    return Task(
        "pictures",
        source.name,
        _run_both(setting, partial(words, folder)),
        len(list(folder.iterdir())),
        _run_both(setting, partial(words, one)),
    )


def make_large(kind: str, setting: Setting, clip: Path) -> Task:
    """Annotates a made video of a kind of `tools.make_speed_clip`."""
    made = setting.clips.make(kind, clip)
    count = count_video_frames(made)
    return Task(kind, clip.name, _run_both(setting, _annotate(made)), count, _start(setting, made))


def make_live(name: str, kind: str, setting: Setting, clip: Path) -> Task:
    """Shows a made video of a kind live, as that of a camera, or of a stream."""
    source, options = clip, list[str]()
    if kind in ("ten", "twenty"):
        source = setting.pack or PORTRAIT_CLIP
        options = ["--pack"] * (setting.pack is not None)
    film = setting.clips.make(kind, source, *options)
    base, head = (
        partial(_watch_live, build, film, setting.live_s, name.startswith("stream"))
        for build in setting.builds
    )
    return Task(name, source.name, (base, head))


def _watch_live(build: Path, film: Path, seconds: float, is_stream: bool, out: Path) -> Cost:
    path, records = out / "watch.json", out / "a.jsonl"

    def run(camera: str, replaced: str) -> Cost:
        words = [str(WATCH), str(path), str(seconds), replaced, "--camera", camera, "--no-mirror"]
        return measure_process(
            [*words, "--device", "cpu", "--records", str(records)], build, timeout_s=seconds + 180
        )

    if is_stream:
        with serve_film(film) as server:
            cost = run(server.address, "-")
            sent = server.read_times()
    else:
        cost, sent = run("0", str(film)), None
    watched = json.loads(path.read_text(encoding="utf-8"))
    return summarise_live(cost, watched, sent or watched["sent"], records)


PER_CLIP: dict[str, Callable[[Setting, Path], Task]] = {
    "first-frame": make_first_frame,
    "annotate": make_annotate,
    "plain-loop": make_plain_loop,
    "records": make_records,
    "jobs": make_jobs,
    "pictures": make_pictures,
}
ONCE: dict[str, Callable[[Setting, Path], Task]] = {
    "import": make_import,
    **{kind: partial(make_large, kind) for kind in ("phone", "4k-mjpeg", "4k-h264")},
    "live-720p": partial(make_live, "live-720p", "720p"),
    "live-4k": partial(make_live, "live-4k", "4k-mjpeg"),
    "stream-4k-mjpeg": partial(make_live, "stream-4k-mjpeg", "4k-mjpeg"),
    "stream-4k-h264": partial(make_live, "stream-4k-h264", "4k-h264"),
    "live-ten": partial(make_live, "live-ten", "ten"),
    "live-twenty": partial(make_live, "live-twenty", "twenty"),
}
TASKS = (*PER_CLIP, *ONCE)


def plan_tasks(
    setting: Setting, clips: Sequence[Path], names: Sequence[str]
) -> list[Callable[[], Task]]:
    """Plans the tasks of `names` (none: all): those of files for every clip, the others with the
    first clip. Each is made when it is called, because its videos take time and space."""
    chosen = [name for name in TASKS if not names or name in names]
    planned = [
        partial(PER_CLIP[name], setting, clip)
        for clip in clips
        for name in chosen
        if name in PER_CLIP
    ]
    return [*planned, *(partial(ONCE[name], setting, clips[0]) for name in chosen if name in ONCE)]
