"""Averages the weights of runs that began with the same ones.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy
without increasing inference time", ICML 2022. Greedy, as there: from the best run on, each other is
taken in if accuracy on validation does not fall. The norms' statistics are those of the averaged
weights, over training batches (as in Izmailov et al., "Averaging Weights Leads to Wider Optima and
Better Generalization", UAI 2018).
"""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from app.errors import DataError, TrainingError
from training.augment.augment import make_training_batch
from training.base.device import ComputeDevice, normalise_batch
from training.checkpoints.checkpoint import Trained, load_checkpoint, load_trained, save_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.split_pair import load_pair
from training.measures.metrics import Metrics
from training.network.model import DaclNet
from training.run.predict import judge_network
from training.run.schedule import epoch_rows, step_generator

NORM_STEPS = 60  # batches that the norms' statistics are taken from


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A run's recommended network, with its centres `(K, d)`."""

    path: Path
    trained: Trained
    centres: Tensor | None
    digest: str


def read_ingredients(files: Sequence[Path], data_key: str) -> list[Ingredient]:
    """Raises `TrainingError` or `DataError` unless they are networks of one shape and data set."""
    ingredients = []
    for file in files:
        trained = load_trained(file)
        if trained.facts.key != data_key:
            raise DataError(f"The data is not what {file} was trained on; give that file.")
        centres = load_checkpoint(file).get("centres", {}).get("centres")
        ingredients.append(
            Ingredient(
                file, trained, None if centres is None else centres.float(), hash_checkpoint(file)
            )
        )
    first = ingredients[0]
    for other in ingredients[1:]:
        a, b = first.trained.config, other.trained.config
        if (a.model, a.train.size_px, a.train.colour) != (b.model, b.train.size_px, b.train.colour):
            raise TrainingError(
                f"{other.path} is a network of another shape than {first.path}. Only runs that "
                "began with the same weights can be averaged."
            )
    return ingredients


def averaged(nets: Sequence[DaclNet]) -> DaclNet:
    """A new network whose every number is the mean of theirs."""
    mean = copy.deepcopy(nets[0])
    states = [net.state_dict() for net in nets]
    mean.load_state_dict(
        {
            name: torch.stack([state[name].double() for state in states]).mean(0).to(tensor.dtype)
            for name, tensor in states[0].items()
        }
    )
    return mean


@torch.no_grad()
def settle_norms(
    net: DaclNet, examples: Examples, trained: Trained, machine: ComputeDevice
) -> None:
    """Takes the norms' statistics anew from `NORM_STEPS` batches, augmented as in training."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    net.train()
    for step, rows in enumerate(epoch_rows(examples, trained.config.train, 0)[:NORM_STEPS]):
        drawn = step_generator(0, "norms", step, machine.device)
        batch = make_training_batch(
            examples, rows, trained.config.augment, drawn, examples.soft[rows]
        )
        with machine.open_autocast():
            net(normalise_batch(batch.crops))
    net.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


@dataclass(frozen=True, slots=True)
class Soup:
    """`taken`: what it is the mean of, the best first."""

    net: DaclNet
    taken: tuple[Ingredient, ...]
    metrics: Metrics


def stir(
    ingredients: Sequence[Ingredient],
    train: Examples,
    valid: Examples,
    machine: ComputeDevice,
    *,
    greedy: bool = True,
) -> Soup:
    """Prints a line for each step. Not `greedy`: the mean of all."""

    def judged(taken: Sequence[Ingredient]) -> Soup:
        net = averaged([one.trained.net for one in taken])
        if len(taken) > 1:
            settle_norms(net, train, taken[0].trained, machine)
        return Soup(net, tuple(taken), judge_network(net, valid))

    def said(soup: Soup, what: str) -> None:
        m = soup.metrics
        print(
            f"{what}: {100 * m.accuracy:.2f} %, mean class recall {m.mean_class_recall:.3f}, "
            f"negative log-likelihood {m.nll:.3f}",
            flush=True,
        )

    alone = [judged([one]) for one in ingredients]
    for soup in alone:
        said(soup, str(soup.taken[0].path))
    ranked = sorted(alone, key=lambda soup: soup.metrics.accuracy, reverse=True)
    best = ranked[0]
    if not greedy:
        best = judged([soup.taken[0] for soup in ranked])
        said(best, f"mean of {len(ranked)}")
        return best
    for other in ranked[1:]:
        tried = judged([*best.taken, other.taken[0]])
        better = tried.metrics.accuracy >= best.metrics.accuracy
        said(tried, f"with {other.taken[0].path}, {'taken' if better else 'left out'}")
        best = tried if better else best
    return best


def write_soup(soup: Soup, path: Path) -> None:
    """A checkpoint like any other, with the best ingredient's recipe and all ingredients' digests.
    Raises `TrainingError`."""
    first = soup.taken[0].trained
    state = {
        "config": asdict(first.config),
        "facts": asdict(first.facts),
        "step": first.step,
        "recommended": "weights",
        "weights": soup.net.state_dict(),
        "soup": [one.digest for one in soup.taken],
    }
    centres = [one.centres for one in soup.taken if one.centres is not None]
    if len(centres) == len(soup.taken):
        state["centres"] = {"centres": torch.stack(centres).mean(0)}
    save_checkpoint(path, state)


def make_soup(
    pack: Pack, files: Sequence[Path], output: Path, machine: ComputeDevice, *, greedy: bool = True
) -> Soup:
    ingredients = read_ingredients(files, pack.meta.key)
    for one in ingredients:
        one.trained.net.to(machine.device)
    train, valid = load_pair(pack, ingredients[0].trained.config, machine.device)
    soup = stir(ingredients, train, valid, machine, greedy=greedy)
    write_soup(soup, output)
    return soup
