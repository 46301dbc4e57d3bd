# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train a model on your own pictures
#
# `training.retrain` makes a model from folders of pictures with one command. This notebook draws
# its own pictures, so that it needs no data set: cartoon faces that smile or frown, by four
# people who draw differently. It takes seconds, and the model is good for nothing else. With
# photos of your own it is the same command. The extra `training` has to be installed.

# %%
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from app.defaults import find_model
from app.recognition.classifier import Classifier

folder = Path(tempfile.mkdtemp())
random = np.random.default_rng(0)

# %% [markdown]
# ## The pictures
#
# The folder of a picture is its label, the folder below that is the person:
# `mine/smile/ann/0.png`. All pictures of one person stay on one side of the split, because
# otherwise the model could recognise the person in place of the expression.


# %%
def draw_face(label, *, width, light):
    """Draws a cartoon face before a random background, uint8 BGR of 64 × 64 px."""
    ground = cv2.resize(random.uniform(30, 220, (6, 6)), (64, 64), interpolation=cv2.INTER_CUBIC)
    face = cv2.cvtColor(np.clip(ground, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    x, y = (32 + random.normal(0, 3, 2)).astype(int)
    radius = int(random.uniform(20, 27))
    cv2.circle(face, (x, y), radius, (light,) * 3, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(face, (x + side * radius * 2 // 5, y - 8), 3, (20,) * 3, -1, cv2.LINE_AA)
    bend = int(random.uniform(6, 11))
    middle, angles = ((x, y + 6), (20, 160)) if label == "smile" else ((x, y + 16), (200, 340))
    cv2.ellipse(face, middle, (radius // 2, bend), 0, *angles, (20,) * 3, width, cv2.LINE_AA)
    return np.clip(face + random.normal(0, 5, face.shape), 0, 255).astype(np.uint8)


PEOPLE = {"ann": (2, 220), "bob": (3, 190), "cyd": (4, 240), "dan": (3, 160)}
for label in ("smile", "frown"):
    for person, (width, light) in PEOPLE.items():
        place = folder / "mine" / label / person
        place.mkdir(parents=True)
        for number in range(6):
            cv2.imwrite(str(place / f"{number}.png"), draw_face(label, width=width, light=light))

figure, axes = plt.subplots(2, 4, figsize=(7, 3.6))
for row, label in zip(axes, ("smile", "frown"), strict=True):
    for axis, person in zip(row, PEOPLE, strict=True):
        axis.imshow(cv2.imread(str(folder / "mine" / label / person / "0.png"))[..., ::-1])
        axis.set_title(f"{label}, {person}", fontsize="small")
        axis.axis("off")
plt.show()

# %% [markdown]
# ## The command
#
# In a terminal: `python -m training.retrain mine -o smiley.onnx`. `--from` names the model to
# begin with (here the smaller of the shipped ones, which is faster). Without `--epochs`, the
# command chooses their number by the number of pictures.

# %%
words = ["retrain", "mine", "-o", "smiley.onnx", "--from", find_model("small"), "--epochs", 2]
done = subprocess.run(
    [sys.executable, "-m", "training", *map(str, words), "--device", "cpu"],
    cwd=folder,
    capture_output=True,
    text=True,
)
print(done.stdout[-2500:])
if done.returncode > 1:  # 1: some pictures were left out, which the lines say
    raise RuntimeError(done.stderr[-2000:])

# %% [markdown]
# `smiley.onnx` is the model, `smiley.pt` is for further training, and
# `runs/retrain-smiley/report.html` shows counts, curves, confusion, calibration and the worst
# mistakes. The same folder has a table of what became of each picture:

# %%
pictures = pd.read_csv(folder / "runs" / "retrain-smiley" / "pictures.csv")
pictures.groupby(["split", "group", "label"]).size().rename("pictures").to_frame()

# %% [markdown]
# ## New pictures by somebody new
#
# `python run_demo.py --model smiley.onnx` would look for real faces, and finds none in cartoons.
# The classifier alone takes crops, uint8 `(N, S, S, 3)`.

# %%
classifier = Classifier(folder / "smiley.onnx", device="cpu")
side = classifier.contract.size_px
truth = ["smile", "frown"] * 20
drawn = [cv2.resize(draw_face(label, width=3, light=185), (side, side)) for label in truth]
probabilities = classifier.predict(np.stack(drawn))
read = [classifier.labels[number] for number in probabilities.argmax(axis=1)]
right = float(np.mean([a == b for a, b in zip(read, truth, strict=True)]))
print(f"{right:.0%} of {len(truth)} new pictures are read right")
pd.crosstab(pd.Series(truth, name="drawn"), pd.Series(read, name="read"))

# %%
shutil.rmtree(folder)
