#!/usr/bin/env bash
# sleap-io reads the landmarks of its own CSV in alphabetical order, so the third one is no longer the nose.
#
# Guess before the run: what save_csv writes, load_csv reads with the landmarks in the same places.
# Source: the docstring of save_csv: it saves the points of Labels, save_metadata "enables full round-trip
# reconstruction" of the rest, and load_csv restores with it "skeleton edges, symmetries, and provenance". The columns
# of the format "instances" are in the order of the landmarks.
# What happens: load_csv sorts the names. numpy()[..., 2, :] of the read file is a corner of the mouth, 33 px away from
# the nose, and codings compared by place differ by 19 px on average. In the format "frames" the names of
# the people, inst0 and inst1, become landmarks besides. Only "points", or save_metadata=True, keeps the order.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps sleap-io==0.9.5 attrs==26.1.0 h5py==3.16.0 imageio==2.38.1 imageio-ffmpeg==0.8.1 lazy-loader==0.6 numpy==2.4.6 packaging==26.4 pandas==3.1.1 pillow==13.0.0 python-dateutil==4.0.0 simplejson==4.3.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import sleap_io as sio

print("sleap-io", version("sleap-io"))
names = ["eye_left", "eye_right", "nose", "mouth_left", "mouth_right"]
skeleton = sio.Skeleton(nodes=list(names))
people = [sio.Track("Anna"), sio.Track("Ben")]
video = sio.Video(filename="clip.mp4", open_backend=False)
points = np.array([[100.0, 100], [140, 100], [120, 130], [105, 160], [135, 160]])
labels = sio.Labels(
    [
        sio.LabeledFrame(
            video=video,
            frame_idx=frame,
            instances=[
                sio.PredictedInstance.from_numpy(points + 200 * i, skeleton=skeleton, track=person, score=0.9)
                for i, person in enumerate(people)
            ],
        )
        for frame in range(3)
    ]
)


def read(form, metadata):
    path = f"{form}{metadata}.csv"
    sio.save_csv(labels, path, format=form, save_metadata=metadata)
    back = sio.load_csv(path)
    return back.skeleton.node_names, back.numpy()[0, 0]


found = {form: read(form, False) for form in ("sleap", "instances", "frames", "points")}
for form, (order, places) in found.items():
    apart = np.linalg.norm(places - points, axis=1).mean() if len(places) == 5 else float("nan")
    print(f"{form}: third {places[2].tolist()}, {apart:.0f} px apart on average, {order}")
with_metadata = read("instances", True)
print(f"instances with save_metadata=True: third {with_metadata[1][2].tolist()}")
assert found["points"][0] == with_metadata[0] == names and (with_metadata[1] == points).all()
assert found["sleap"][0] == found["instances"][0] == sorted(names), "this has changed"
assert found["instances"][1][2].tolist() == [105, 160], "this has changed"
assert set(found["frames"][0]) == {*names, "inst0", "inst1"}, "this has changed"
PYTHON
