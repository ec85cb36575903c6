import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A clip as the engine takes it: an init section and whole fragments. */
export interface FragmentedClip {
  init: Buffer;
  fragments: Buffer[];
}

/** What the ffmpeg command should encode. */
export interface ClipRequest {
  width: number;
  height: number;
  seconds: number;
  /** Pictures the encoder may put between two others; 0: none is reordered. */
  bFrames: number;
}

/** Encodes a test picture at 25 frames a second with one fragment, of one second, per key frame. */
export function makeClip(request: ClipRequest): FragmentedClip {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-clip-'));
  try {
    const file = join(folder, 'clip.mp4');
    const source = `testsrc2=size=${request.width}x${request.height}:rate=25:duration=${request.seconds}`;
    const x264 = `keyint=25:min-keyint=25:scenecut=0:bframes=${request.bFrames}:b-adapt=0`;
    execFileSync('ffmpeg', [
      ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', source],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-x264-params', x264],
      ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof', file],
    ]);
    return splitFragments(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Cuts a fragmented MP4 before each `moof`; what comes before the first is the init section. */
export function splitFragments(file: Buffer): FragmentedClip {
  const starts: number[] = [];
  let end = file.length;
  for (let at = 0; at + 8 <= file.length; at += file.readUInt32BE(at)) {
    const type = file.toString('latin1', at + 4, at + 8);
    if (type === 'moof') starts.push(at);
    if (type === 'mfra') end = at;
  }
  return {
    init: file.subarray(0, starts[0]),
    fragments: starts.map((start, i) => file.subarray(start, starts[i + 1] ?? end)),
  };
}
