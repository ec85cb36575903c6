// docs/load.md from the results. Pure.
import { machineLines, number, table } from './report.mjs';

const percent = (share) => `${number(share * 100, 0)} %`;
const coresOf = ({ cores }) => Object.values(cores).reduce((sum, one) => sum + one, 0);

/** A thread that runs so much of the time has no more to give; nor have all cores together. */
const FULL = 0.9;

/** What has nothing left where there were too many cameras, in words. */
function givesFirst(trial, machineCores) {
  const used = coresOf(trial) + trial.simulatorCores;
  const full = [
    ...(trial.cores.main >= FULL ? ['the main thread'] : []),
    ...(trial.cores.network >= FULL ? ['the network thread'] : []),
    ...(used >= FULL * machineCores
      ? [`the cores, ${percent(trial.cores.engine / used)} of them decoding and converting`]
      : []),
  ];
  return full.join(' and ') || 'nothing is full';
}

function row({ title, most, least, trials }, machineCores) {
  const best = trials.find(({ count }) => count === most);
  const worse = trials.find(({ count }) => count === least);
  const gives = worse === undefined ? 'not reached' : givesFirst(worse, machineCores);
  if (best === undefined) return [title, `< ${least}`, ...Array(9).fill('–'), gives];
  return [
    title,
    `**${most}**${least === null ? ' or more' : ''}`,
    number(best.framesPerSecond, 0),
    number(best.ageMs.p50, 0),
    number(best.ageMs.p95, 0),
    `${number((coresOf(best) / most) * 100, 1)} %`,
    percent(best.cores.main),
    percent(best.cores.network),
    number(best.eventLoop.p99Ms, 1),
    number(best.rssPerCameraMiB, 1),
    number(best.simulatorCores, 2),
    gives,
  ];
}

/** Every trial, the fewest cameras first. */
function trialRows({ title, trials }) {
  return trials
    .toSorted((a, b) => a.count - b.count)
    .map((one) => [
      title,
      String(one.count),
      one.shortfalls.length === 0 ? 'in time' : one.shortfalls.join(', '),
      number(one.framesPerSecond, 0),
      ...one.ageMs.ofHalves.map((ms) => number(ms, 0)),
      number(one.cores.engine, 2),
      number(one.cores.main, 2),
      number(one.cores.network, 2),
      number(one.simulatorCores, 2),
    ]);
}

/** The page as Markdown. */
export function loadReport(results) {
  const { criterion, rows } = results.load;
  const { fragmentMs, lateMs, growthMs, share, warmUpSeconds, seconds } = criterion;
  return [
    '# Load',
    ...(results.quick ? ['**A quick run: too short to be quoted.**'] : []),
    ...machineLines(results, 'npm run bench -- --only load', 'bench-load.json'),
    '![The most cameras that one host holds](load.svg)',
    'How many cameras one process reads to BGR24 before their frames grow old. The cameras are a simulator’s, in another process on the ' +
      `same cores, which plays clips that were encoded before: H.264 without B-frames, fragments of ${fragmentMs / 1000} s that begin ` +
      'spread over time and are listed the moment their last picture was taken. What the simulator takes of the cores is told, and a ' +
      'host that has them for itself holds so many cameras more.',
    `A count is held if the 95th percentile of the age is at most ${fragmentMs + lateMs} ms (a fragment’s length and ${lateMs / 1000} s), ` +
      `is not more than ${growthMs} ms higher in the later half of the measured time than in the earlier, at least ${percent(share)} of ` +
      `the frames come, and none are missing. All cameras are opened at once, ${warmUpSeconds} s go by, and then ${seconds} s are measured. ` +
      'The count is found by halving; CPU per camera is of one core.',
    table(
      [
        ...[
          '',
          'cameras',
          'frames/s',
          'age p50 ms',
          'p95',
          'CPU per camera',
          'main thread',
          'network thread',
        ],
        ...['event-loop delay p99 ms', 'MiB per camera', 'simulator’s cores', 'with more, what gives first'],
      ],
      rows.map((one) => row(one, results.machine.cores)),
    ),
    '## Every trial',
    'Cores are those that the threads took; ages are the 95th percentiles of the two halves.',
    table(
      [
        ...['', 'cameras', '', 'frames/s', 'age ms, earlier', 'later'],
        ...['engines’ cores', 'main thread', 'network thread', 'simulator'],
      ],
      rows.flatMap(trialRows),
    ),
    '',
  ].join('\n\n');
}
