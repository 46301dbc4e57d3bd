#!/usr/bin/env bash
# pygltflib loses the expression that a glTF file gives to one avatar: the node's weights are gone after load and save.
#
# Guess before the run: the weights of meshes and nodes come back as they were.
# Source: the glTF 2.0 specification, "Morph Targets": mesh.weights are used where a node has no weights of its own, so
# two nodes can show one face with two expressions. pygltflib's README: "It supports the entire specification".
# What happens: the class Node has no field for weights, so a smile of 0.8 becomes the 0.1 of the mesh, in .gltf and
# .glb alike. The mesh's weights, the names of the targets and animations come back. Nothing is said.
# Keep node weights aside, or set those of the mesh.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps pygltflib==1.16.5 dataclasses-json==0.6.7 marshmallow==3.26.1 packaging==26.4 typing-inspect==0.9.0 mypy_extensions==1.1.0 typing_extensions==4.16.0 Deprecated==1.3.1 wrapt==1.17.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import base64
import json
import struct
from importlib.metadata import version

from pygltflib import GLTF2

print("pygltflib", version("pygltflib"))
corners = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
data = corners + struct.pack("<9f", 0, 0, 1, 0, 0, 1, 0, 0, 1)
points = {"componentType": 5126, "count": 3, "type": "VEC3"}
face = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0, 1]}],
    "nodes": [{"mesh": 0, "name": "Anna", "weights": [0.8]}, {"mesh": 0, "name": "Ben"}],
    "meshes": [
        {
            "primitives": [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 1}]}],
            "weights": [0.1],
            "extras": {"targetNames": ["mouthSmile"]},
        }
    ],
    "accessors": [
        {"bufferView": 0, "min": [0, 0, 0], "max": [1, 1, 0], **points},
        {"bufferView": 1, "min": [0, 0, 1], "max": [0, 0, 1], **points},
    ],
    "bufferViews": [
        {"buffer": 0, "byteOffset": 0, "byteLength": 36},
        {"buffer": 0, "byteOffset": 36, "byteLength": 36},
    ],
    "buffers": [
        {"byteLength": 72, "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode()}
    ],
}
with open("face.gltf", "w") as file:
    json.dump(face, file)
GLTF2().load("face.gltf").save("again.gltf")
GLTF2().load("face.gltf").save_binary("again.glb")
GLTF2().load("again.glb").save("from_glb.gltf")
for name in ("face.gltf", "again.gltf", "from_glb.gltf"):
    with open(name) as file:
        saved = json.load(file)
    mesh = saved["meshes"][0]
    shown = [node.get("weights", mesh["weights"]) for node in saved["nodes"]]
    print(f"{name}: Anna smiles {shown[0]}, Ben {shown[1]}, targets {mesh['extras']['targetNames']}")
    assert mesh["weights"] == [0.1] and mesh["extras"]["targetNames"] == ["mouthSmile"]
    assert shown == ([[0.8], [0.1]] if name == "face.gltf" else [[0.1], [0.1]]), "this has changed"
PYTHON
