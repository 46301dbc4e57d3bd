"""Reads a split's faces in all ways that an exported model's decision rule is compared by."""

from pathlib import Path

from app.recognition.classifier import Classifier
from training.datasets.pack import Pack
from training.datasets.readers import NO_LABEL, Split
from training.judge.predictions import (
    compute_file_logits,
    compute_shown_logits,
    load_judged_examples,
)
from training.measures.doubt import Thresholds
from training.measures.rule_gains import RuleReport, measure_rule


def judge_rule(pack: Pack, model: Path, split: Split, device: str = "cpu") -> RuleReport:
    """Measures what a file's decision rule and mirror images change on a split, by the majority
    protocol.

    Args:
        pack: The data, whose labels the model has, in any order.
        model: An exported model (.onnx).
        split: The split to judge on.
        device: "cpu" or "cuda".
    """
    classifier = Classifier(model, device="cpu" if device == "cpu" else "cuda")
    contract = classifier.contract
    examples, majority = load_judged_examples(
        pack, split, contract.template, contract.size_px, contract.colour
    )
    kept = majority != NO_LABEL
    order = [contract.labels.index(label) for label in pack.meta.labels]
    shares = contract.training_data.class_shares
    below, above_nats = contract.unsure_below, contract.unsure_above_nats
    return measure_rule(
        compute_shown_logits(classifier, examples)[kept][:, order],
        compute_file_logits(classifier, examples)[kept][:, order],
        majority[kept],
        tau=contract.prior_correction,
        find_temperature=contract.find_temperature,
        shares=[shares[place] for place in order] if shares else (),
        thresholds=None if below is None or above_nats is None else Thresholds(below, above_nats),
    )
