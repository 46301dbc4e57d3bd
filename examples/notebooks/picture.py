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
# # Read a picture
#
# This notebook finds the faces of one picture and shows what the program says about each of them.
# Give `PICTURE` the path of your own photo. Without one, the notebook reads a frame of the demo
# clip.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import app
from app import UNSURE, Recogniser, Selection, VideoSource

PICTURE = None  # such as "photo.jpg"
DEMO_CLIP = Path(app.__file__).parent / "assets" / "demo.mp4"

# %% [markdown]
# `Recogniser()` loads the networks once. `image` takes the path of a file or an array `(height,
# width, 3)` in OpenCV's order of colours: blue, green, red.

# %%
recogniser = Recogniser()
if PICTURE is None:
    with VideoSource(DEMO_CLIP, selection=Selection(start_s=22.0)) as clip:
        picture = next(iter(clip)).image
else:
    picture = PICTURE
result = recogniser.image(picture)
print(f"{len(result.faces)} faces, read by the {recogniser.provider}")

# %% [markdown]
# ## The picture with its labels
#
# `draw` gives a new array. Matplotlib wants red first, so the last axis is turned round.

# %%
plt.figure(figsize=(8, 6))
plt.imshow(recogniser.draw(result)[..., ::-1])
plt.axis("off")
plt.show()

# %% [markdown]
# ## The probabilities
#
# Each face has one calibrated probability for each expression; together they are 1. The label is
# the most probable expression, or `unsure` if the model is in doubt.

# %%
probabilities = pd.DataFrame(
    [face.probabilities for face in result.faces],
    columns=list(result.labels),
    index=[f"face {face.face_id}: {face.label}" for face in result.faces],
)
probabilities.style.format("{:.1%}").background_gradient(axis=None, cmap="Blues", vmin=0, vmax=1)

# %% [markdown]
# ## When the picture is bad
#
# The same picture in less and less light. Faces are lost, and labels change. Only some of the
# faces become `unsure`: the program may be sure of a wrong label where a person would see
# nothing. So look at `quality`, which has the brightness, size, sharpness and turn of each face,
# and leave out the faces that are too dark for you
# ([limits](../../docs/records.md#how-the-quality-figures-were-weighed)).

# %%
rows = []
for light in (1.0, 0.5, 0.25, 0.12, 0.06, 0.03):
    faces = recogniser.image((result.frame.image * light).astype("uint8")).faces
    rows.append(
        {
            "light": light,
            "faces": len(faces),
            "unsure": sum(face.label == UNSURE for face in faces),
            "mean brightness": sum(face.quality.brightness for face in faces) / max(len(faces), 1),
            "labels": ", ".join(sorted(face.label for face in faces)),
        }
    )
in_less_light = pd.DataFrame(rows)
in_less_light.round(3)

# %%
recogniser.close()
