"""What a network says of examples, and how right it is."""

import torch
from torch import Tensor

from training.base.device import normalise_batch
from training.datasets.examples import Examples
from training.measures.metrics import Metrics, measure_metrics
from training.network.model import DaclNet


@torch.no_grad()
def predict(
    net: DaclNet, examples: Examples, batch_size: int = 256, with_attention: bool = False
) -> tuple[Tensor, Tensor]:
    """`(N, K)` logits and `(N, d)` attention (ones unless asked for) of the unaugmented
    crops, in whole grey levels as the app sees them."""
    net.eval()
    rows = torch.arange(len(examples), device=examples.labels.device)
    dtype = net.classifier.weight.dtype
    parts = [
        net(normalise_batch(examples.crops(part).round().to(dtype)), with_attention)
        for part in examples.ahead(torch.split(rows, batch_size))
    ]
    return torch.cat([p.logits for p in parts]), torch.cat([p.attention for p in parts])


def judge_network(net: DaclNet, examples: Examples) -> Metrics:
    logits, _ = predict(net, examples)
    return measure_metrics(logits.double().cpu().numpy(), examples.labels.cpu().numpy())
