"""What the command line says of its defaults before any package is loaded: `--help` and `--doctor`
work where nothing is installed."""

from pathlib import Path

VIDEO_SUFFIXES = frozenset(
    ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .webm .wmv".split()
)
PICTURE_SUFFIXES = frozenset(
    ".apng .avif .bmp .dib .gif .heic .heics .heif .hif .jfif .jpe .jpeg .jpg .mpo .pbm .pgm .png "
    ".pnm .ppm .tif .tiff .webp".split()
)
SMOOTH_S = 0.5  # over how long readings are averaged; docs/steadiness.md
ROOT = Path(__file__).resolve().parent.parent  # the folder that holds `app/` and `models/`
MODELS = ROOT / "models"
DEMO_CLIP = ROOT / "app" / "assets" / "demo.mp4"
DEFAULT_MODEL = MODELS / "dacl.onnx"


def list_shipped_models(folder: Path = MODELS) -> dict[str, Path]:
    """Short name -> file: dacl.onnx is `default`, dacl_small.onnx is `small`."""
    return {
        path.stem.removeprefix("dacl").removeprefix("_") or "default": path
        for path in sorted(folder.glob("dacl*.onnx"))
    }


def find_model(text: str, folder: Path = MODELS) -> Path:
    """The file that a user means: the short name of a shipped model, or a path. A file of that name
    goes first."""
    path = Path(text)
    return path if path.exists() else list_shipped_models(folder).get(text, path)
