"""Holds the state of a training run, and makes one step of it.

Everything random in a step follows from the seed and the step's number (`training.run.schedule`). A
run that was interrupted therefore goes on from its last checkpoint exactly as if it had not been.
"""

import copy
import math
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import Tensor

from app.errors import TrainingError
from training.augment.augment import make_training_batch
from training.base.device import ComputeDevice, normalise_batch
from training.base.processes import ALONE, Ranks, share_norms
from training.checkpoints.checkpoint import build_network
from training.checkpoints.origins import WeightOrigin, read_origins, write_origins
from training.config.run_config import DataFacts, RunConfig
from training.datasets.examples import Examples
from training.measures.metrics import measure_attention
from training.network.loss import (
    SparseCentreLoss,
    compute_attention_entropy,
    compute_attention_pull,
    compute_distillation,
    compute_log_shares,
    compute_soft_cross_entropy,
)
from training.network.model import Output
from training.network.sharpness_aware import climb
from training.run.predict import judge_network, predict
from training.run.schedule import (
    compute_centre_weight,
    compute_learning_rate,
    draw_kept_features,
    make_step_generator,
)
from training.run.teaching import Teaching, TeachingStep

REMEDY = (  # for a run whose numbers have run away
    "Lower --learning-rate or --centre-weight; the last good checkpoint is last.pt in the run's "
    "folder."
)


class BatchShare(NamedTuple):
    """The share of a step's batch that one rank works on."""

    x: Tensor  # (B, C, S, S), normalised
    votes: Tensor  # (B, K)
    taught: Tensor | None  # (B, K), the teachers' probabilities
    labels: Tensor  # (B,)
    labelled: Tensor  # the number of labels of the whole batch over the number of ranks
    kept: Tensor  # (B, d), the factors of dropout


class Trainer:
    """Holds the state of a run, and makes one step of it.

    `sums` gathers the statistics of the current epoch. `origins` are the weights that the network
    began with. With several `ranks`, each calls `step` with
    the same rows and works on its own share of the batch.
    """

    def __init__(
        self,
        config: RunConfig,
        facts: DataFacts,
        machine: ComputeDevice,
        ranks: Ranks = ALONE,
        dtype: torch.dtype = torch.float32,
        teaching: Teaching | None = None,
    ) -> None:
        self.config, self.facts, self.machine, self.ranks = config, facts, machine, ranks
        self.dtype, self.teaching = dtype, teaching
        if teaching is None and config.teach.teachers:
            raise TrainingError("This recipe learns from teachers, which only training.train asks.")
        train = config.train
        torch.manual_seed(train.seed)
        self.net = build_network(config, len(facts.labels)).to(machine.device, dtype)
        self.log_shares = compute_log_shares(facts.class_shares).to(machine.device, dtype)
        with torch.no_grad():
            self.net.classifier.bias.add_(train.logit_adjustment * self.log_shares)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        share_norms(self.net, ranks, machine.device)
        # Weights that no loss reaches are not trained: their gradient would exist on no rank.
        self.net.attention.requires_grad_(train.loss == "dacl")
        self.averaged = copy.deepcopy(self.net).requires_grad_(False)
        self.centre_loss = SparseCentreLoss(len(facts.labels), config.model.feature_dim)
        self.centre_loss.to(machine.device, dtype)
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in parameters if p.ndim > 1 or train.decay_all]},
            {"params": [p for p in parameters if p.ndim <= 1 and not train.decay_all]},
        ]
        groups[1]["weight_decay"] = 0.0
        self.optimizer = torch.optim.SGD(
            [group for group in groups if group["params"]],
            lr=train.learning_rate,
            momentum=train.momentum,
            nesterov=train.nesterov,
            weight_decay=train.weight_decay,
        )
        wrapped = ranks.wrap(self.net, machine.device)
        self.forward = torch.compile(wrapped) if machine.compile else wrapped
        self.step_number = 0
        self.best_accuracy = -1.0
        self.sums: dict[str, float] = {}
        self.origins: tuple[WeightOrigin, ...] = ()

    def step(self, examples: Examples, rows: Tensor, total_steps: int) -> None:
        """Makes one step of training.

        Args:
            examples: The training set.
            rows: The examples of the batch, `(B,)` int64.
            total_steps: The number of steps of the whole run, which the rates depend on.

        Raises:
            TrainingError: The loss is not finite.
        """
        train, ranks = self.config.train, self.ranks
        for group in self.optimizer.param_groups:
            group["lr"] = compute_learning_rate(train, self.step_number, total_steps)
        share = self._make_share(examples, rows)
        weight = compute_centre_weight(train, self.step_number, total_steps)
        self.net.train()
        balanced = self.is_balanced(self.step_number, total_steps)
        if balanced:
            self.net.backbone.eval()  # keeps the statistics of its norms
            self.net.attention.eval()
        loss, output = self._compute_loss(share, weight, balanced)
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(f"The loss is not finite at step {self.step_number}. {REMEDY}")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if train.sam > 0:
            with climb(self.net, train.sam):
                self._compute_loss(share, weight, balanced, log=False)[0].backward()  # type: ignore[no-untyped-call]
        if balanced:
            for part in (self.net.backbone, self.net.attention):
                part.zero_grad(set_to_none=True)
        self.optimizer.step()
        if train.loss != "softmax":
            rate = train.centre_rate * (weight if train.scale_centres else 1.0)
            self.centre_loss.update(
                output.embedding.detach(),
                output.attention.detach(),
                share.labels,
                rate,
                total_over=ranks.sum_over_ranks,
            )
        self._update_average()
        self.step_number += 1
        self._add_to_sums("loss", loss)
        self._add_to_sums("steps", torch.ones(()))

    def is_balanced(self, step: int, total_steps: int) -> bool:
        """Tells whether a step is one of the balanced epochs."""
        epochs = self.config.train.epochs
        return step >= total_steps * (epochs - self.config.train.balanced_epochs) // epochs

    def _make_share(self, examples: Examples, rows: Tensor) -> "BatchShare":
        """Makes this rank's share of the step's batch, with the teachers' targets."""
        device, ranks = self.machine.device, self.ranks

        def make_generator() -> torch.Generator:
            return make_step_generator(self.config.train.seed, "step", self.step_number, device)

        drawn = make_generator()
        votes = examples.soft[rows]
        columns = self.teaching.select_columns(rows) if self.teaching else votes[:, :0]
        beside = torch.cat([votes, columns.to(votes.dtype)], dim=1)  # mixed as the votes are
        batch = make_training_batch(examples, rows, self.config.augment, drawn, beside)
        kept = draw_kept_features(len(rows), self.config.model, drawn)
        crops, soft, labels, kept = map(
            ranks.take_share, (batch.crops, batch.soft, batch.labels, kept)
        )
        votes, columns = soft[:, : votes.shape[1]], soft[:, votes.shape[1] :]
        taught = None
        if self.teaching:
            shown = TeachingStep(
                crops, rows, self.config.augment, make_generator, batch.mixing, ranks.take_share
            )
            taught = self.teaching.make_targets(columns, shown).to(self.dtype)
        return BatchShare(
            x=normalise_batch(crops.to(self.dtype)),
            votes=votes.to(self.dtype),
            taught=taught,
            labels=labels,
            labelled=(batch.labels >= 0).sum().clamp(min=1) / ranks.count,
            kept=kept,
        )

    def _compute_loss(
        self, share: "BatchShare", weight: float, balanced: bool, log: bool = True
    ) -> tuple[Tensor, Output]:
        """Computes the loss of the network as it stands; `weight` is lambda. In a `balanced` step
        the logits go without the log of the class shares, so that the network's own logits stay
        those of faces as they come in the training set."""
        train, teach = self.config.train, self.config.teach
        with self.machine.open_autocast():
            output = self.forward(share.x, train.loss == "dacl", share.kept)
        logits, embedding, attention = (part.to(self.dtype) for part in output)
        learned = logits - self.log_shares if balanced else logits
        softmax_loss = compute_soft_cross_entropy(learned, share.votes)
        if share.taught is not None:
            distilled = compute_distillation(learned, share.taught, teach.teacher_temperature)
            softmax_loss = softmax_loss.lerp(distilled, teach.teacher_weight)
        loss, parts = softmax_loss, {"softmax_loss": softmax_loss}
        if train.loss != "softmax":
            centre_loss = self.centre_loss(embedding, attention, share.labels, share.labelled)
            loss = loss + weight * centre_loss
            parts["centre_loss"] = centre_loss
        if train.loss == "dacl":
            entropy = compute_attention_entropy(attention)
            if train.attention_entropy:
                loss = loss + train.attention_entropy * entropy
            if train.attention_pull:
                pull = compute_attention_pull(attention, train.attention_keep)
                loss = loss + train.attention_pull * pull
        if log:
            for name, value in parts.items():
                self._add_to_sums(name, value)
        return loss, Output(logits, embedding, attention)

    def _add_to_sums(self, name: str, value: Tensor) -> None:
        mean = self.ranks.sum_over_ranks(value.detach().double()) / self.ranks.count
        self.sums[name] = self.sums.get(name, 0.0) + float(mean)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Moves the exponential average of weights and norm statistics towards the network, quickly
        at the start."""
        decay = min(self.config.train.average, (1 + self.step_number) / (10 + self.step_number))
        for mean, now in zip(
            self.averaged.state_dict().values(), self.net.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def take_epoch_line(self, epoch: int) -> dict[str, Any]:
        """Makes the log line of an epoch from the means of the sums, and clears the sums."""
        steps = self.sums.pop("steps")
        line: dict[str, Any] = {"epoch": epoch, "step": self.step_number}
        line |= {name: round(value / steps, 5) for name, value in self.sums.items()}
        self.sums = {}
        return line

    def add_validation(self, line: dict[str, Any], valid: Examples) -> tuple[float, str]:
        """Adds the results on validation to `line`. Returns the better accuracy and the name of the
        weights that gave it, "averaged" or "net". Raises `TrainingError` where either weights give
        numbers that are not finite."""
        trouble = f"The network gives no finite numbers after epoch {line['epoch']}. {REMEDY}"
        plain, averaged = (
            judge_network(net, valid, trouble=trouble) for net in (self.net, self.averaged)
        )
        line |= {
            "valid_accuracy": round(plain.accuracy, 5),
            "valid_mean_class_recall": round(plain.mean_class_recall, 5),
            "valid_accuracy_averaged": round(averaged.accuracy, 5),
            "valid_mean_class_recall_averaged": round(averaged.mean_class_recall, 5),
            "valid_nll_averaged": round(averaged.nll, 5),
        }
        if self.config.train.loss == "dacl":
            _, attention = predict(self.net, valid, with_attention=True)
            statistics = measure_attention(attention.double().cpu().numpy())
            line |= {f"attention_{name}": round(x, 5) for name, x in asdict(statistics).items()}
        return max((averaged.accuracy, "averaged"), (plain.accuracy, "net"), key=lambda p: p[0])

    def state(self, recommended: str) -> dict[str, Any]:
        """Gives everything that a run needs to go on; `recommended` names the weights to use."""
        return {
            "config": asdict(self.config),
            "facts": asdict(self.facts),
            "step": self.step_number,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "centres": self.centre_loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best_accuracy": self.best_accuracy,
            "sums": self.sums,
            "recommended": recommended,
            "origins": write_origins(self.origins),
        }

    def start_from_net(self) -> None:
        """Begins the average with the network's weights, after other weights were loaded into
        it."""
        self.averaged.load_state_dict(self.net.state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the state that `state` gave."""
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.centre_loss.load_state_dict(state["centres"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_number = state["step"]
        self.best_accuracy = state["best_accuracy"]
        self.sums = dict(state["sums"])
        self.origins = read_origins(state)
