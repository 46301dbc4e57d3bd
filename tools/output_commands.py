"""Lists the commands whose outputs `tools.compare_outputs` compares, and makes what they read.

Every command is one that users can type, or a short script that uses the public names of `app`.
A command is run in two builds, `base` and `head`. What a later command reads of an earlier one's
outputs (records, a checkpoint) is always what `base` wrote: a difference then shows where it
arises, and `head` is shown to read old files.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2

APP_COMMANDS = ("app.episodes", "app.report", "app.agreement")
DATA_SETS = ("ferplus", "rafdb", "affectnet", "folder")
MODELS = ("default", "int8", "small", "small_int8")
PICTURE_FRAMES = (0, 60, 110, 145, 239)  # of the portrait clip: one, two and no face
# The frames of the portrait clip in which a face looks into the camera, and a label for each.
LABELLED_FRAMES = dict(
    zip(
        (10, 20, 30, 40, 50, 60, 70, 80),
        ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
        strict=True,
    )
)
CODINGS = {
    "one.csv": "onset_s,offset_s,label,face_id\n"
    "0.0,1.2,neutral,Anna\n1.2,5.0,happiness,Anna\n6.7,8.0,neutral,Ben\n8.0,9.5,happiness,Ben\n",
    "two.csv": "onset_s,offset_s,label,face_id\n"
    "0.0,1.5,neutral,Anna\n1.5,4.8,happiness,Anna\n6.9,7.5,surprise,Ben\n7.5,9.5,happiness,Ben\n",
}
WRITE_SHAPES = """
import sys
from pathlib import Path
try:
    from tests.support import shapes
except ImportError:
    from tests import shapes
shapes.write_shapes(Path(sys.argv[1]))
"""
# Finds the classifier wherever this build keeps it.
READ_RANDOM_CROPS = """
import importlib, re, sys
from pathlib import Path
import numpy as np
for path in sorted(Path("app").rglob("*.py")):
    if re.search(r"^class Classifier\\b", path.read_text(encoding="utf-8"), re.MULTILINE):
        classifier = importlib.import_module(".".join(path.with_suffix("").parts)).Classifier
for name in sys.argv[1:]:
    reads = classifier(Path("models") / name, device="cpu")
    shape = (7, reads.contract.size_px, reads.contract.size_px, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    print(name, reads.labels, reads.predict(crops).tolist())
"""
READ_STREAM = """
import sys
from app import Recogniser, VideoSource
with Recogniser("small", device="cpu") as recogniser, VideoSource(sys.argv[1]) as source:
    for result in recogniser.stream(source):
        for face in result.faces:
            where, shares = face.face.box_xyxy, face.probabilities.tolist()
            print(result.frame.index, face.face_id, face.label, where, shares)
"""
MACHINE = ("--device", "cpu", "--precision", "fp32")
TINY_NETWORK = (
    *(*MACHINE, "--width", "8", "--blocks", "1", "--size-px", "24"),
    *("--batch-size", "16", "--learning-rate", "0.1", "--average", "0.9"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command to run in each build.

    `name` is unique and names the command's terminal text and its folder of outputs. In `words`,
    `{made}` is the folder with what `make_inputs` wrote, `{out}` this command's own folder, and
    `{base}` the folder with all outputs of the build `base`. `exit_code` is the one expected in
    `base`. `copy_of` names a command whose folder in `base` is copied to `{out}` first.
    """

    name: str
    words: tuple[str, ...]
    exit_code: int = 0
    copy_of: str = ""


def make_inputs(clip: Path, folder: Path) -> None:
    """Writes the clip, pictures of its frames, pictures in folders by label, and codings."""
    folder.mkdir(parents=True)
    shutil.copy2(clip, folder / "clip.mp4")
    for name, text in CODINGS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            paths = [folder / "pictures" / f"{index}.png"] if index in PICTURE_FRAMES else []
            if label := LABELLED_FRAMES.get(index):
                paths += [folder / f"faces/{split}/{label}/a.png" for split in ("train", "valid")]
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), frame.to_ndarray(format="bgr24"))


def find_training_commands(checkout: Path) -> list[str]:
    """Finds the modules of `training` that are commands, which have a `main`."""
    top = checkout / "training"
    paths = [*top.glob("*.py"), *top.glob("*/__main__.py")]
    return sorted(
        f"training.{path.stem if path.parent == top else path.parent.name}"
        for path in paths
        if "\ndef main(" in path.read_text(encoding="utf-8")
    )


def _run_words(*words: str) -> tuple[str, ...]:
    return "run_demo.py", "--no-window", "--device", "cpu", *words


def _clip_words(*words: str) -> tuple[str, ...]:
    return _run_words("--video", "{made}/clip.mp4", *words)


UNBROKEN = Command("records", _clip_words("--records", "{out}/clip.jsonl"))
# Runs in `base` alone and is interrupted; both builds then go on from where it stopped.
BROKEN = Command("broken", UNBROKEN.words, exit_code=130)
RESUMED = Command("resumed", (*UNBROKEN.words, "--resume"), copy_of="broken")


def list_commands(training: Iterable[str]) -> Iterator[Command]:
    """Lists the commands in the order in which they are run. `training` names the modules that are
    asked for `--help`."""
    yield from _helps(training)
    yield from _runs()
    yield from _commands_on_records()
    yield from _refused()
    yield from _library()
    yield from _training()


def _helps(training: Iterable[str]) -> Iterator[Command]:
    yield Command("help run_demo", ("run_demo.py", "--help"))
    yield Command("version", ("run_demo.py", "--version"))
    for module in (*APP_COMMANDS, *training):
        yield Command(f"help {module}", ("-m", module, "--help"))
    for kind in DATA_SETS:
        yield Command(f"help prepare {kind}", ("-m", "training.prepare", kind, "--help"))


def _runs() -> Iterator[Command]:
    yield UNBROKEN
    episodes = [
        word
        for suffix in ("csv", "vtt", "eaf", "txt")
        for word in ("--episodes", f"{{out}}/clip.{suffix}")
    ]
    more = ("--report", "{out}/clip.html", "-o", "{out}/clip.mp4")
    yield Command("everything", _clip_words("--records", "{out}/r.csv", *episodes, *more))
    yield Command("parquet", _clip_words("--records", "{out}/clip.parquet", "--no-stills"))
    blurred = ("--blur", "--records", "{out}/clip.jsonl", "-o", "{out}/clip.mp4")
    yield Command("blur", _clip_words(*blurred))
    options = (
        *("--every", "2", "--start", "2", "--end", "0:09", "--model", "small_int8", "--mirror"),
        *("--max-faces", "1", "--far-faces", "--smoothing", "0.2", "--hud", "boxes"),
        *("--prior-correction", "0.5", "--codec", "mpeg4"),
    )
    yield Command("options", _clip_words(*options, "--records", "{out}/r.csv", "-o", "{out}/v.mp4"))
    yield Command("demo", _run_words("--demo", "--end", "1", "--records", "{out}/demo.jsonl"))
    two = ("{made}/clip.mp4", "{base}/options/v.mp4")
    yield Command(
        "jobs",
        _run_words(
            "--video", *two, "--jobs", "2", "--every", "5", "-o", "{out}", "--records", ".csv"
        ),
    )
    for model in MODELS:
        outputs = ("--records", "{out}/r.jsonl", "-o", "{out}/drawn", "--report", "{out}/r.html")
        words = _run_words("--image", "{made}/pictures", "--model", model, *outputs)
        yield Command(f"pictures {model}", words)
    yield Command("doctor", ("run_demo.py", "--doctor", "--json"))


def _commands_on_records() -> Iterator[Command]:
    records = "{base}/records/clip.jsonl"
    for suffix in ("csv", "vtt", "eaf", "txt"):
        words = ("-m", "app.episodes", records, "-o", f"{{out}}/e.{suffix}")
        yield Command(f"episodes {suffix}", (*words, "--min-duration", "0.2"))
    report = ("-m", "app.report", "-o", "{out}/r.html")
    yield Command("report", (*report, records, "--video", "{made}/clip.mp4"))
    yield Command("report csv", (*report, "{base}/everything/r.csv", "--no-stills"))
    yield Command("report parquet", (*report, "{base}/parquet/clip.parquet", "--no-stills"))
    pictures = ("{base}/pictures default/r.jsonl", "--pictures", "{made}/pictures")
    yield Command("report pictures", (*report, *pictures))
    agreement = ("-m", "app.agreement", "{made}/one.csv")
    pairs = ("--pair", "Anna=1", "--pair", "Ben=2", "--json", "{out}/a.json")
    yield Command("agreement records", (*agreement, records, *pairs, "--outside", "neutral"), 1)
    yield Command("agreement eaf", (*agreement, "{base}/everything/clip.eaf", *pairs[:4]), 1)
    yield Command("agreement codings", (*agreement, "{made}/two.csv", "--json", "{out}/a.json"))


def _refused() -> Iterator[Command]:
    """Yields commands that are refused in one line."""
    yield Command("no video", _run_words("--video", "{made}/gone.mp4"), 2)
    yield Command(
        "no picture", _run_words("--image", "{made}/one.csv", "--records", "{out}/r.csv"), 2
    )
    yield Command("wrong suffix", _clip_words("--records", "{out}/r.xlsx"), 2)
    yield Command("wrong times", _clip_words("--start", "5", "--end", "2", "-o", "{out}/v.mp4"), 2)
    yield Command("wrong option", _clip_words("--evry", "5"), 2)
    yield Command("output exists", _clip_words("--records", "{base}/records/clip.jsonl"), 2)
    yield Command("no records", ("-m", "app.report", "{made}/one.csv", "-o", "{out}/r.html"), 2)
    yield Command("no data", ("-m", "training.train", "{made}/one.csv", "-o", "{out}/run"), 2)


def _library() -> Iterator[Command]:
    """Yields commands that use the examples and the public names of `app`."""
    yield Command("library stream", ("-c", READ_STREAM, "{made}/clip.mp4"))
    yield Command("example image", ("examples/image.py",))
    yield Command("example video", ("examples/video.py", "{base}/options/v.mp4", "{out}"))
    names = [f"dacl{name}.onnx" for name in ("", "_int8", "_small", "_small_int8")]
    yield Command("random crops", ("-c", READ_RANDOM_CROPS, *names, "face_check.onnx"))


def _training() -> Iterator[Command]:
    """Yields commands that train, export and judge a tiny network, and that use shipped ones."""
    yield Command("shapes", ("-c", WRITE_SHAPES, "{out}/shapes.npz"))
    prepare = ("-m", "training.prepare", "folder", "{made}/faces", "-o", "{out}/faces.npz")
    yield Command("prepare", prepare)
    data = "{base}/shapes/shapes.npz"
    train = ("-m", "training.train", data, "-o", "{out}", *TINY_NETWORK, "--epochs", "2")
    yield Command("train", train)
    more = ("-m", "training.train", data, "-o", "{out}", *MACHINE, "--resume")
    yield Command("train resumed", more, copy_of="train")
    export = ("-m", "training.export", data, "{base}/train/best.pt", "-o", "{out}/net.onnx")
    yield Command("export", (*export, "--compact"))
    for name, model in (("checkpoint", "train/best.pt"), ("exported", "export/net.onnx")):
        judge = ("-m", "training.evaluate", data, f"{{base}}/{model}", "-o", "{out}")
        yield Command(f"evaluate {name}", judge)
    yield Command("evaluate compact", ("-m", "training.evaluate", data, "{base}/export/net.pt"))
    faces = ("-m", "training.evaluate", "{base}/prepare/faces.npz")
    for model in ("dacl.onnx", "dacl.pt", "dacl_small_int8.onnx"):
        yield Command(f"evaluate {model}", (*faces, f"models/{model}"))
    retrain = ("-m", "training.retrain", "{made}/faces", "--from", "models/dacl_small.onnx")
    outputs = ("-o", "{out}/own.onnx", "--run", "{out}/run", "--epochs", "1", "--device", "cpu")
    yield Command("retrain", (*retrain, *outputs))
