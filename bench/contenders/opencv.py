"""opencv.py URL: OpenCV's VideoCapture reads a playlist; its frames are BGR.

It decodes on a thread per core: Debian's version has no setting for that.
"""

import json
import sys

import cv2

capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
frames = 0
total = 0
image = None
while True:
    good, image = capture.read(image)
    if not good:
        break
    total += int(image[0, 0, 0])
    frames += 1
print(json.dumps({"frames": frames, "sum": total}))
