#!/usr/bin/env bash
# cvannotate makes the first label of every face when it converts Pascal VOC: sadness and fear become joy.
#
# Guess before the run: labels of a VOC file become their numbers in the list of classes.
# Source: README: "Convert VOC XML files to YOLO for frameworks like YOLOv5/v8", by a call like the one below. --help
# calls the option -c "Path to classes file or comma separated list".
# What happens: each face gets class 0, in YOLO and in COCO, whatever its name and the list are. The boxes are right,
# and nothing is said. The labels of p.jpg are written to p.jpg.txt, while trainers look for p.txt. Take the names
# from the XML yourself, or use another program.
#
# Needs python3.11 or later with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --no-deps cvannotate==1.0.0 defusedxml==0.7.1 typer==0.29.2 annotated-doc==0.0.7 pydantic==2.12.5 pydantic_core==2.41.5 annotated-types==0.8.0 typing-inspection==0.4.5 typing_extensions==4.16.0 shellingham==1.5.4 rich==15.0.0 markdown-it-py==4.3.0 mdurl==0.1.2 Pygments==2.21.0
cd "$folder"
printf 'joy\nfear\nsadness\n' > classes.txt
cat > p.xml <<'XML'
<annotation>
  <folder>faces</folder><filename>p.jpg</filename>
  <size><width>640</width><height>480</height><depth>3</depth></size>
  <object><name>sadness</name><pose>Frontal</pose><truncated>0</truncated><difficult>0</difficult>
    <bndbox><xmin>288</xmin><ymin>72</ymin><xmax>352</xmax><ymax>168</ymax></bndbox></object>
  <object><name>fear</name><pose>Frontal</pose><truncated>0</truncated><difficult>0</difficult>
    <bndbox><xmin>64</xmin><ymin>302</ymin><xmax>96</xmax><ymax>326</ymax></bndbox></object>
</annotation>
XML
venv/bin/cvannotate convert -i p.xml --from-format voc -f yolo -w 640 --height 480 -c classes.txt -o yolo
venv/bin/cvannotate convert -i p.xml --from-format voc -f coco -c classes.txt -o coco
venv/bin/python - <<'PYTHON'
import json
import os
from importlib.metadata import version

print("cvannotate", version("cvannotate"))
names = open("classes.txt").read().split()
(file,) = os.listdir("yolo")
rows = [line.split() for line in open(f"yolo/{file}")]
coco = json.load(open("coco/annotations.json"))
yolo = [names[int(row[0])] for row in rows]
of_number = {category["id"]: category["name"] for category in coco["categories"]}
in_coco = [of_number[one["category_id"]] for one in coco["annotations"]]
print(f"VOC: sadness, fear; YOLO, in {file}: {', '.join(yolo)}; COCO: {', '.join(in_coco)}")
assert [row[1:] for row in rows][0] == ["0.500000", "0.250000", "0.100000", "0.200000"]
assert yolo == in_coco == ["joy", "joy"] and file == "p.jpg.txt", "this has changed"
PYTHON
