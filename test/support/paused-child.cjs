// Reads a stream, and answers each 'look' with how it goes. Arguments: where the package is, and the options of the source as JSON.
/* global gc */
const { KvsHlsFrameSource } = require(process.argv[2]);

const source = new KvsHlsFrameSource(JSON.parse(process.argv[3]));
const news = { frames: 0, gaps: [], reconnects: [], sessions: 0, ends: 'reading' };
source.on('gap', (gap) => news.gaps.push(gap));
source.on('reconnect', ({ error }) => news.reconnects.push(error.code));
source.on('session', () => (news.sessions += 1));

(async () => {
  for await (const frame of source) {
    news.frames += 1;
    news.newestMs = frame.timestampMs;
  }
})().then(
  () => (news.ends = 'ended'),
  (error) => (news.ends = error.message),
);

process.on('message', (message) => {
  if (message === 'look') {
    gc();
    const { gapMs, readErrors, mediaMs } = source.getMetrics();
    const { heapUsed, rss } = process.memoryUsage();
    const health = source.health().status;
    process.send({ ...news, gapMs, readErrors, mediaMs, heapUsed, rss, health });
  } else {
    void source.stop().then(() => process.disconnect());
  }
});
process.send('ready');
