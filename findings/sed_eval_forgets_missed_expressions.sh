#!/usr/bin/env bash
# sed_eval gives a finder that never finds fear a class-wise average F-score of 1.
#
# Guess before the run: with joy always found and fear never, the average of the classes is (1 + 0) / 2.
# Source: Mesaros, Heittola and Virtanen (2016, "Metrics for polyphonic sound event detection"), which sed_eval
# implements: F is the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). Where nothing is found, TP = FP =
# 0 and FN > 0, so F is 0. The class-based average is the mean of the classes' F.
# What happens: the precision of a class that is never reported is 0 / 0, so its F is NaN, and the average
# leaves NaN out. One wrong report of fear makes its F 0 and the average 0.5. So to say nothing at all is rated better
# than a try. The overall F-score counts the missed ones.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "setuptools==80.9.0"
"$folder/venv/bin/pip" install --quiet --no-deps sed_eval==0.2.1 dcase_util==0.2.20 numpy==1.26.4 scipy==1.12.0 librosa==0.11.0 lazy-loader==0.6 soundfile==0.14.0 cffi==2.1.1 validators==0.36.0 pyyaml==6.0.4 future==1.0.0 six==1.17.0 typing_extensions==4.16.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from dcase_util.containers import MetaDataContainer
from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

print("sed_eval", version("sed_eval"))


def events(rows):
    return MetaDataContainer(
        [dict(filename="clip", event_label=label, onset=onset, offset=onset + 1) for label, onset in rows]
    )


coded = [("joy", 0), ("fear", 5), ("joy", 10), ("fear", 20)]
found = {
    "fear never reported": [("joy", 0), ("joy", 10)],
    "fear reported once, in the wrong place": [("joy", 0), ("joy", 10), ("fear", 30)],
}
for kind in (EventBasedMetrics, SegmentBasedMetrics):
    averages = []
    for name, rows in found.items():
        metrics = kind(event_label_list=["joy", "fear"])
        metrics.evaluate(events(coded), events(rows))
        classes = {label: one["f_measure"]["f_measure"] for label, one in metrics.results_class_wise_metrics().items()}
        averages.append(metrics.results_class_wise_average_metrics()["f_measure"]["f_measure"])
        overall = metrics.results_overall_metrics()["f_measure"]["f_measure"]
        print(f"{kind.__name__}, {name}: F of the classes {classes}, average {averages[-1]:.2f}, overall {overall:.2f}")
    assert averages == [1, 0.5], "this has changed"
PYTHON
