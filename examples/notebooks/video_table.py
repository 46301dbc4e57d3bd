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
# # A video as a table
#
# This notebook reads a video into records, opens them with pandas, and draws who showed which
# expression when. Give `VIDEO` the path of your own film. The notebook writes into a temporary
# folder, which is removed at its end.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

import app
from app import EpisodesSink, Recogniser, RecordsSink, VideoSource

VIDEO = Path(app.__file__).parent / "assets" / "demo.mp4"
folder = tempfile.TemporaryDirectory()
records, episodes = Path(folder.name, "talk.csv"), Path(folder.name, "talk.episodes.csv")

# %% [markdown]
# ## Read it
#
# A sink is an output. `stream` gives each frame's result to the sinks and completes their files
# at the end. The same files come from `python run_demo.py --video talk.mp4 --no-window --records
# talk.csv --episodes talk.episodes.csv`.

# %%
with Recogniser() as recogniser, VideoSource(VIDEO) as video:
    sinks = [RecordsSink(records, recogniser.labels), EpisodesSink(episodes)]
    frames = sum(1 for _ in recogniser.stream(video, sinks=sinks))
    labels = list(recogniser.labels)
print(f"{frames} frames")

# %% [markdown]
# ## One row per face and frame
#
# A frame without a face has one row without a `face_id`, so the table accounts for every frame.

# %%
table = pd.read_csv(records, dtype={"face_id": "Int64"})
table[["frame", "time_s", "face_id", "label", "reason", "happiness", "size_px"]].iloc[::90].round(3)

# %%
by_frame = table.groupby("frame").face_id.count()
print(f"{(by_frame > 0).mean():.0%} of the frames show a face")
shares = table.dropna(subset="face_id").groupby("face_id").label.value_counts(normalize=True)
shares.rename("share of the person's rows").to_frame().style.format("{:.1%}")

# %% [markdown]
# ## Probabilities over time
#
# The probabilities are averaged over half a second (`--smoothing`); the columns `raw_…` have
# those of single frames.

# %%
people = table.dropna(subset="face_id").groupby("face_id")
figure, axes = plt.subplots(
    len(people), sharex=True, squeeze=False, figsize=(9, 1 + 1.5 * len(people))
)
for axis, (number, rows) in zip(axes[:, 0], people, strict=True):
    # Gaps in which the person is not seen stay empty.
    rows = rows.set_index("frame").reindex(range(rows.frame.min(), rows.frame.max() + 1))
    seconds = rows.time_s.interpolate()
    for label in labels:
        if rows[label].max() > 0.2:
            axis.plot(seconds, rows[label], label=label)
    axis.set(ylim=(0, 1), ylabel=f"face {number}")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")
axes[-1, 0].set_xlabel("seconds")
figure.tight_layout()
plt.show()

# %% [markdown]
# ## Episodes
#
# An episode is one expression of one person, from its onset over its apex to its offset. The
# thresholds are in [Records](../../docs/records.md#episodes).

# %%
found = pd.read_csv(episodes)
found["seconds"] = found.offset_s - found.onset_s
found[["face_id", "label", "onset_s", "apex_s", "offset_s", "seconds", "peak"]].round(2)

# %%
folder.cleanup()
