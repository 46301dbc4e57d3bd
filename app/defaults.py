"""Holds the defaults that the command line names before any package is loaded, because `--help`
and `--doctor` work where nothing is installed."""

from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .webm .wmv".split()
)
PICTURE_SUFFIXES = frozenset(
    ".apng .avif .bmp .dib .gif .heic .heics .heif .hif .jfif .jpe .jpeg .jpg .mpo .pbm .pgm .png "
    ".pnm .ppm .tif .tiff .webp".split()
)
SMOOTHING_S = 0.5  # readings are averaged over this time; docs/steadiness.md has the measurement
_PACKAGE = Path(__file__).resolve().parent
ROOT = _PACKAGE.parent  # the folder of the checkout, or the one that the wheel was installed into
# The wheel has the models within the package, a checkout beside it.
MODELS = _PACKAGE / "models" if (_PACKAGE / "models").is_dir() else ROOT / "models"
DEMO_CLIP = _PACKAGE / "assets" / "demo.mp4"  # what --demo plays
# One face that smiles, at known places: figures of speed, the doctor and tests are of this clip.
PORTRAIT_CLIP = _PACKAGE / "assets" / "portrait.mp4"
DEFAULT_MODEL = MODELS / "dacl.onnx"


def list_shipped_models(folder: Path = MODELS) -> dict[str, Path]:
    """Maps the short name of each shipped model to its file: dacl.onnx is `default`, and
    dacl_small.onnx is `small`."""
    return {
        path.stem.removeprefix("dacl").removeprefix("_") or "default": path
        for path in sorted(folder.glob("dacl*.onnx"))
    }


def find_model(text: str, folder: Path = MODELS) -> Path:
    """Finds the file that a user means by a path or by the short name of a shipped model. A file
    that has the short name as its path comes first."""
    path = Path(text)
    return path if path.exists() else list_shipped_models(folder).get(text, path)
