// Live: how soon the first frame comes, and how old frames are when they are handed over.
import {
  GetHLSStreamingSessionURLCommand,
  KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { runScript, serve } from './child.mjs';
import { NODE_AV, nodeAvLacks } from './contenders.mjs';
import { stampedClipFile } from './scene.mjs';

// The SDK warns once per process that its later versions need a later Node.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const SCENE = { width: 1920, height: 1080, fps: 30, kbps: 4000, seconds: 20, fragmentSeconds: 2 };

const readers = [
  { id: 'reader', title: 'kvs-frames', reader: 'ours' },
  { id: 'pipe', title: 'ffmpeg pipe → Node, as it is', reader: 'pipe', input: ['-threads', '1'] },
  {
    id: 'pipe-edge',
    title: 'ffmpeg pipe → Node, from the edge',
    reader: 'pipe',
    input: ['-threads', '1', '-live_start_index', '-1', '-fflags', 'nobuffer', '-flags', 'low_delay'],
  },
  { id: 'node-av', title: 'node-av', reader: 'nodeAv', absent: nodeAvLacks },
];

async function sessionUrl({ endpoint, region, credentials }, streamName) {
  const client = new KinesisVideoArchivedMediaClient({ endpoint, region, credentials });
  const { HLSStreamingSessionURL } = await client.send(
    new GetHLSStreamingSessionURLCommand({ StreamName: streamName, PlaybackMode: 'LIVE' }),
  );
  client.destroy();
  return HLSStreamingSessionURL;
}

/** `ingestDelayMs` 0: a fragment is listed as soon as its last picture was taken. */
export async function live({ seconds, starts, say }) {
  const clip = await stampedClipFile(SCENE);
  const fleet = { prefix: 'camera', count: 1, clip, ingestDelayMs: 0 };
  const server = await serve('probes/simulator.mjs', JSON.stringify([fleet]));
  try {
    const { streams, connection, stampEpochMs, clipMs } = JSON.parse(server.line);
    const [streamName] = streams;
    const firstFrameMs = await runScript(
      'probes/first-frame.mjs',
      JSON.stringify(connection),
      streamName,
      String(starts),
    );
    const rows = [];
    for (const { id, title, reader, input, absent } of readers) {
      const row = { id, title, skipped: absent?.() ?? null };
      rows.push(row);
      if (row.skipped !== null) continue;
      say(`live: ${title}`);
      const { width, height } = SCENE;
      const url = await sessionUrl(connection, streamName);
      const job = {
        reader,
        url,
        connection,
        streamName,
        width,
        height,
        seconds,
        stampEpochMs,
        clipMs,
        input,
      };
      try {
        Object.assign(row, await runScript('probes/live.mjs', JSON.stringify({ ...job, nodeAv: NODE_AV })));
      } catch (error) {
        row.skipped = `failed: ${error.message}`;
      }
    }
    return { scene: SCENE, fragmentMs: SCENE.fragmentSeconds * 1000, firstFrameMs, rows };
  } finally {
    await server.end();
  }
}
