"""Averages the weights of runs that began with the same weights.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy
without increasing inference time", ICML 2022. The choice is greedy, as there: beginning with the
best run, each further run joins if accuracy on validation does not fall. The norms' statistics are
measured anew over training batches with the averaged weights (as in Izmailov et al., "Averaging
Weights Leads to Wider Optima and Better Generalization", UAI 2018).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from app.errors import DataError, TrainingError
from training.augment.augment import make_training_batch
from training.base.device import ComputeDevice, normalise_batch
from training.base.wording import join_names
from training.checkpoints.checkpoint import Trained, load_checkpoint, load_trained, save_checkpoint
from training.checkpoints.digest import hash_checkpoint
from training.checkpoints.origins import write_origins
from training.datasets.examples import Examples
from training.datasets.pack import Pack
from training.datasets.split_pair import load_pair
from training.measures.metrics import Metrics
from training.network.model import DaclNet
from training.run.predict import judge_network
from training.run.schedule import draw_epoch_rows, make_step_generator

NORM_BATCHES = 60  # training batches over which the norms' statistics are measured


@dataclass(frozen=True, slots=True)
class Ingredient:
    """The recommended network of a run, its class centres `(K, d)` where it has them, and its
    file's digest. `random_seed` is that of the random weights that it began with, None for other
    weights and where it is not known."""

    path: Path
    trained: Trained
    centres: Tensor | None
    digest: str
    random_seed: int | None = None


def read_ingredients(files: Sequence[Path], data_key: str) -> list[Ingredient]:
    """Reads the checkpoints `files`. Raises `TrainingError` where the networks differ in shape or
    began with other weights, and `DataError` where one of them was trained on other data than
    `data_key`.

    Random weights are the same where the seeds are. Where runs continued two checkpoints of this
    program, nothing tells whether those had the same beginning, and the runs are accepted."""
    ingredients = []
    for file in files:
        trained = load_trained(file)
        if trained.facts.key != data_key:
            raise DataError(f"The data is not what {file} was trained on; give that file.")
        state = load_checkpoint(file)
        centres = state.get("centres", {}).get("centres")
        ingredients.append(
            Ingredient(
                file,
                trained,
                None if centres is None else centres.float(),
                hash_checkpoint(file),
                random_seed=find_random_seed(state),
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
        if _list_foreign(first) != _list_foreign(other):
            raise _make_beginning_error(first, other)
    random = [one for one in ingredients if one.random_seed is not None]
    for other in random[1:]:
        if other.random_seed != random[0].random_seed:
            raise _make_beginning_error(random[0], other)
    return ingredients


def find_random_seed(state: Mapping[str, Any]) -> int | None:
    """Finds the seed of the random weights that the run of a checkpoint's state began with. None
    where it began with other weights, or nothing says: older checkpoints name no origins, and an
    average may be of such.

    >>> run = {"config": {"train": {"seed": 3}}, "origins": []}
    >>> find_random_seed(run), find_random_seed(run | {"soup": ["0a"]})
    (3, None)
    """
    if state.get("origins") != [] or "soup" in state:
        return None
    return int(state["config"]["train"]["seed"])


def _make_beginning_error(first: Ingredient, other: Ingredient) -> TrainingError:
    return TrainingError(
        f"{other.path} began with other weights than {first.path}. Only runs that began with the "
        "same weights can be averaged."
    )


def _list_foreign(ingredient: Ingredient) -> list[str]:
    """Lists the digests of the weights of others that a network began with. A run that continued
    another one has the same, so it can be averaged with that one."""
    return [origin.sha256 for origin in ingredient.trained.origins if not origin.is_own]


def average_networks(nets: Sequence[DaclNet]) -> DaclNet:
    """Averages networks of one shape: every weight of the new network is the mean of theirs.

    >>> from training.network.model import ModelConfig
    >>> config = ModelConfig(width=8)
    >>> nets = [DaclNet(config, channels=1, classes=3, size_px=48) for _ in range(2)]
    >>> mean = average_networks(nets)
    >>> two = sum(net.classifier.bias.detach() for net in nets)
    >>> bool(torch.allclose(2 * mean.classifier.bias, two))
    True
    """
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
def estimate_norm_statistics(
    net: DaclNet, examples: Examples, trained: Trained, machine: ComputeDevice
) -> None:
    """Measures the norms' means and variances anew over the first `NORM_BATCHES` batches of an
    epoch, augmented as in training. Changes `net` in place."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    net.train()
    for step, rows in enumerate(draw_epoch_rows(examples, trained.config.train, 0)[:NORM_BATCHES]):
        drawn = make_step_generator(0, "norms", step, machine.device)
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
    """An average of networks: `ingredients` lists what it is the mean of, the best first."""

    net: DaclNet
    ingredients: tuple[Ingredient, ...]
    metrics: Metrics


def choose_soup(
    ingredients: Sequence[Ingredient],
    train: Examples,
    valid: Examples,
    machine: ComputeDevice,
    *,
    greedy: bool = True,
) -> Soup:
    """Chooses which networks to average, by accuracy on validation, and prints a line for each
    average.

    Args:
        ingredients: The networks.
        train: The faces that the norms' statistics are measured on.
        valid: The faces that decide.
        machine: The device and its precision.
        greedy: False averages all networks.
    """

    def judge_mean(taken: Sequence[Ingredient]) -> Soup:
        net = average_networks([one.trained.net for one in taken])
        if len(taken) > 1:
            estimate_norm_statistics(net, train, taken[0].trained, machine)
        names = join_names(str(one.path) for one in taken)
        trouble = f"The weights of {names} give no finite numbers. Leave them out."
        return Soup(net, tuple(taken), judge_network(net, valid, trouble=trouble))

    def print_figures(soup: Soup, what: str) -> None:
        m = soup.metrics
        print(
            f"{what}: {100 * m.accuracy:.2f} %, mean class recall {m.mean_class_recall:.3f}, "
            f"negative log-likelihood {m.nll:.3f}",
            flush=True,
        )

    alone = [judge_mean([one]) for one in ingredients]
    for soup in alone:
        print_figures(soup, str(soup.ingredients[0].path))
    ranked = sorted(alone, key=lambda soup: soup.metrics.accuracy, reverse=True)
    best = ranked[0]
    if not greedy:
        best = judge_mean([soup.ingredients[0] for soup in ranked])
        print_figures(best, f"mean of {len(ranked)}")
        return best
    for other in ranked[1:]:
        tried = judge_mean([*best.ingredients, other.ingredients[0]])
        better = tried.metrics.accuracy >= best.metrics.accuracy
        print_figures(
            tried, f"with {other.ingredients[0].path}, {'taken' if better else 'left out'}"
        )
        best = tried if better else best
    return best


def write_soup(soup: Soup, path: Path) -> None:
    """Writes a checkpoint with the averaged weights, the best ingredient's recipe and all
    ingredients' digests. Raises `TrainingError`."""
    first = soup.ingredients[0].trained
    state = {
        "config": asdict(first.config),
        "facts": asdict(first.facts),
        "step": first.step,
        "recommended": "weights",
        "weights": soup.net.state_dict(),
        "soup": [one.digest for one in soup.ingredients],
        "origins": write_origins(
            origin for one in soup.ingredients for origin in one.trained.origins
        ),
    }
    centres = [one.centres for one in soup.ingredients if one.centres is not None]
    if len(centres) == len(soup.ingredients):
        state["centres"] = {"centres": torch.stack(centres).mean(0)}
    save_checkpoint(path, state)


def make_soup(
    pack: Pack, files: Sequence[Path], output: Path, machine: ComputeDevice, *, greedy: bool = True
) -> Soup:
    """Reads the checkpoints `files`, averages those that do no harm (all, unless `greedy`), and
    writes the average to `output`. Raises `TrainingError` or `DataError`."""
    ingredients = read_ingredients(files, pack.meta.key)
    for one in ingredients:
        one.trained.net.to(machine.device)
    train, valid = load_pair(pack, ingredients[0].trained.config, machine.device)
    soup = choose_soup(ingredients, train, valid, machine, greedy=greedy)
    write_soup(soup, output)
    return soup
