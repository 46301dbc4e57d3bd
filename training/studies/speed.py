"""Times the training loop beside the authors' way of feeding the same network, in turn."""

import io
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from app.wording import format_count
from training.augment.augment import make_training_batch
from training.base.device import PIXEL_MEAN, PIXEL_STD, ComputeDevice, normalise_batch
from training.checkpoints.checkpoint import build_network
from training.config.run_config import RunConfig
from training.datasets.examples import Examples, choose_majority_labels
from training.datasets.pack import Pack
from training.datasets.split_pair import gather_facts, load_pair
from training.network.loss import SparseCentreLoss, compute_soft_cross_entropy
from training.run.schedule import draw_epoch_rows, make_step_generator
from training.run.trainer import Trainer

LOADER_WORKERS = 4  # processes of the authors' loader
ENLARGED_SHARE = 256 / 224  # the authors resize to 256 px and crop 224
WARM_UP_STEPS = 3  # of each loop, before the first round
# Sides of the square matrices whose product shows the peak.
PEAK_MATRIX_SIDES = {"cuda": 8192, "cpu": 1024}


@dataclass(frozen=True, slots=True)
class Timings:
    """Medians over the rounds, in which both loops took turns. `ratio` is our speed over theirs,
    taken within each round. `data_share` is the share of our step's time that making the batch
    takes, `peak_share` the share of the device's measured peak of matrix products that the step
    reaches."""

    device: str
    precision: str
    batch_size: int
    size_px: int
    ours_images_s: float
    theirs_images_s: float
    ratio: float
    ratios: tuple[float, ...]
    data_share: float
    step_tflop: float
    reached_tflop_s: float
    peak_tflop_s: float
    peak_share: float


def wait_for_device(device: torch.device) -> None:
    """Waits until a CUDA device has finished its work; returns at once on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_work(work: Callable[[], object], device: torch.device) -> float:
    """Times a piece of work in seconds, including what the device still has to finish."""
    wait_for_device(device)
    began_s = time.perf_counter()
    work()
    wait_for_device(device)
    return time.perf_counter() - began_s


class PictureByPicture(Dataset[tuple[Tensor, int]]):
    """A data set that makes one picture at a time from its file's bytes, as a loader worker does in
    the authors' code. Gives (`(C, S, S)` float32, normalised; the label)."""

    def __init__(self, pack: Pack, size_px: int, colour: str) -> None:
        labels = choose_majority_labels(pack.votes, len(pack.meta.labels), pack.meta.protocol)
        rows = np.intersect1d(pack.find_rows("train"), np.flatnonzero(labels >= 0))
        self._files = [pack.blob[pack.offsets[r] : pack.offsets[r + 1]].tobytes() for r in rows]
        self._labels = labels[rows]
        self._size_px, self._mode = size_px, "L" if colour == "grey" else "RGB"

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        size = self._size_px
        side = round(ENLARGED_SHARE * size)
        with Image.open(io.BytesIO(self._files[index])) as file:
            picture = file.convert(self._mode).resize((side, side), Image.Resampling.BILINEAR)
        x, y, turn = torch.randint(0, side - size + 1, (3,)).tolist()
        picture = picture.crop((x, y, x + size, y + size))
        if turn % 2:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        planes = np.atleast_3d(np.asarray(picture, np.float32)).transpose(2, 0, 1)
        tensor = torch.from_numpy(np.ascontiguousarray((planes / 255 - PIXEL_MEAN) / PIXEL_STD))
        return tensor, int(self._labels[index])


class TheirLoop:
    """The authors' step on our network: loader workers, fp32, plain memory layout."""

    def __init__(self, pack: Pack, config: RunConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        classes = len(pack.meta.labels)
        torch.manual_seed(0)
        self._net = build_network(config, classes).to(device).train()
        self._centres = SparseCentreLoss(classes, config.model.feature_dim).to(device)
        self._optimizer = torch.optim.SGD(
            self._net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This DataLoader will create")  # on few cores
            self._loader = DataLoader(
                PictureByPicture(pack, config.train.size_px, config.train.colour),
                batch_size=config.train.batch_size,
                shuffle=True,
                num_workers=LOADER_WORKERS,
                drop_last=True,
                pin_memory=device.type == "cuda",
                persistent_workers=True,
            )
        self._batches = self._repeat_epochs()

    def _repeat_epochs(self) -> Iterator[Any]:
        while True:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "This DataLoader will create")
                epoch = iter(self._loader)
            yield from epoch

    def run(self, steps: int) -> None:
        """Makes a number of steps."""
        for _ in range(steps):
            crops, labels = (part.to(self._device) for part in next(self._batches))
            output = self._net(crops)
            targets = torch.nn.functional.one_hot(labels, output.logits.shape[1]).float()
            loss = compute_soft_cross_entropy(output.logits, targets)
            loss = loss + 0.01 * self._centres(output.embedding, output.attention, labels)
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            self._centres.update(output.embedding.detach(), output.attention.detach(), labels, 0.5)


class OurLoop:
    """Our step, as `training.train` makes it."""

    def __init__(self, pack: Pack, config: RunConfig, machine: ComputeDevice) -> None:
        self.examples: Examples
        self.examples, _ = load_pair(pack, config, machine.device)
        self.trainer = Trainer(config, gather_facts(pack, self.examples), machine)
        self._config = config
        self._batches = self._repeat_epochs()

    def _repeat_epochs(self) -> Iterator[Tensor]:
        epoch = 0
        while True:
            yield from draw_epoch_rows(self.examples, self._config.train, epoch)
            epoch += 1

    def run(self, steps: int) -> None:
        """Makes a number of steps."""
        for _ in range(steps):
            self.trainer.step(self.examples, next(self._batches), 10**6)

    def make_batches(self, steps: int) -> None:
        """Makes a number of batches without the network: alignment, augmentation, normalisation."""
        for number in range(steps):
            device = self.examples.labels.device
            generator = make_step_generator(0, "benchmark", number, device)
            batch = make_training_batch(
                self.examples, next(self._batches), self._config.augment, generator
            )
            normalise_batch(batch.crops)


def count_step_flop(config: RunConfig, classes: int) -> float:
    """Counts the floating-point operations of the products and convolutions of a training step."""
    net = build_network(config, classes).train()
    channels = 1 if config.train.colour == "grey" else 3
    batch, size = 4, config.train.size_px
    with FlopCounterMode(display=False) as counter:
        output = net(torch.zeros(batch, channels, size, size))
        (output.logits.sum() + output.attention.sum()).backward()
    return float(counter.get_total_flops()) / batch * config.train.batch_size


def measure_peak_flop_s(machine: ComputeDevice) -> float:
    """Measures the device's peak in floating-point operations a second: the best of 20 square
    matrix products in the step's precision."""
    dtype = torch.bfloat16 if machine.autocast else torch.float32
    side = PEAK_MATRIX_SIDES[machine.device.type]
    a = torch.randn(side, side, device=machine.device).to(dtype)
    best = min(time_work(lambda: a @ a, machine.device) for _ in range(20))
    return 2 * side**3 / best


def measure_training(
    pack: Pack, config: RunConfig, machine: ComputeDevice, steps: int, rounds: int
) -> Timings:
    """Times both loops in turn: `steps` a turn, `rounds` turns each."""
    ours, theirs = OurLoop(pack, config, machine), TheirLoop(pack, config, machine.device)
    ours.run(WARM_UP_STEPS)
    theirs.run(WARM_UP_STEPS)
    ours_s, theirs_s, data_s = [], [], []
    for _ in range(rounds):
        ours_s.append(time_work(lambda: ours.run(steps), machine.device) / steps)
        data_s.append(time_work(lambda: ours.make_batches(steps), machine.device) / steps)
        theirs_s.append(time_work(lambda: theirs.run(steps), machine.device) / steps)
    batch = config.train.batch_size
    flop = count_step_flop(config, len(pack.meta.labels))
    ours_median, peak = statistics.median(ours_s), measure_peak_flop_s(machine)
    ratios = tuple(their / own for own, their in zip(ours_s, theirs_s, strict=True))
    name = (
        torch.cuda.get_device_name(machine.device)
        if machine.device.type == "cuda"
        else f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    )
    return Timings(
        device=name,
        precision="bf16" if machine.autocast else "fp32",
        batch_size=batch,
        size_px=config.train.size_px,
        ours_images_s=batch / ours_median,
        theirs_images_s=batch / statistics.median(theirs_s),
        ratio=statistics.median(ratios),
        ratios=ratios,
        data_share=statistics.median(d / o for d, o in zip(data_s, ours_s, strict=True)),
        step_tflop=flop / 1e12,
        reached_tflop_s=flop / ours_median / 1e12,
        peak_tflop_s=peak / 1e12,
        peak_share=flop / ours_median / peak,
    )


def describe_timings(t: Timings, faces: int, epochs: int) -> str:
    """Describes the timings in lines for a terminal, with the time of a whole training on `faces`
    faces."""
    minutes = faces * epochs / t.ours_images_s / 60
    return "\n".join(
        [
            f"{t.device}, {t.size_px} px, batch {t.batch_size}, {len(t.ratios)} rounds in turn",
            f"  ours ({t.precision})          {t.ours_images_s:10.0f} images/s",
            f"  picture by picture   {t.theirs_images_s:10.0f} images/s ({LOADER_WORKERS} workers, "
            "fp32)",
            f"  ratio                {t.ratio:10.2f} (from {min(t.ratios):.2f} to "
            f"{max(t.ratios):.2f})",
            f"  making the batch     {100 * t.data_share:10.1f} % of our step",
            f"  matrix products      {t.reached_tflop_s:10.3f} TFLOP/s, {100 * t.peak_share:.0f} % "
            f"of the {t.peak_tflop_s:.3f} measured here",
            f"  a whole training     {minutes:10.1f} minutes ({format_count(epochs, 'epoch')} of "
            f"{faces} faces, without validation)",
        ]
    )
