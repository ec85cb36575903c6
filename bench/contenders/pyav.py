"""pyav.py URL: PyAV reads a playlist and makes BGR arrays."""

import json
import sys

import av

container = av.open(sys.argv[1])
track = container.streams.video[0]
track.thread_type = "NONE"
track.codec_context.thread_count = 1
frames = 0
total = 0
for frame in container.decode(track):
    image = frame.to_ndarray(format="bgr24")
    total += int(image[0, 0, 0])
    frames += 1
print(json.dumps({"frames": frames, "sum": total}))
