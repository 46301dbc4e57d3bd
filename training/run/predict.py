"""Runs a network on examples, and measures how right it is."""

import torch
from torch import Tensor

from app.errors import TrainingError
from training.base.device import normalise_batch
from training.datasets.examples import Examples
from training.measures.metrics import Metrics, measure_metrics
from training.network.model import DaclNet

NOT_FINITE = "The network gives no finite numbers for some of the faces."


@torch.no_grad()
def predict(
    net: DaclNet, examples: Examples, batch_size: int = 256, with_attention: bool = False
) -> tuple[Tensor, Tensor]:
    """Runs a network on the unaugmented crops of all examples, in whole grey levels as the app sees
    them.

    Args:
        net: The network; it is put into evaluation mode.
        examples: N faces.
        batch_size: Faces at a time.
        with_attention: False skips the attention network and gives ones.

    Returns:
        (logits `(N, K)`, attention `(N, d)`), on the network's device and in its dtype.

    >>> examples = Examples(
    ...     pictures=torch.full((4, 1, 48, 48), 7, dtype=torch.uint8),
    ...     sizes=torch.full((4, 2), 48, dtype=torch.int32),
    ...     matrices=torch.eye(2, 3).repeat(4, 1, 1),
    ...     soft=torch.eye(4),
    ...     labels=torch.arange(4),
    ...     size_px=48,
    ... )
    >>> from training.network.model import ModelConfig
    >>> net = DaclNet(ModelConfig(width=8), channels=1, classes=3, size_px=48)
    >>> logits, attention = predict(net, examples)
    >>> tuple(logits.shape), attention.shape[0], bool((attention == 1).all())
    ((4, 3), 4, True)
    """
    net.eval()
    rows = torch.arange(len(examples), device=examples.labels.device)
    dtype = net.classifier.weight.dtype
    parts = [
        net(normalise_batch(examples.cut_crops(part).round().to(dtype)), with_attention)
        for part in examples.decode_ahead(torch.split(rows, batch_size))
    ]
    return torch.cat([p.logits for p in parts]), torch.cat([p.attention for p in parts])


def judge_network(net: DaclNet, examples: Examples, *, trouble: str = NOT_FINITE) -> Metrics:
    """Measures accuracy, recall and calibration of a network on all examples.

    Raises:
        TrainingError: A logit is not finite. `argmax` would take it for the first class. The
            message is `trouble`.
    """
    logits, _ = predict(net, examples)
    if not logits.isfinite().all():
        raise TrainingError(trouble)
    return measure_metrics(logits.double().cpu().numpy(), examples.labels.cpu().numpy())
