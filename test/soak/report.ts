import { cpus, release, totalmem } from 'node:os';
import type { SoakCameraName } from './cameras';
import type { FigureCourse } from './figures';
import type { CameraResult } from './judge';
import type { SoakResult } from './soak';

const FIGURES: Readonly<Record<FigureCourse['name'], string>> = {
  rssMiB: 'Resident memory, MiB',
  heapMiB: 'JavaScript heap after a collection, MiB',
  externalMiB: 'External memory, MiB',
  threads: 'Threads of the operating system',
  sockets: 'Sockets',
  descriptors: 'File descriptors',
  resources: 'Active handles and requests',
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const rule = row(head.map((_, i) => (i === 0 ? '---' : '---:')));
  return ['<!-- prettier-ignore -->', row(head), rule, ...rows.map(row)].join('\n');
}

/** A run as a person reads it, in Markdown. */
export function reportOf(result: SoakResult): string {
  const { seed, minutes, startedAt, violations, violationCount, cameras, figures, before, after } = result;
  const { delays, counts } = result;
  const all = Object.entries(cameras) as [SoakCameraName, CameraResult][];
  const sum = (of: (camera: CameraResult) => number): number =>
    all.reduce((total, [, camera]) => total + of(camera), 0);
  const verdict =
    violationCount === 0
      ? '**Nothing was wrong.**'
      : `**${violationCount} things were wrong**, of which the first:\n\n${violations.map((text) => `- ${text.split('\n')[0]}`).join('\n')}`;
  return `${minutes} min from ${startedAt.slice(0, 16).replace('T', ' ')} UTC, seed \`${seed}\`; ${machine()}.

${verdict}

${all.length} cameras sent ${sum(({ sent }) => sent)} pictures and had ${sum(({ faults }) => faults)} faults; ${sum(({ readings }) => readings)} sources read
${sum(({ sums }) => sums.frames)} frames of them in ${sum(({ renewals }) => renewals)} renewed sessions and ${sum(({ reconnects }) => reconnects)} reconnections.

${table(
  [
    'Camera',
    'Sources (gave up)',
    'Faults',
    'Sent while read',
    'Frames',
    'Missing',
    'of that in the ledger',
    'Camera silent',
    'Ledger − missing − silent',
    'Dropped',
    'Longest wait while well',
  ],
  all.map(([name, camera]) => cameraCells(name, camera)),
)}

*Missing* pictures were sent and not seen; for \`latest\` and \`max-age\` they were dropped for being late, which their sources count. *In the ledger* and
*camera silent* are what frames told to be missing right before them (\`gapMs\`), and what of it the camera never sent. The column behind is what is
left over: fractions of pictures, or what was told and was not missing: hours where a list had wrong dates for a moment, the seconds by which a camera's clock was set ahead where no time was known. Missing pictures of which no date could tell,
because a clock was set or a list undated in the same moment: ${sum(({ sums }) => sums.undatedMissing)}. Pictures too damaged to be told apart:
${sum(({ sums }) => sums.unreadable)}. Frames that came late into a hole that was told: ${sum(({ sums }) => sums.late)}.

${table(
  [
    'The program that reads',
    'At the start',
    'Median',
    'Most',
    'At the end',
    'Slope, by the hour',
    'Rise in the run (allowed)',
    'Before all',
    'After all',
  ],
  figures.map(({ name, course, allowedRise }) => [
    FIGURES[name],
    ...[course.first, course.median, course.most, course.last, course.risePerHour].map((value) =>
      value.toFixed(1),
    ),
    `${course.rise.toFixed(1)} (${allowedRise})`,
    before[name].toFixed(1),
    after[name].toFixed(1),
  ]),
)}

Event loop of that program late by ${delays.p50.toFixed(0)} ms in the middle, ${delays.p99.toFixed(0)} ms at most in 99 % of looks, ${delays.p999.toFixed(0)} ms in 99.9 %, ${delays.max.toFixed(0)} ms at
worst (the timer's own 10 ms included, and a forced collection every two seconds).

What was done: ${Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')}.`;
}

function cameraCells(name: string, camera: CameraResult): (string | number)[] {
  const { readings, gaveUp, faults, sums, longestWaitMs } = camera;
  const failures = Object.values(gaveUp).reduce((total, count) => total + count, 0);
  const isDropping = sums.droppedMs > 0;
  const restMs = sums.toldMs - sums.missingMs - sums.silentMs;
  return [
    `\`${name}\``,
    `${readings} (${failures})`,
    faults,
    sums.sent,
    sums.frames,
    sums.missing,
    isDropping ? '' : seconds(sums.toldMs - sums.silentMs),
    seconds(sums.silentMs),
    isDropping ? '' : seconds(restMs),
    isDropping ? seconds(sums.droppedMs) : '',
    seconds(longestWaitMs),
  ];
}

function machine(): string {
  const processors = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `Node ${process.versions.node}, Linux ${release().split('.', 2).join('.')}, ${processors.length} × ${processors[0]?.model.trim() ?? 'processor'}, ${memory}`;
}
