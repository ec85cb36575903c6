// Makes a source as told, reads it as told, ends it when told, and says how long that took and what is left of it; or ends the
// process, or the worker that the source is in, with the source as it is.
// The first argument is where the package is; the second where the source lives. Messages both ways: see stopping.ts.
const { fork } = require('node:child_process');
const cluster = require('node:cluster');
const { readdirSync } = require('node:fs');
/* global AbortController, setImmediate, __filename */
const { stat } = require('node:fs/promises');
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { Registry } = require('prom-client');

const [packagePath, place] = process.argv.slice(2);
const tell = (message) => {
  if (!isMainThread) parentPort.postMessage(message);
  // After its end by itself nobody listens.
  else if (process.connected) process.send(message);
};
const threads = () => readdirSync('/proc/self/task').length;
/** Threads more than `before`, once they had time to go: one that was joined is in the list an instant longer. */
async function addedThreads(before) {
  const latest = performance.now() + 2000;
  while (threads() > before && performance.now() < latest) await sleep(5);
  return threads() - before;
}
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
  const { KvsHlsFrameSource } = require(packagePath);
  const range = startTimestamp && {
    startTimestamp: new Date(startTimestamp),
    endTimestamp: new Date(endTimestamp),
  };
  const source = new KvsHlsFrameSource({ ...options, ...range, logger });
  source.on('reconnect', ({ afterMs }) => tell({ kind: 'reconnect', afterMs }));
  source.on('state', ({ phase }) => tell({ kind: 'phase', phase }));
  return source;
}

/** A source that streams beside the one in question, once its first frame is there; `end()` waits for one more, and stops it. */
async function companionOf(path, options) {
  const { KvsHlsFrameSource } = require(path);
  const source = new KvsHlsFrameSource({ ...options, registry: new Registry() });
  let onFrame;
  const reading = (async () => {
    for await (const frame of source.frames()) onFrame?.(frame);
    throw new Error('The stream of the companion has ended');
  })();
  const another = () => Promise.race([new Promise((resolve) => (onFrame = resolve)), reading]);
  await another();
  return {
    end: async () => {
      await another();
      reading.catch(() => {});
      await source.stop();
    },
  };
}

/** The same in an environment of its own. */
async function companionInWorker(path, options) {
  const worker = new Worker(__filename, { argv: [path, 'companion'], workerData: options });
  const failed = new Promise((_, reject) => worker.on('error', reject));
  await Promise.race([new Promise((resolve) => worker.once('message', resolve)), failed]);
  return {
    end: async () => {
      const gone = new Promise((resolve) => worker.on('exit', resolve));
      worker.postMessage('end');
      await Promise.race([gone, failed]);
    },
  };
}

async function beCompanion() {
  const companion = await companionOf(packagePath, workerData);
  parentPort.once('message', () => void companion.end());
  parentPort.postMessage('streams');
}

/** What streams in this process beside the source. */
const COMPANIONS = {
  copies: ({ copyPath, options }) => [companionOf(copyPath, options)],
  environments: ({ options }) => [0, 1].map(() => companionInWorker(packagePath, options)),
};
let companions = [];
let companionOptions;

/** Loads the package as if for the first time. */
function loadAgain() {
  const { sep } = require('node:path');
  const isOfPackage = (path) => path.startsWith(packagePath + sep) && !path.includes('node_modules');
  for (const path of Object.keys(require.cache)) if (isOfPackage(path)) delete require.cache[path];
}

/** Each with the source as it is, in the turn in which it was asked for. */
const ENDINGS = {
  stop: async (source) => {
    await source.stop();
    for (const companion of companions) await companion.end();
    if (isMainThread) process.disconnect();
    else parentPort.close();
  },
  reload: async (source) => {
    const { KvsHlsFrameSource } = require(packagePath);
    await source.stop();
    loadAgain();
    if (require(packagePath).KvsHlsFrameSource === KvsHlsFrameSource)
      throw new Error('It was not loaded again');
    await (await companionOf(packagePath, companionOptions)).end();
    process.disconnect();
  },
  exit: () => process.exit(7),
  throw: () => {
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  reject: () => void Promise.reject(new Error('on purpose')),
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
  SIGINT: () => process.kill(process.pid, 'SIGINT'),
  handled: (source) => {
    process.once('SIGTERM', () => {
      process.exitCode = 128 + 15;
      void source.stop().then(() => process.disconnect());
    });
    process.kill(process.pid, 'SIGTERM');
  },
  /** Nobody but itself knows the source any more. */
  forget: async () => {
    for (let i = 0; i < 10; i++) {
      global.gc();
      await turn();
    }
    process.exit(7);
  },
  /** For the main thread to terminate this one; where the source is stopping, before its loop turns again. */
  terminate: (_source, isStopping) => {
    tell({ kind: 'terminable' });
    while (isStopping);
  },
};

/** One life of a source, from its making to its end by `stop`, `abort`, `read` (its signal), or `break`; or to an ending. */
async function live(life) {
  companionOptions = life.companion?.options;
  companions = await Promise.all(COMPANIONS[place]?.(life.companion) ?? []);
  const handlesBefore = process.getActiveResourcesInfo();
  const threadsBefore = threads();
  let source = open(life.options);
  const frameHeld = new Promise((resolve) => {
    onEnd = ({ ending, isStopping }) => {
      if (ending === undefined) return resolve();
      clearInterval(watch);
      const left = source;
      source = undefined;
      if (isStopping) void left.stop();
      void ENDINGS[ending](left, isStopping);
    };
  });
  tell({ kind: 'begun' });
  const aborter = new AbortController();
  const { signal } = aborter;
  let reading = Promise.resolve();
  if (life.way === 'read') reading = takeSingly(source, signal);
  else if (life.way !== 'unused') reading = take(source.frames({ signal }), life, frameHeld);
  const read = reading.then(
    () => 'end',
    (error) => error.code ?? error.message,
  );
  void read.then((outcome) => tell({ kind: 'read', outcome }));
  const watch = setInterval(() => tell({ kind: 'engine', engine: source.getMetrics().engine }), 10);
  await frameHeld;
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
  tell({ kind: 'ended', ms, stopMs, outcome, handles, threads: await addedThreads(threadsBefore) });
}

function onMessage(message) {
  if (message.kind === 'end') onEnd(message);
  else if (message.kind === 'exit') process.disconnect();
  else live(message).catch((error) => tell({ kind: 'defect', stack: error.stack }));
}

/** Runs a worker in which all of that happens, and says what is left of it. */
async function host() {
  // Node's own threads are all there once its pool was used and a worker has run.
  await stat('/');
  await new Promise((resolve) => new Worker('', { eval: true }).on('exit', resolve));
  const threadsBefore = threads();
  const worker = new Worker(__filename, { argv: [packagePath] });
  process.on('message', (message) => worker.postMessage(message));
  worker.on('message', (message) => {
    if (message.kind === 'terminable') void worker.terminate();
    else tell(message);
  });
  let error;
  worker.on('error', (thrown) => (error = thrown.message));
  worker.on('exit', async (code) => {
    tell({ kind: 'gone', code, error, threads: await addedThreads(threadsBefore) });
    process.disconnect();
  });
}

const START = {
  forked: () => fork(__filename, [packagePath, 'child']),
  clustered: () => {
    cluster.setupPrimary({ exec: __filename, args: [packagePath, 'child'] });
    return cluster.fork();
  },
};

/** Starts a process in which all of that happens beside a source of this one's, which has to outlive it, and says how it ended. */
function parent(start) {
  const child = start();
  let streaming;
  process.on('message', async (message) => {
    if (message.kind === 'begin') streaming = await companionOf(packagePath, message.companion.options);
    child.send(message);
  });
  child.on('message', tell);
  child.on('exit', async (code, signal) => {
    await streaming?.end();
    tell({ kind: 'gone', code, signal });
    process.disconnect();
  });
}

if (place === 'worker') void host();
else if (place === 'companion') void beCompanion();
else if (Object.hasOwn(START, place ?? '')) parent(START[place]);
else {
  // Who started it was killed.
  if (place === 'child') process.on('disconnect', () => process.exit(1));
  if (isMainThread) process.on('message', onMessage);
  else parentPort.on('message', onMessage);
  tell({ kind: 'ready' });
}
