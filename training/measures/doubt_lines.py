"""Puts the results of `training.measures.doubt` into lines and tables."""

from collections.abc import Sequence

from app.errors import TrainingError
from training.measures.doubt import SURE_COVERAGE, DoubtReport, PriorRow


def format_doubt(report: DoubtReport) -> list[str]:
    """Formats, a line each, the accuracy of the surest faces and that of the labels that the
    demo shows."""
    point = report.selective.find_point(SURE_COVERAGE)
    lines = [
        f"at {100 * point.coverage:.0f} % coverage: accuracy {100 * point.accuracy:.2f} % "
        f"(± {100 * point.standard_error:.2f}), mean class recall {point.mean_class_recall:.3f}; "
        f"area under the risk-coverage curve {report.selective.area:.4f} "
        f"(the errors last: {report.selective.least_area:.4f})"
    ]
    if report.said is not None:
        kept, t = report.said, report.said.thresholds
        lines.append(
            f"unsure below {t.below:.3f} or above {t.above_nats:.3f} nats: "
            f"{100 * kept.share:.1f} % get a label, accuracy of those {100 * kept.accuracy:.2f} % "
            f"(± {100 * kept.standard_error:.2f}), mean class recall {kept.mean_class_recall:.3f}"
        )
    return lines


def format_priors(model: str, report: DoubtReport, missing: Sequence[str]) -> list[str]:
    """Formats a note and the table of prior corrections.

    Args:
        model: Name of the model's file, for the error.
        report: The measured figures.
        missing: Names of the classes without faces.

    Raises:
        TrainingError: The model does not know its training priors.
    """
    if not report.priors:
        raise TrainingError(
            f"{model} does not say how frequent its classes were in training. Export it again, or "
            "leave --priors out."
        )
    same = (
        f"of the classes that have faces here, which {', '.join(missing)} lacks"
        if missing
        else "here the same as class-balanced accuracy, for every class has faces"
    )
    note = (
        f"Probabilities p / share^tau. Mean class recall: {same}. ± is one standard error; tau 0 "
        "is the model as it was trained."
    )
    return [note, *format_prior_table(report.priors)]


def format_prior_table(rows: Sequence[PriorRow]) -> list[str]:
    """Formats prior corrections as the lines of a Markdown table."""
    lines = [
        "| tau | accuracy, % | mean class recall | ECE | ECE, classes alike | NLL | get a label |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.tau:.1f} | {100 * row.accuracy:.2f} ± {100 * row.standard_error:.2f} "
        f"| {row.mean_class_recall:.3f} ± {row.recall_error:.3f} | {row.ece:.3f} "
        f"| {row.balanced_ece:.3f} | {row.nll:.3f} | {100 * row.sure:.1f} % |"
        for row in rows
    ]
    return lines
