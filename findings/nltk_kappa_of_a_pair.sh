#!/usr/bin/env bash
# NLTK gives two coders who always agree a kappa of 0.47 where other coders had more pictures.
#
# Guess before the run: the kappa of A and B, who rated the same 50 pictures in the same way, is 1, also where C
# and D rated 50 others.
# Source: Cohen (1960, "A coefficient of agreement for nominal scales"), whom NLTK's module names: two judges
# sort the same units, and kappa is 1 if they agree on all of them.
# What happens: the pair's agreement is divided by the number of pictures of all coders, and nothing is said.
# alpha of the same data is 1. So each pair needs an AnnotationTask with its own pictures alone.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nltk==3.10.4
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from nltk.metrics.agreement import AnnotationTask

print("nltk", version("nltk"))
expressions = ["joy", "sadness", "fear", "anger"]
pair = [(coder, picture, expressions[picture % 4]) for picture in range(50) for coder in "AB"]
others = [(coder, picture, expressions[picture % 4]) for picture in range(50, 100) for coder in "CD"]
alone, together = AnnotationTask(pair), AnnotationTask(pair + others)
values = {}
for name, task in (("A and B alone", alone), ("with C and D's pictures", together)):
    values[name] = task.kappa_pairwise("A", "B")
    print(f"{name}: kappa of A and B {values[name]:.3f}, alpha of all {task.alpha():.3f}")
    assert task.alpha() == 1, "this has changed"
assert values["A and B alone"] == 1 and 0.46 < values["with C and D's pictures"] < 0.47, "this has changed"
PYTHON
