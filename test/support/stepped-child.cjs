// Reads a stream with three sources while the host's clock is set forth and back under it, and says how that went. Arguments: where
// the package is, the file that libfaketime reads, the stream, and the offsets to go through, seconds as JSON.
const { writeFileSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { Registry } = require('prom-client');

const [packagePath, offsetFile, streamName, offsets] = process.argv.slice(2);
const { KvsHlsFrameSource } = require(packagePath);

/** So long each time is shown. */
const STEP_MS = 3_000;

const registry = new Registry();
/** What a reader of the camera `cameraId` met. */
function reader(cameraId, options) {
  const source = new KvsHlsFrameSource({
    streamName,
    cameraId,
    registry,
    hlsSessionSeconds: 300,
    // A renewal every three seconds, so that each of the times has one.
    urlRefreshMarginSeconds: 297,
    reconnectDelaySeconds: 0.1,
    maxReconnectDelaySeconds: 1,
    ...options,
  });
  const seen = { cameraId, frames: [], breaks: 0, gaps: [], reconnects: 0, negative: [] };
  let frames = 0;
  source.on('gap', (gap) => seen.gaps.push(gap));
  source.on('reconnect', () => (seen.reconnects += 1));
  const reading = (async () => {
    for await (const frame of source) {
      frames += 1;
      if (frame.gapMs > 0) seen.breaks += 1;
      if (frame.gapMs < 0 || frame.durationMs < 0) seen.negative.push(`frame ${frame.index}`);
    }
  })();
  const look = () => {
    const { lastFrameAgoMs, next } = source.health();
    if (lastFrameAgoMs !== null && lastFrameAgoMs < 0) seen.negative.push(`lastFrameAgoMs ${lastFrameAgoMs}`);
    if (next !== null && next.atMs < Date.now() - 1000) seen.negative.push(`next ${JSON.stringify(next)}`);
  };
  return {
    look,
    step() {
      seen.frames.push(frames);
      frames = 0;
    },
    async stop() {
      const { renewals, mediaMs, gapMs, readErrors } = source.getMetrics();
      await source.stop();
      await reading;
      return { ...seen, renewals, mediaMs, gapMs, readErrors };
    },
  };
}

async function negativeMetrics() {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => /^kvs_hls\S* -/.test(line));
}

(async () => {
  const readers = [
    reader('every', {}),
    reader('latest', { delivery: 'latest' }),
    reader('young', { delivery: { maxAgeMs: 60_000 } }),
  ];
  const negative = [];
  for (const offset of JSON.parse(offsets)) {
    writeFileSync(offsetFile, `${offset < 0 ? '' : '+'}${offset}\n`);
    for (let ms = 0; ms < STEP_MS; ms += 200) {
      await sleep(200);
      for (const one of readers) one.look();
    }
    negative.push(...(await negativeMetrics()));
    for (const one of readers) one.step();
  }
  const told = [];
  for (const one of readers) told.push(await one.stop());
  console.log(JSON.stringify({ negative, readers: told }));
})();
