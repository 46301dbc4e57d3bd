#!/usr/bin/env bash
# One cv2.FontFace used by several threads draws wrong letters, silently.
#
# Guess before the run: a font that is only read, as putText reads its `fface`, may serve all threads;
# every thread has a picture of its own, and cv2 lets threads draw into different pictures at once.
# Source: the documentation of putText with a FontFace (cv2.putText.__doc__ of OpenCV 5.0.0): `fface`
# is "the font to use for the text", beside the size and weight that each call passes; nothing says
# that a call changes the font.
# What happens: a call sets the size and weight in the font object and lets go of Python's lock, so
# that another thread's text comes out in them: some of 320 pictures differ from those drawn one after
# the other, in size, weight or letters. No error is raised. With a font object for each text, made
# from the same name, all are the same.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

TEXTS, THREADS, ROUNDS = 320, 8, 20


def picture(number, font):
    canvas = np.zeros((60, 600, 3), np.uint8)
    size, weight = (12, 20, 28, 35)[number % 4], (400, 500, 600, 700)[number % 3]
    text = f"surprise {number} 100 %"
    cv2.putText(canvas, text, (5, 40), (255, 255, 255), font, size, weight)
    return canvas


def differing(font_of):
    with ThreadPoolExecutor(THREADS) as pool:
        drawn = list(pool.map(lambda number: picture(number, font_of()), range(TEXTS)))
    return sum(not (one == other).all() for one, other in zip(drawn, alone))


print(f"OpenCV {cv2.__version__}, {cv2.getNumberOfCPUs()} processors")
one_font = cv2.FontFace("sans")
alone = [picture(number, one_font) for number in range(TEXTS)]
shared = [differing(lambda: one_font) for _ in range(ROUNDS)]
own = [differing(lambda: cv2.FontFace("sans")) for _ in range(ROUNDS)]
print(f"one font for {THREADS} threads: {shared} of {TEXTS} pictures differ, a round each")
print(f"a font for each text: {own}")
assert any(shared), "one font now serves several threads"
assert not any(own), "fonts of their own do not help any more"
PYTHON
