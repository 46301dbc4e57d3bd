#!/usr/bin/env bash
# pyEDFlib's writer loses annotations of an EDF+ file, and the ends of long ones, and reports success.
#
# Guess before the run: of 100 annotations written into a file of 10 seconds, 100 come back, and a text
# of 60 letters comes back whole; or writeAnnotation reports an error.
# Source: EDF+ (https://www.edfplus.info/specs/edfplus.html, section 2.2.2 and 2.2.4): a time-stamped
# annotations list has no limit of 40 letters, and a data record may hold several of them.
# What happens: writeAnnotation returns 0, the code of success, a hundred times; 10 annotations are in
# the file, one for each second, and the text ends after 40 letters. set_number_of_annotation_signals(10)
# keeps all 100, not the ends of the texts. edfio, which wrote nothing of it, reads the same, so they are
# not in the file. Who exports episodes beside an EEG counts what comes back, or writes with edfio.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyEDFlib==0.1.42 edfio==0.4.18 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import edfio
import numpy as np
import pyedflib

print("pyEDFlib", version("pyEDFlib"), "edfio", version("edfio"))
header = {"label": "x", "dimension": "uV", "sample_frequency": 100, "physical_max": 1, "physical_min": -1}
header |= {"digital_max": 32767, "digital_min": -32768, "transducer": "", "prefilter": ""}
text = "happiness, which the second coder wrote down as a surprise"


def write(path, signals):
    file = pyedflib.EdfWriter(path, 1, file_type=pyedflib.FILETYPE_EDFPLUS)
    file.set_number_of_annotation_signals(signals)
    file.setSignalHeader(0, header)
    codes = {file.writeAnnotation(0.1 * i, 0.1, text if i == 0 else f"n{i}") for i in range(100)}
    file.writeSamples([np.zeros(1000)])
    file.close()
    with pyedflib.EdfReader(path) as read:
        texts = list(read.readAnnotations()[2])
    others = [one.text for one in edfio.read_edf(path).annotations]
    print(f"{signals} annotation signal(s): codes {codes}, {len(texts)} of 100 read, first {texts[0]!r}")
    assert codes == {0} and others == texts, "this has changed"
    return texts


few, all_of_them = write("few.edf", 1), write("all.edf", 10)
assert len(few) == 10 and len(all_of_them) == 100, "this has changed"
assert few[0] == all_of_them[0] == text[:40], "this has changed"

signal = edfio.EdfSignal(np.zeros(1000), sampling_frequency=100, physical_range=(-1, 1))
notes = [edfio.EdfAnnotation(0.1 * i, 0.1, text if i == 0 else f"n{i}") for i in range(100)]
edfio.Edf([signal], annotations=notes).write("edfio.edf")
kept = edfio.read_edf("edfio.edf").annotations
print(f"edfio's own file: {len(kept)} of 100, first {kept[0].text!r}")
assert len(kept) == 100 and kept[0].text == text, "this has changed"
PYTHON
