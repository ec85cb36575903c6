// docs/performance.md from the results. Pure: no figure stands here that was not measured, but the targets.
import { spread } from './statistics.mjs';
import { ratio, targets } from './targets.mjs';

export const number = (value, digits) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value.toFixed(digits ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2));
};

/** "median (min–max)", or just the one there is. */
const range = (figures, digits) => {
  if (figures === null || !Number.isFinite(figures.median)) return '–';
  const { median, min, max } = figures;
  return min === max
    ? number(median, digits)
    : `${number(median, digits)} (${number(min, digits)}–${number(max, digits)})`;
};

export const table = (head, rows) => {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
};

const over = (rounds, key, digits) =>
  rounds.some((one) => one[key] === null || one[key] === undefined)
    ? '–'
    : range(spread(rounds.map((one) => one[key])), digits);

export function machineLines(
  { date, machine, versions, wallSeconds },
  command = 'npm run bench',
  json = 'bench.json',
) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Measured on ${date.slice(0, 10)} by \`${command}\` in ${Math.round(wallSeconds / 60)} minutes: ${machine.cpu}, ` +
      `${machine.cores} cores${machine.isVirtual ? ' of a virtual machine' : ''}, ${machine.memoryGiB} GiB, ${machine.os}. ` +
      `${list.join(', ')}. A timer that does nothing costs Node's main thread ${number(machine.bareWakeMicroseconds, 0)} µs ` +
      `a wake there. This page is written by that command; \`node bench/document.mjs build/${json} docs\` writes it again.`,
  ];
}

const isMissed = ({ limit, measured }) => measured !== null && measured.median > limit;

function targetLines(results) {
  const all = targets(results);
  const rows = all.map(({ what, limit, unit, measured }) => {
    if (measured === null) return [what, `≤ ${limit} ${unit}`, '–', 'not measured'];
    const share = Math.abs(measured.median / limit - 1) * 100;
    const verdict = isMissed({ limit, measured })
      ? `**missed by ${number(share, share < 1 ? 2 : 0)} %**`
      : `met, ${number(share, 0)} % to spare`;
    return [what, `≤ ${limit} ${unit}`, `${range(measured, unit === '×' ? 3 : undefined)} ${unit}`, verdict];
  });
  const missed = all.filter(isMissed);
  return [
    '## Targets',
    'A median decides.',
    table(['What', 'Target', 'Measured', ''], rows),
    ...(missed.length === 0 ? [] : ['Of those that were missed:']),
    missed.map(({ what, why }) => `- ${what}: ${why}.`).join('\n'),
  ];
}

function contenderRow(results, { id, title, rounds }) {
  const isOurs = id === 'reader';
  return [
    isOurs ? `**${title}**` : title,
    over(rounds, 'cpuMs', 2),
    range(ratio(results, id, 'floor'), 3),
    over(rounds, 'picturesPerSecond', 0),
    over(rounds, 'mainThreadMicroseconds', 1),
    over(rounds, 'peakRssMiB', 0),
    over(rounds, 'startupMs', 0),
  ];
}

/** Who costs less than the reader and who costs more, in words. */
function standing(results, rows) {
  const others = rows
    .filter(({ id, group }) => group === 'peers' && id !== 'reader')
    .map(({ id, title }) => ({ title, times: ratio(results, 'reader', id) }))
    .filter(({ times }) => times !== null);
  if (others.length === 0) return [];
  const name = ({ title, times }) => `${title} (×${number(times.median, 2)})`;
  const dearer = others.filter(({ times }) => times.median <= 1).map(name);
  const cheaper = others.filter(({ times }) => times.median > 1).map(name);
  const say = (title, names) => `${title}: ${names.length === 0 ? 'none' : names.join(', ')}.`;
  return [
    `kvs-frames' CPU per frame as a multiple of each one's. ${say('It costs less than', dearer)} ${say(
      '**It costs more than**',
      cheaper,
    )}`,
  ];
}

const count = (rows, word) => {
  const rounds = rows[0]?.rounds.length ?? 0;
  return `${rounds} ${word}${rounds === 1 ? '' : 's'}`;
};

function throughputLines(results) {
  const { scene, rows } = results.throughput;
  const measured = rows.filter(({ rounds }) => rounds.length > 0);
  const skipped = rows.filter(({ skipped }) => skipped !== null);
  const head = [
    '',
    'CPU ms/frame',
    '× floor',
    'frames/s',
    'main thread µs/frame',
    'peak RSS MiB',
    'start-up ms',
  ];
  const own = measured.filter(({ group }) => group !== 'variants');
  return [
    '## A frame of 1080p, side by side',
    '![CPU per frame and age of live frames, side by side](performance.svg)',
    `${scene.width}×${scene.height} at ${scene.fps} frames/s, H.264 High without B-frames, ${number(scene.kbps / 1000, 2)} Mbit/s, ` +
      'fragments of 2 s: a textured picture that pans, things that cross it, sensor noise. All read the same recording of ' +
      `${scene.pictures} pictures as HLS over loopback, to BGR24 (but the one that only decodes); the floor and the bare engine ` +
      `read it from files. The floor is FFmpeg's libraries alone with swscale's fast conversion. ${count(own, 'round')}, all in turn in ` +
      'each; medians, and the range in brackets. CPU is user + system time of the whole process tree, as the kernel counts it, of a ' +
      `run over the whole list less a run over its first ${scene.warmUp} pictures, by the pictures between: start-up and warming up are ` +
      "no part of it. Every one decodes on one thread, but OpenCV, which takes one per core and as Debian ships it can't be told otherwise. Peak RSS is that of the largest process; of the pipe, both processes'. Start-up " +
      'is the wall time of the short run less that of its pictures.',
    table(
      head,
      own.map((row) => contenderRow(results, row)),
    ),
    ...standing(results, own),
    ...(skipped.length === 0
      ? []
      : [`Skipped: ${skipped.map(({ title, skipped }) => `${title} (${skipped})`).join('; ')}.`]),
  ];
}

function variantLines(results) {
  const rows = results.throughput.rows.filter(
    ({ group, id, rounds }) => (group === 'variants' || id === 'reader') && rounds.length > 0,
  );
  return [
    '## The same recording, asked for less or otherwise',
    'CPU by pictures in the recording, delivered or not.',
    table(
      [
        '',
        'frames delivered',
        'CPU ms/picture',
        '× all as BGR24',
        'of it decoding ms',
        'converting ms',
        'all but decoding ms',
      ],
      rows.map(({ id, title, rounds }) => [
        id === 'reader' ? 'all as BGR24' : title,
        String(rounds[0].frames),
        over(rounds, 'cpuMs', 3),
        range(ratio(results, id, 'reader'), 3),
        over(rounds, 'decodeMs', 3),
        over(rounds, 'convertMs', 3),
        range(spread(rounds.map((one) => one.cpuMs - one.decodeMs)), 3),
      ]),
    ),
  ];
}

/** Where one run's CPU went; the floor's figures are the median of its rounds. */
function threadLines({ machine, throughput: { rows, threads } }) {
  const { microseconds, decodeMicroseconds, convertMicroseconds, demuxMicroseconds, wakesPerFrame } = threads;
  const other = microseconds.engine - decodeMicroseconds - convertMicroseconds - demuxMicroseconds;
  const total = Object.values(microseconds).reduce((sum, one) => sum + one, 0);
  const floor = rows.find(({ id }) => id === 'floor')?.rounds ?? [];
  const floorRest = floor.map(({ cpuMs, convertMs }) => ({ convertMs, restMs: cpuMs - convertMs }));
  const us = (value) => number(value, 0);
  const floorUs = (key) =>
    floorRest.length === 0 ? '–' : us(spread(floorRest.map((one) => one[key] * 1000)).median);
  return [
    '## Where it goes',
    `One run of kvs-frames, ${threads.frames} frames after warming up, by its threads.`,
    table(
      ['', 'kvs-frames µs/frame', 'floor µs/frame'],
      [
        ['engine: demux and decode', us(demuxMicroseconds + decodeMicroseconds), floorUs('restMs')],
        ['engine: convert', us(convertMicroseconds), floorUs('convertMs')],
        ['engine: the rest (queues, records, waiting)', us(other), ''],
        ['network thread (HTTP, playlists, checks)', us(microseconds.network), ''],
        ['main thread', us(microseconds.main), ''],
        ["V8's compilers and collectors", us(microseconds.helpers), ''],
        [
          '**all**',
          us(total),
          floorRest.length === 0 ? '–' : us(spread(floor.map((one) => one.cpuMs * 1000)).median),
        ],
      ],
    ),
    `The main thread is woken ${number(wakesPerFrame, 2)} times a frame, and waking up for nothing costs it ` +
      `${number(machine.bareWakeMicroseconds, 0)} µs here: ${number(wakesPerFrame * machine.bareWakeMicroseconds, 0)} µs a frame that ` +
      'no work of its own causes.',
  ];
}

function growthLines({ growth: { scene, rows } }) {
  const half = Math.floor(rows.length / 2);
  const mean = (part, key) => part.reduce((sum, one) => sum + one[key], 0) / part.length;
  const [early, late] = [rows.slice(0, half), rows.slice(-half)];
  const words =
    half === 0
      ? []
      : [
          `The later half costs ${number(mean(late, 'cpuMicroseconds') / mean(early, 'cpuMicroseconds'), 3)} times the earlier one a ` +
            `frame. Resident memory is ${range(spread(early.map(({ rssMiB }) => rssMiB)), 0)} MiB in the earlier half and ` +
            `${range(spread(late.map(({ rssMiB }) => rssMiB)), 0)} MiB in the later one.`,
        ];
  return [
    '## Whether it grows',
    `One reader reads ${rows.at(-1)?.frames ?? 0} frames of ${scene.width}×${scene.height} in one recording.`,
    table(
      ['frames', 'CPU µs/frame', 'RSS MiB', 'of it JavaScript heap and buffers MiB'],
      rows.map((one) => [
        String(one.frames),
        number(one.cpuMicroseconds, 1),
        number(one.rssMiB, 1),
        number(one.heapMiB, 1),
      ]),
    ),
    ...words,
  ];
}

function liveLines({ live: { scene, fragmentMs, firstFrameMs, rows } }) {
  const measured = rows.filter(({ skipped }) => skipped === null);
  const skipped = rows.filter(({ skipped }) => skipped !== null);
  return [
    '## Live',
    `A simulated camera, ${scene.width}×${scene.height} at ${scene.fps} frames/s in fragments of ${fragmentMs / 1000} s, each listed the ` +
      'moment its last picture was taken. The age is that of the picture by the time written into it, at its delivery to JavaScript; ' +
      'the first 4 s after the first frame are left out.',
    table(
      ['', 'frames', 'age p50 ms', 'p95', 'max', 'event-loop delay p50 ms', 'p99', 'max', 'main thread'],
      measured.map(({ id, title, frames, ageMs, eventLoop, mainThreadShare }) => [
        id === 'reader' ? `**${title}**` : title,
        String(frames),
        ...[ageMs.p50, ageMs.p95, ageMs.max].map((ms) => number(ms, 0)),
        ...[eventLoop.p50Ms, eventLoop.p99Ms, eventLoop.maxMs].map((ms) => number(ms, 1)),
        `${number(mainThreadShare * 100, 1)} %`,
      ]),
    ),
    ...(skipped.length === 0
      ? []
      : [`Skipped: ${skipped.map(({ title, skipped }) => `${title} (${skipped})`).join('; ')}.`]),
    `From \`start()\` to the first frame, control calls and playlists included: ${number(firstFrameMs.first, 0)} ms for the first source ` +
      `of a process, which also loads the AWS SDK and starts the network thread; ${range(spread(firstFrameMs.alone), 0)} ms for a later ` +
      `one with no other running, for which that thread is started again; ${range(spread(firstFrameMs.beside), 0)} ms for one beside ` +
      'another.',
  ];
}

function camerasLines({ cameras: { size, rows } }) {
  const rates = ({ framesPerSecond, expected, count }) =>
    `${count} × ${expected}: ${range(spread(framesPerSecond), 2)}`;
  return [
    '## Many cameras on one host',
    `${size.width}×${size.height} cameras of the simulator (in a process of its own, on the same cores), fragments of 2 s that begin spread over ` +
      'time, all read to BGR24 by one process. Frames per second are each camera’s: median, and the slowest and the fastest. Memory per camera is what ' +
      'each one after the first adds to RSS, eight slots of pixels included. Beside the delay of the event loop stands that of the same ' +
      'process before it did anything.',
    table(
      [
        '',
        'frames/s of each',
        'lost ms',
        'age p95 ms',
        'event-loop delay p99 ms',
        '(idle)',
        'CPU cores',
        'main thread',
        'threads',
        'RSS MiB',
        'MiB per camera',
        'all started after ms',
      ],
      rows.map((one) => [
        one.title,
        one.rates.map(rates).join('<br>'),
        number(one.gapMs, 0),
        number(one.ageMs.p95, 0),
        number(one.eventLoop.p99Ms, 2),
        number(one.idleLoop.p99Ms, 2),
        number(one.cores, 2),
        `${number(one.mainThreadShare * 100, 1)} %`,
        String(one.threads),
        number(one.rssMiB, 0),
        number(one.rssPerCameraMiB, 1),
        number(one.allStartedMs, 0),
      ]),
    ),
  ];
}

function observeLines({ observe: { size, fps, cameras, fragmentSeconds, seconds, rows, scrape } }) {
  const [unseen] = rows;
  const ratios = (rounds) => rounds.map(({ cpuMs }, i) => cpuMs / unseen.rounds[i].cpuMs);
  return [
    '## What it costs to be seen',
    `${cameras} cameras of ${size.width}×${size.height} at ${fps} frames/s, fragments of ${fragmentSeconds} s, in one process; who asks is another ` +
      `one. ${count(rows, 'round')} of ${seconds} s each, all in turn in each; medians, and the range in brackets. Who looks gets the events and, ` +
      'of each camera, the pictures that the page asks for. Prometheus scrapes every 15 s or more as a rule, which costs a fifteenth.',
    table(
      ['', 'frames', 'CPU ms/frame', '× nobody asks', 'main thread µs/frame', 'answers/s'],
      rows.map(({ title, rounds }) => [
        title,
        String(rounds.reduce((sum, one) => sum + one.frames, 0)),
        range(spread(rounds.map(({ cpuMs }) => cpuMs)), 2),
        range(spread(ratios(rounds)), 3),
        range(spread(rounds.map((one) => one.mainThreadMicroseconds)), 0),
        range(spread(rounds.map((one) => one.answersPerSecond)), 1),
      ]),
    ),
    `Counting a frame's age takes ${number(scrape.observeNanoseconds, 0)} ns. A scrape of ${scrape.sources} sources, ${scrape.lines} lines, ` +
      `takes ${number(scrape.wallMs, 0)} ms of the main thread, ${number(scrape.cpuMs, 0)} ms of CPU with V8's collectors: ` +
      `${number(scrape.cpuMs / scrape.sources, 2)} ms a source.`,
  ];
}

/** The page as Markdown. Sections that were not measured are left out. */
export function report(results) {
  return [
    '# Performance',
    ...(results.quick ? ['**A quick run: too short to be quoted.**'] : []),
    ...machineLines(results),
    ...targetLines(results),
    ...(results.throughput
      ? [...throughputLines(results), ...threadLines(results), ...variantLines(results)]
      : []),
    ...(results.live ? liveLines(results) : []),
    ...(results.cameras ? camerasLines(results) : []),
    ...(results.observe ? observeLines(results) : []),
    ...(results.growth ? growthLines(results) : []),
    '',
  ].join('\n\n');
}
