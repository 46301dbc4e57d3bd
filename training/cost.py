"""What a face costs: python -m training.cost MODEL.onnx... [--reference]

Several exported models take turns in one run on the CPU, single faces and batches, beside a
standard ResNet-18 at 224 and at 112 pixels (of random weights: they do not change the time).
Figures are of one machine; the ratios travel further. With --cuda, each model also runs on the GPU,
and must say there what it says on the CPU.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.alignment import FACE_TEMPLATE
from app.classifier import Classifier
from app.contract import Contract, TrainingData
from app.one_line_parser import OneLineParser
from app.types import TrainingError
from training.checkpoint import Trained, build
from training.cli import run
from training.data import load_examples
from training.export import write_onnx
from training.files import write_text
from training.latency import (
    THREADS,
    Milliseconds,
    Spread,
    face_work,
    machine_line,
    ratio,
    take_turns,
)
from training.machine import PIXEL_MEAN, PIXEL_STD
from training.model import BasicBlock, ModelConfig
from training.pack import read_pack
from training.predictions import uint8_crops
from training.run_config import DataFacts, RunConfig
from training.train_config import TrainConfig

BATCHES = (1, 8, 64)
REFERENCE_SIZES_PX = (224, 112)
REFERENCE_CLASSES = 8
PARITY = 1e-3  # of a probability
PARITY_BATCH = 256
NOISE_CROPS = 512


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one batch size. `face` is milliseconds a face; `ratios` are its time over that
    of each model it is held against."""

    name: str
    size_px: int
    megabytes: float
    face: Spread
    ratios: tuple[Spread, ...]


def reference_name(size_px: int) -> str:
    return f"ResNet-18 at {size_px} px"


def write_reference(size_px: int, path: Path, *, width: int = 64) -> Path:
    """A standard ResNet-18 (7 x 7 stem, max pooling, colour) of random weights, written as
    `training.export` writes a trained one. He et al., "Deep Residual Learning for Image
    Recognition", CVPR 2016."""
    labels = tuple(f"class {number}" for number in range(1, REFERENCE_CLASSES + 1))
    config = RunConfig(
        train=TrainConfig(size_px=size_px, colour="rgb"),
        # The attention network is not exported; reading the pooled feature keeps it small.
        model=ModelConfig(width=width, stem="standard", attention_reads="pooled"),
    )
    net = build(config, len(labels)).eval()
    for module in net.modules():
        if isinstance(module, BasicBlock):  # begins as its shortcut: let it compute something
            torch.nn.init.ones_(module.norm2.weight)
    contract = Contract(
        labels=labels,
        colour="rgb",
        size_px=size_px,
        mean=(PIXEL_MEAN,) * 3,
        std=(PIXEL_STD,) * 3,
        template=FACE_TEMPLATE,
        temperature=1.0,
        method="random weights, for timing alone",
        recipe={},
        training_data=TrainingData("none", "", ()),
        metrics={},
        licence="",
    )
    facts = DataFacts(dataset="none", key="", labels=labels, class_shares=())
    write_onnx(Trained(net, config, facts, 0), contract, path)
    return path


def costs(
    models: Mapping[str, Classifier],
    against: Sequence[str],
    batch: int,
    *,
    rounds: int,
    at_most_s: float,
) -> tuple[list[Row], int]:
    """(a row for each model, rounds taken); `against` names the models that are held against."""
    works = {name: face_work(classifier, batch) for name, classifier in models.items()}
    times: dict[str, Milliseconds] = take_turns(works, rounds, at_most_s=at_most_s)
    rows = [
        Row(
            name=name,
            size_px=classifier.contract.size_px,
            megabytes=classifier.path.stat().st_size / 1e6,
            face=Spread.of(times[name] / batch),
            ratios=tuple(ratio(times[name], times[other]) for other in against),
        )
        for name, classifier in models.items()
    ]
    return rows, len(next(iter(times.values())))


def table(rows: Sequence[Row], against: Sequence[str]) -> str:
    """Markdown: medians, with the middle eight tenths in brackets."""
    head = ["model", "input, px", "MB", "ms a face", *(f"× {name}" for name in against)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [row.name, f"{row.size_px}", f"{row.megabytes:.1f}", row.face.says()]
        cells += [each.says(3 if each.median < 0.1 else 2) for each in row.ratios]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def crops_of(data: Path | None, contract: Contract) -> NDArray[np.uint8]:
    """`(N, S, S, 3)` BGR: validation faces of a prepared file, or noise of many kinds of grain."""
    if data is not None:
        pack = read_pack(data)
        valid = load_examples(
            pack,
            "valid",
            template=contract.template,
            size_px=contract.size_px,
            colour=contract.colour,
            labels_from="majority",
        )
        return uint8_crops(valid, torch.arange(len(valid)))
    random = np.random.default_rng(0)
    side = contract.size_px
    grains = [max(1, side // cells) for cells in (2, 4, 8, side)]
    crops = []
    for number in range(NOISE_CROPS):
        grain = grains[number % len(grains)]
        cells = random.integers(0, 256, (-(-side // grain),) * 2 + (3,), np.uint8)
        crops.append(cells.repeat(grain, 0).repeat(grain, 1)[:side, :side])
    return np.stack(crops)


def difference(a: Classifier, b: Classifier, crops: NDArray[np.uint8]) -> float:
    """The largest of any probability of any of the crops."""
    parts = np.array_split(crops, -(-len(crops) // PARITY_BATCH))
    return max(float(np.abs(a.predict(part) - b.predict(part)).max()) for part in parts)


def names_of(files: Sequence[Path]) -> list[str]:
    """File names, or whole paths where two files share a name. Raises `TrainingError`."""
    short = [path.name for path in files]
    names = short if len(set(short)) == len(short) else [str(path) for path in files]
    if len(set(names)) < len(names):
        raise TrainingError("The same model file was given twice. Give each once.")
    return names


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="python -m training.cost",
        description="Milliseconds a face (uint8 crop to probabilities) of exported models that "
        "take turns on the CPU, as a Markdown table.",
    )
    top.add_argument("models", type=Path, nargs="+", metavar="MODEL", help=".onnx files")
    top.add_argument(
        "--reference",
        action="store_true",
        help="also time a standard ResNet-18 at 224 and at 112 px, of random weights",
    )
    top.add_argument(
        "--batches",
        type=int,
        nargs="+",
        default=list(BATCHES),
        metavar="N",
        help="faces at a time (default: 1 8 64)",
    )
    top.add_argument(
        "--rounds", type=int, default=200, metavar="N", help="turns of each model (default: 200)"
    )
    top.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        metavar="S",
        help="begin no new round after this time, for each batch size (default: 30)",
    )
    top.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        metavar="N",
        help=f"CPU threads of ONNX Runtime (default: {THREADS})",
    )
    top.add_argument(
        "--cuda",
        action="store_true",
        help="run each model on the GPU, too (exit code 1 where a probability differs there by "
        f"more than {PARITY:g})",
    )
    top.add_argument(
        "--data",
        type=Path,
        metavar="FILE.npz",
        help="with --cuda: compare on the validation faces of this prepared file (default: noise)",
    )
    top.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the page there, too")
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if min(options.batches) < 1 or options.rounds < 1 or options.threads < 1:
        raise TrainingError("--batches, --rounds and --threads must be at least 1.")
    named = dict(zip(names_of(options.models), options.models, strict=True))
    against = [next(iter(named))]
    with tempfile.TemporaryDirectory() as folder:
        if options.reference:
            against = [reference_name(size) for size in REFERENCE_SIZES_PX]
            for size in REFERENCE_SIZES_PX:
                path = Path(folder) / f"reference{size}.onnx"
                named[reference_name(size)] = write_reference(size, path)
        classifiers = {
            name: Classifier(path, device="cpu", threads=options.threads)
            for name, path in named.items()
        }
        parts = []
        agree = True
        if options.cuda:
            for name, path in zip(names_of(options.models), options.models, strict=True):
                classifiers[f"{name} on CUDA"] = gpu = Classifier(path, device="cuda")
                crops = crops_of(options.data, gpu.contract)
                apart = difference(classifiers[name], gpu, crops)
                agree = agree and apart <= PARITY
                parts.append(
                    f"{name}: probabilities on CUDA and on the CPU differ by at most {apart:.1e} "
                    f"on {len(crops)} crops.\n"
                )
        for batch in options.batches:
            rows, rounds = costs(
                classifiers, against, batch, rounds=options.rounds, at_most_s=options.seconds
            )
            faces = "Single faces" if batch == 1 else f"Batches of {batch}"
            parts.append(f"{faces}, {rounds} rounds in turn:\n\n{table(rows, against)}\n")
    head = f"Medians, in brackets the middle eight tenths. {machine_line(options.threads)}\n"
    page = "\n".join([head, *parts])
    print(page, end="")
    if options.output is not None:
        write_text(options.output, page)
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(run(main))
