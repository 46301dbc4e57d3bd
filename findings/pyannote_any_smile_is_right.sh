#!/usr/bin/env bash
# pyannote.metrics gives smiles that were found at wrong times a precision and recall of 1.
#
# Guess before the run: where the only smile, at 10-12 s, is said to be at 50-90 s, precision and recall are 0.
# Source: the reference says of SegmentationPrecision and SegmentationRecall: "Precision and recall are standard
# metrics based on the number of correctly detected speaker boundaries", with a parameter for the tolerance.
# What happens: of each episode only the end is a boundary, and not that of the last one. Begins count nowhere. A
# single smile has no boundary at all, so any other one is right; of two smiles only the end of the first is compared.
# That suits speech whose segments touch. For expressions with pauses between them, give the pauses a label too.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps pyannote-metrics==4.2.0 pyannote-core==6.1.0 pyannote-database==6.1.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 sortedcontainers==2.4.0 PyYAML==6.0.4 matplotlib==3.11.2 contourpy==1.3.3 cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1 packaging==26.4 pillow==13.0.0 pyparsing==3.3.3 python-dateutil==4.0.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from pyannote.core import Annotation, Segment
from pyannote.metrics.segmentation import SegmentationPrecision, SegmentationRecall

print("pyannote-metrics", version("pyannote-metrics"))


def smiles(*times, pauses=False):
    face = Annotation()
    for begin, end in times:
        face[Segment(begin, end)] = "smile"
    if pauses:
        for gap in face.get_timeline().gaps(support=Segment(0, 100)):
            face[gap] = "none"
    return face


def scores(coded, found, **options):
    pair = smiles(*coded, **options), smiles(*found, **options)
    return tuple(metric(tolerance=0.1)(*pair) for metric in (SegmentationPrecision, SegmentationRecall))


cases = {
    "the only smile elsewhere": ([(10, 12)], [(50, 90)]),
    "two smiles, three of four times wrong": ([(10, 12), (30, 31)], [(2, 12), (20, 60)]),
}
for name, case in cases.items():
    alone, filled = scores(*case), scores(*case, pauses=True)
    print(f"{name}: precision and recall {alone}, with a label for the pauses {filled}")
    assert max(filled) < 0.3
    assert alone == (1, 1), "this has changed"
PYTHON
