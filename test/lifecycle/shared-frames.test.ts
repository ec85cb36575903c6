import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sleep, systemClock } from '../../lib/clock';
import type { Ring } from '../../lib/frames/ring';
import { ROOT, runNode } from '../support/child';
import { isFree, makeRing, publish } from '../support/shared-slot';

const WORKER = JSON.stringify(join(ROOT, 'dist', 'worker.js'));

/** A worker that opens each handle it is sent and then does what is tested. */
function workerThat(afterOpening: string): Worker {
  const script = `
    const { parentPort, Worker } = require('node:worker_threads');
    const { openFrame } = require(${WORKER});
    parentPort.on('message', async (handle) => {
      const frame = openFrame(handle);
      ${afterOpening}
    });
  `;
  return new Worker(script, { eval: true, stderr: true });
}

async function untilFree(ring: Ring, slot: number): Promise<void> {
  while (!isFree(ring, slot)) await sleep(systemClock, 5);
}

describe('a frame that was shared with a worker', () => {
  const workers: Worker[] = [];
  const start = (afterOpening: string): Worker => {
    const worker = workerThat(afterOpening);
    worker.on('error', () => {});
    workers.push(worker);
    return worker;
  };
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });

  it('is read and written there in place, and given back by one release', async () => {
    const ring = makeRing(1);
    const worker = start(
      'frame.data[0] = frame.data[1] + 1; frame.release(); parentPort.postMessage(frame.index);',
    );
    {
      using frame = publish(ring, 0, { index: 12 }, 7);
      worker.postMessage(frame.share());
      expect(await once(worker, 'message')).toEqual([12]);
      expect(frame.data[0]).toBe(8);
      expect(isFree(ring, 0)).toBe(false);
    }
    expect(isFree(ring, 0)).toBe(true);
  });

  it('is given back by the collector if the worker forgets it', async () => {
    const ring = makeRing(1);
    const worker = start(`
      require('node:v8').setFlagsFromString('--expose-gc');
      setInterval(require('node:vm').runInNewContext('gc'), 10);
    `);
    {
      using frame = publish(ring, 0);
      worker.postMessage(frame.share());
    }
    await untilFree(ring, 0);
  });

  const exited = (worker: Worker): Promise<unknown> => new Promise((resolve) => worker.once('exit', resolve));
  const deaths: [string, string, (worker: Worker) => unknown][] = [
    ['is terminated', '', (worker) => worker.terminate()],
    ['is terminated in the middle of its work', 'for (;;);', (worker) => worker.terminate()],
    ['throws', 'setImmediate(() => { throw new Error("crash"); });', exited],
    ['exits', 'setImmediate(() => process.exit());', exited],
  ];
  it.each(deaths)('is taken back when the worker %s', async (_, end, dies) => {
    const ring = makeRing(2);
    const worker = start(`parentPort.postMessage(0); ${end}`);
    for (const slot of [0, 1]) {
      using frame = publish(ring, slot);
      // Of one of them it is known who will open it.
      worker.postMessage(frame.share(slot === 0 ? {} : { worker }));
      if (slot === 0) await once(worker, 'message');
    }
    expect([isFree(ring, 0), isFree(ring, 1)]).toEqual([false, false]);
    await dies(worker);
    await untilFree(ring, 0);
    await untilFree(ring, 1);
  });

  it('is taken back when the worker it was meant for died before it opened it', async () => {
    const ring = makeRing(1);
    const worker = start('');
    await worker.terminate();
    using frame = publish(ring, 0);
    worker.postMessage(frame.share({ worker }));
    frame.release();
    await untilFree(ring, 0);
  });

  it('is taken back when a worker of that worker dies, to which it was handed on', async () => {
    const ring = makeRing(1);
    const inner = `
      const { parentPort } = require('node:worker_threads');
      parentPort.once('message', (handle) => {
        globalThis.frame = require(${WORKER}).openFrame(handle);
        parentPort.postMessage(0);
        process.exit();
      });
      setInterval(() => {}, 1000);
    `;
    const outer = new Worker(
      `const { parentPort, Worker } = require('node:worker_threads');
       parentPort.on('message', (handle) => new Worker(${JSON.stringify(inner)}, { eval: true }).postMessage(handle));`,
      { eval: true },
    );
    workers.push(outer);
    {
      using frame = publish(ring, 0);
      outer.postMessage(frame.share({ worker: outer }));
    }
    await untilFree(ring, 0);
  });

  it('goes to each of many workers, which all read the same and give it back', async () => {
    const ring = makeRing(1);
    const readers = [1, 2, 3].map(() => start('parentPort.postMessage(frame.data[3]); frame.release();'));
    {
      using frame = publish(ring, 0, {}, 33);
      for (const reader of readers) reader.postMessage(frame.share({ worker: reader }));
    }
    const answers = await Promise.all(readers.map((reader) => once(reader, 'message')));
    expect(answers).toEqual([[33], [33], [33]]);
    await untilFree(ring, 0);
  });
});

describe('kvs-frames/worker', () => {
  it('loads nothing but what it is made of: no SDK, no addon, no package', async () => {
    const result = await runNode([
      '-e',
      `require(${WORKER});
       const root = ${JSON.stringify(join(ROOT, 'dist'))};
       console.log(Object.keys(require.cache).map((path) => path.replace(root, '')).sort().join(' '));`,
    ]);
    expect(result).toMatchObject({
      code: 0,
      stdout:
        '/clock.js /config.js /errors.js /frames/layout.js /frames/lease.js /frames/picture.js /frames/ring.js ' +
        '/frames/sharing.js /redact.js /worker.js\n',
    });
  });

  it('keeps no process alive for a handle that nobody opened', async () => {
    const script = `
      const { Ring } = require(${JSON.stringify(join(ROOT, 'dist', 'frames', 'ring.js'))});
      const { sharing } = require(${JSON.stringify(join(ROOT, 'dist', 'frames', 'sharing.js'))});
      const layout = { width: 4, height: 4, format: 'bgr24', dataType: 'uint8' };
      sharing.share(new Ring(1, layout, 48, 1, 'shared').slots[0], { layout, bytes: 48, index: 0 });
      console.log('shared');
    `;
    const startedAt = performance.now();
    expect(await runNode(['-e', script])).toMatchObject({ code: 0, stdout: 'shared\n', stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});
