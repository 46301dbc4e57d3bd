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
# # Agreement with a human
#
# How far does the program agree with a person who coded the same video by hand? This notebook
# takes a coding of the demo clip, compares it with the program's records, and shows where the two
# differ. A coding is a table, or a file of ELAN, BORIS, The Observer, Praat or another program
# ([Agreement](../../docs/agreement.md) has them all).

# %%
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import app
from app import Recogniser, RecordsSink, Selection, VideoSource

DEMO_CLIP = Path(app.__file__).parent / "assets" / "demo.mp4"
folder = tempfile.TemporaryDirectory()
human, records, figures = (
    Path(folder.name, name) for name in ("human.csv", "clip.csv", "agreement.json")
)

# %% [markdown]
# ## What the human says
#
# The clip shows photographs of Charles Darwin's "The Expression of the Emotions in Man and
# Animals" (1872), and Darwin is the human: his book says what each of them shows. The table has
# his words in today's labels, for the first 17 seconds, in which three people come one after the
# other. An empty label means "not coded": the old man's false smile has no label among ours.

# %%
END_S = 17.0
coding = pd.DataFrame(
    [
        ("old man", 0.0, 1.7, "neutral"),  # "in his usual passive condition"
        ("old man", 1.7, 3.7, "happiness"),  # "naturally smiling"
        ("old man", 3.7, 6.6, ""),  # a smile made by electricity
        ("young man", 6.0, 8.0, "neutral"),  # "in his natural state"
        ("young man", 8.0, 10.6, "sadness"),  # "grief"
        ("Rejlander", 10.2, 12.3, "disgust"),
        ("Rejlander", 12.3, 14.2, "anger"),  # "indignation"
        ("Rejlander", 14.2, END_S, "surprise"),  # "astonishment"
    ],
    columns=["person", "onset_s", "offset_s", "label"],
)
coding.to_csv(human, index=False)
coding

# %% [markdown]
# ## What the program says
#
# The program knows nobody's name. It numbers people as they come. So the number of a person is
# the one that is seen most while the person is coded.

# %%
first_part = Selection(end_s=END_S)
with Recogniser() as recogniser, VideoSource(DEMO_CLIP, selection=first_part) as video:
    for _ in recogniser.stream(video, sinks=[RecordsSink(records, recogniser.labels)]):
        pass
table = pd.read_csv(records, dtype={"face_id": "Int64"}).dropna(subset="face_id")
numbers = {}
for person, spans in coding.groupby("person", sort=False):
    seen = table[table.time_s.between(spans.onset_s.min(), spans.offset_s.max())]
    numbers[person] = int(seen.face_id.mode()[0])
numbers

# %% [markdown]
# ## The comparison
#
# `--pair` says who is who, as in `python -m app.agreement human.csv clip.csv --pair "old man=1"
# --pair "young man=2"`.

# %%
pairs = [word for person, number in numbers.items() for word in ("--pair", f"{person}={number}")]
done = subprocess.run(
    [
        *(sys.executable, "-m", "app.agreement", human.name, records.name),
        *("--json", figures.name, *pairs),
    ],
    cwd=folder.name,
    capture_output=True,
    text=True,
)
print(done.stdout)
print(done.stderr)
if done.returncode > 1:  # 1: a warning, such as that somebody is in no pair
    raise RuntimeError("the comparison was not possible")

# %% [markdown]
# Read every figure together with coverage: a program that says `unsure` whenever a face is
# difficult agrees well on the rest. Seven spans of three people are far too few for a judgement,
# and old photographs are not what the program is made for. They only show how such a comparison
# is made.

# %%
agreement = json.loads(figures.read_text())["by_frame"]
{name: round(agreement[name], 2) for name in ("coverage", "accuracy", "kappa")}

# %% [markdown]
# ## Where they differ

# %%
COLOURS = {
    "neutral": "tab:gray",
    "happiness": "gold",
    "surprise": "tab:orange",
    "sadness": "tab:blue",
    "anger": "tab:red",
    "disgust": "tab:green",
    "fear": "tab:purple",
    "contempt": "tab:brown",
    "unsure": "white",
}
figure, axis = plt.subplots(figsize=(9, 2.2))
for row in coding[coding.label != ""].itertuples():
    axis.barh("Darwin", row.offset_s - row.onset_s, left=row.onset_s, color=COLOURS[row.label])
for _, rows in table[table.face_id.isin(numbers.values())].groupby("face_id"):
    change = (rows.label != rows.label.shift()).cumsum()
    for _, run in rows.groupby(change):
        start, label = run.time_s.iloc[0], run.label.iloc[0]
        axis.barh(
            "program",
            run.time_s.iloc[-1] - start + 0.04,
            left=start,
            color=COLOURS[label],
            edgecolor="black",
            linewidth=0.3,
        )
axis.invert_yaxis()
axis.set_xlabel("seconds")
axis.legend(
    handles=[
        plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="black", label=label)
        for label, colour in COLOURS.items()
    ],
    ncols=5,
    loc="upper center",
    bbox_to_anchor=(0.5, -0.4),
    frameon=False,
)
plt.show()

# %%
folder.cleanup()
