#!/usr/bin/env bash
# pyannote.metrics counts changes of expression outside the evaluation map, although the map is accepted.
#
# Guess before the run: where only the first 9 s were coded, what a program found after them does not count.
# Source: the reference: "All metrics support the provision of an evaluation map that indicate which part of the audio
# file should be evaluated". SegmentationPrecision is derived from UEMSupportMixin.
# What happens: SegmentationPrecision, SegmentationRecall, SegmentationPurity and SegmentationCoverage take uem= and
# leave it aside without a word, while DetectionPrecision obeys. Cut both sides with crop() first.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pyannote-metrics==4.2.0 pyannote-core==6.1.0 pyannote-database==6.1.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 sortedcontainers==2.4.0 PyYAML==6.0.4 matplotlib==3.11.2 contourpy==1.3.3 cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1 packaging==26.4 pillow==13.0.0 pyparsing==3.3.3 python-dateutil==4.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.detection import DetectionPrecision
from pyannote.metrics.segmentation import (
    SegmentationCoverage,
    SegmentationPrecision,
    SegmentationPurity,
    SegmentationRecall,
)

print("pyannote-metrics", version("pyannote-metrics"))


def parts(*times):
    face = Annotation()
    for i, pair in enumerate(zip(times[:-1], times[1:])):
        face[Segment(*pair)] = f"expression {i}"
    return face


coded, found = parts(0, 5, 11, 20), parts(0, 5, 13, 15, 20)
seen = Timeline([Segment(0, 9)])
obeyed = {}
for metric in (SegmentationPrecision, SegmentationRecall, SegmentationPurity, SegmentationCoverage):
    whole, mapped = metric()(coded, found), metric()(coded, found, uem=seen)
    cropped = metric()(coded.crop(seen), found.crop(seen))
    print(f"{metric.__name__}: whole {whole:.3f}, with the map {mapped:.3f}, cropped first {cropped:.3f}")
    assert whole < 1 and cropped == 1
    obeyed[metric.__name__] = mapped != whole
late = parts(0, 5)
whole, mapped = DetectionPrecision()(late, found), DetectionPrecision()(late, found, uem=Timeline([Segment(0, 5)]))
print(f"DetectionPrecision of another pair: whole {whole:.3f}, with a map {mapped:.3f}")
assert whole < mapped == 1
assert not any(obeyed.values()), "this has changed"
PYTHON
