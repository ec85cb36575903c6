// probes/visitor.mjs scrape|look URL: asks a server for what Prometheus asks every second, or for what the page asks for while
// somebody looks at all its cameras. Prints a line when it has begun, ends with its parent's word, and prints what it got.
import { setTimeout as sleep } from 'node:timers/promises';
import { fetch } from 'undici';

const [kind, url] = process.argv.slice(2);
/** As in lib/monitor/page/pictures.js, of few cameras. */
const PICTURE_EVERY_MS = 400;
const PICTURE_WAIT_MS = 250;
const SCRAPE_EVERY_MS = 1000;

const startedAt = performance.now();
let answers = 0;
let isOver = false;
/** Ends the reading of events. */
let leave = () => {};

async function every(ms, ask) {
  for (let due = performance.now(); !isOver;) {
    await ask();
    due = Math.max(due + ms, performance.now());
    await sleep(due - performance.now());
  }
}

async function scrape() {
  const answer = await fetch(`${url}/metrics`);
  if ((await answer.text()).includes('kvs_hls_frames_total')) answers += 1;
}

async function readEvents() {
  const { body } = await fetch(`${url}/events`);
  const reader = body.getReader();
  leave = () => void reader.cancel();
  while (!(await reader.read()).done);
}

async function look() {
  const cameras = await (await fetch(`${url}/cameras`)).json();
  const events = readEvents();
  const pictures = cameras.map(({ cameraId }) => {
    let after = 0;
    return every(PICTURE_EVERY_MS, async () => {
      const path = `picture.jpg?camera=${encodeURIComponent(cameraId)}`;
      const answer = await fetch(`${url}/${path}&after=${after}&waitMs=${PICTURE_WAIT_MS}`);
      const { byteLength } = await answer.arrayBuffer();
      if (answer.status === 200) after = Number(answer.headers.get('x-serial'));
      if (byteLength > 0) answers += 1;
    });
  });
  await Promise.all([...pictures, events]);
}

process.stdin.on('end', () => {
  isOver = true;
  leave();
});
process.stdin.resume();
console.log('begun');
await (kind === 'scrape' ? every(SCRAPE_EVERY_MS, scrape) : look());
console.log(JSON.stringify({ answers, visitSeconds: (performance.now() - startedAt) / 1000 }));
process.exit();
