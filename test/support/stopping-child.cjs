// Makes a source as told, reads it as told, ends it when told, and says how long that took and what is left of it.
// The first argument is where the package is. Messages both ways: see stopping.ts.
const { readdirSync } = require('node:fs');
/* global AbortController */
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises');
const { KvsHlsFrameSource } = require(process.argv[2]);

const tell = (message) => process.send(message);
const threads = () => readdirSync('/proc/self/task').length;
/** What is in `now` and was not in `before`. */
const added = (now, before) => {
  const rest = [...before];
  return now.filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
};

const logger = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [level, (line) => tell({ kind: 'log', line })]),
);

/** Ends the life that is under way. */
let onEnd;

/** Takes frames; with `hold` it keeps the first until the end, and then goes on, or breaks off. */
async function take(frames, { hold, way }, ended) {
  let count = 0;
  for await (const frame of frames) {
    tell({ kind: 'frame', count: ++count });
    if (!hold) continue;
    await ended;
    if (way === 'break') break;
    frame.release();
  }
}

async function takeSingly(source, signal) {
  for (let count = 1; (await source.read({ signal })) !== null; count++) tell({ kind: 'frame', count });
}

function open({ startTimestamp, endTimestamp, ...options }) {
  const range = startTimestamp && {
    startTimestamp: new Date(startTimestamp),
    endTimestamp: new Date(endTimestamp),
  };
  const source = new KvsHlsFrameSource({ ...options, ...range, logger });
  source.on('reconnect', ({ afterMs }) => tell({ kind: 'reconnect', afterMs }));
  source.on('state', ({ phase }) => tell({ kind: 'phase', phase }));
  return source;
}

/** One life of a source, from its making to its end by `stop`, `abort`, `read` (its signal), or `break`. */
async function live(life) {
  const handlesBefore = process.getActiveResourcesInfo();
  const threadsBefore = threads();
  const source = open(life.options);
  const ended = new Promise((resolve) => (onEnd = resolve));
  const aborter = new AbortController();
  const { signal } = aborter;
  let reading = Promise.resolve();
  if (life.way === 'read') reading = takeSingly(source, signal);
  else if (life.way !== 'unused') reading = take(source.frames({ signal }), life, ended);
  const read = reading.then(
    () => 'end',
    (error) => error.code ?? error.message,
  );
  void read.then((outcome) => tell({ kind: 'read', outcome }));
  const watch = setInterval(() => tell({ kind: 'engine', engine: source.getMetrics().engine }), 10);
  await ended;
  clearInterval(watch);

  const startedAt = performance.now();
  if (life.way === 'abort' || life.way === 'read') aborter.abort(new Error('aborted'));
  if (life.way === 'stop' || life.way === 'unused') await source.stop();
  const outcome = await read;
  const ms = performance.now() - startedAt;
  // A signal ends read(), not the source.
  const stopStartedAt = performance.now();
  await source.stop();
  const stopMs = performance.now() - stopStartedAt;

  // What was closed is told so in the loop's next turn.
  await turn();
  const handles = added(process.getActiveResourcesInfo(), handlesBefore);
  const latest = performance.now() + 2000;
  while (threads() > threadsBefore && performance.now() < latest) await sleep(5);
  tell({ kind: 'ended', ms, stopMs, outcome, handles, threads: threads() - threadsBefore });
}

process.on('message', (message) => {
  if (message.kind === 'end') onEnd();
  else if (message.kind === 'exit') process.disconnect();
  else live(message).catch((error) => tell({ kind: 'defect', stack: error.stack }));
});
tell({ kind: 'ready' });
