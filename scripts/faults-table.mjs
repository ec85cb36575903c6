// Writes docs/faults.md from build/faults.json, which the fault suite leaves behind: node scripts/faults-table.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'prettier';
import { fail } from './step.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const results = JSON.parse(readFileSync(join(root, 'build', 'faults.json'), 'utf8'));
const { faultCatalogue } = (await import(pathToFileURL(join(root, 'dist', 'simulator', 'index.js')).href))
  .default;

const familyName = /^(endpoint|session-url|master|playlist|init|fragment)-(\d{3})-(once|thrice|forever)$/;
const groups = {
  session: 'Sessions that end',
  connection: 'Connections, names, TLS',
  playlist: 'Playlists',
  fragment: 'Fragments',
  init: 'Init sections',
  camera: 'Cameras',
  clock: 'Clocks',
  refusal: 'Refusals',
};
const logCharacters = 120;
const shortContainer = { FRAGMENTED_MP4: 'fMP4', MPEG_TS: 'TS' };

const missing = faultCatalogue.flatMap(({ name, containers }) =>
  containers
    .filter((container) => !results.some((row) => row.name === name && row.container === container))
    .map((container) => `${name} in ${container}`),
);
if (missing.length > 0) fail(`build/faults.json lacks ${missing.join(', ')}: run the whole suite first`);

const rowsOf = (name) =>
  results.filter((row) => row.name === name).sort((a, b) => a.container.localeCompare(b.container));

/** A cell: a figure for each container, or one where they agree. */
function figures(rows, of) {
  const texts = rows.map(of);
  return new Set(texts).size === 1
    ? texts[0]
    : rows.map((row, n) => `${texts[n]} (${shortContainer[row.container]})`).join(', ');
}

const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const escaped = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Counts of equal words, in order of appearance. */
function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => (count === 1 ? `\`${word}\`` : `\`${word}\` ×${count}`));
}

/** Phases after the start of a row that played before its fault; a round that comes again is written once. */
function states({ phases, startsAt }) {
  const shown = startsAt === 'playing' ? phases.slice(1) : phases;
  const marked = shown.map((phase) => (phase === 'failed' ? '**failed**' : phase)).join(' → ');
  return marked.replace(/( → \w+ → \w+)\1+/, (all, round) => `${round} (×${all.length / round.length})`);
}

/** States and events of a row. */
function seen(row) {
  const told = row.gaps.map(({ cause, recovered }) => (recovered ? `${cause}, recovered` : cause));
  const events = [
    ...(row.reconnects.length > 0 ? [`reconnect ${counted(row.reconnects).join(', ')}`] : []),
    ...(row.mediaFaults.length > 0 ? [`fault ×${row.mediaFaults.length}`] : []),
    ...(told.length > 0 ? [`gap ${counted(told).join(', ')}`] : []),
  ];
  const cause = row.error?.cause == null ? '' : ` (cause \`${row.error.cause}\`)`;
  const end = row.error === null ? '' : `; throws \`${row.error.code}\`${cause}`;
  return `${states(row)}${events.length > 0 ? `; ${events.join('; ')}` : ''}${end}`;
}

/** The first thing the log says of it; hosts and figures as they were. */
function logLine(row) {
  const line = row.log[0];
  if (line === undefined) return 'Log: nothing.';
  const shortened = line.replaceAll(/127\.0\.0\.1:\d+|kvs\.invalid:\d+/g, 'host').slice(0, logCharacters);
  return `Log: \`${shortened.replaceAll('`', "'")}${line.length > logCharacters ? '…' : ''}\``;
}

function ledger(row) {
  const parts = Object.entries(row.ledgerMs).map(([cause, ms]) => `${Math.round(ms)} ms ${cause}`);
  const recovered = row.recoveredMs > 0 ? ` − ${Math.round(row.recoveredMs)} ms recovered` : '';
  return parts.length === 0 ? 'none' : `${parts.join(' + ')}${recovered}`;
}

const recovery = (row) => (row.error !== null || row.recoveryMs === null ? '–' : seconds(row.recoveryMs));

function measured(rows) {
  return (
    `frames lost: ${figures(rows, (row) => String(row.framesLost))}; ledger: ${figures(rows, ledger)}; ` +
    `control calls: ${figures(rows, (row) => String(row.controlCalls))}; ` +
    `next frame after ${figures(rows, recovery)}`
  );
}

function table(head, lines) {
  const rule = `|${head.map(() => '---').join('|')}|`;
  return ['<!-- prettier-ignore -->', `| ${head.join(' | ')} |`, rule, ...lines].join('\n');
}

function groupTable(group) {
  const faults = faultCatalogue.filter((one) => one.group === group && !familyName.test(one.name));
  const lines = faults.map(({ name, summary }) => {
    const rows = rowsOf(name);
    const [row] = rows;
    const cells = [
      `**${name}**<br>${summary}`,
      `${figures(rows, seen)}<br>${logLine(row)}`,
      row.does,
      row.means,
      row.todo,
      measured(rows),
    ];
    return `| ${cells.map(escaped).join(' | ')} |`;
  });
  return table(
    ['Fault', 'What you see', 'What the reader does', 'What it means', 'What to do', 'Measured'],
    lines,
  );
}

/** Every status of every kind of resource: what is done about it, and figures for once, thrice, for ever. */
function familyTable() {
  const kinds = new Map();
  for (const { name } of faultCatalogue) {
    const [, resource, status] = familyName.exec(name) ?? [];
    if (resource !== undefined) kinds.set(`${resource} ${status}`, { resource, status });
  }
  const short = (rows) =>
    `${figures(rows, (row) => `${row.phases.at(-1)}${row.error === null ? '' : ` (\`${row.error.cause ?? row.error.code}\`)`}`)}; ` +
    `${figures(rows, (row) => `${row.framesLost} lost${row.framesLost > 0 ? ` (${ledger(row)})` : ''}`)}; ${figures(rows, (row) => plural(row.controlCalls, 'call'))}; ` +
    `${figures(rows, recovery)}`;
  const lines = [...kinds.values()].map(({ resource, status }) => {
    const [once, thrice, forever] = ['once', 'thrice', 'forever'].map((times) =>
      rowsOf(`${resource}-${status}-${times}`),
    );
    const { does, means, todo } = once[0];
    const cells = [
      `**${resource} ${status}**`,
      does,
      means,
      todo,
      short(once),
      short(thrice),
      short(forever),
    ];
    return `| ${cells.map(escaped).join(' | ')} |`;
  });
  const head = [
    'Answer',
    'What the reader does',
    'What it means',
    'What to do',
    'Once',
    'Three times',
    'For ever',
  ];
  return table(head, lines);
}

/** Which faults show an error code, be it on the way or at the end; a family of refusals by its resource and status. */
function codeTable() {
  const names = new Map();
  for (const { name, reconnects, error } of results) {
    const [, resource, status] = familyName.exec(name) ?? [];
    const shown = resource === undefined ? name : `${resource} ${status}`;
    for (const code of [...reconnects, error?.code, error?.cause]) {
      if (code != null) names.set(code, (names.get(code) ?? new Set()).add(shown));
    }
  }
  const lines = [...names]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([code, faults]) => `| \`${code}\` | ${[...faults].sort().join(', ')} |`);
  return table(['Code', 'Faults'], lines);
}

const text = `<!-- Written by scripts/faults-table.mjs from the results of the fault suite. -->

# Faults

What a reader meets, what it does about it, and what you may have to do. Each line is a fault that the simulator makes on
request (\`kvs-frames simulate --fault NAME\`), and a row of the fault suite: figures are measured, not promised.

How they were measured: one camera of half-second fragments with 20 pictures a second, one reader of a list of 20 fragments (10 s)
that waits 0.2–2 s between reconnections (\`reconnectDelaySeconds\`, \`maxReconnectDelaySeconds\`; the defaults are 5–60 s), in fMP4 and
MPEG-TS; one figure where both agree. *Frames lost* are counted in the pixels. *Ledger* is what \`gap\` events told. *Control calls* are
GetDataEndpoint and GetHLSStreamingSessionURL, those of an opening included where the fault concerns the opening. *Next frame after*
counts from the end of the fault. Faults for ever were watched for some seconds, or until the source gave up (after 3 errors here; the
default is 10). In every row the frames were in order, none came twice, and frames and ledger added up to the time that went by.

## At night

1. \`source.health()\` says in one word how it is. \`flowing\`: fine. \`idle\`: the camera sends nothing; look there. \`stalled\`,
   \`reconnecting\`, \`connecting\`: look at the log, then below. \`failed\`: the thrown error says what to change.
2. The \`gap\` events and \`kvs_hls_gap_seconds_total{cause}\` say what is lost, and to what: \`producer\` is the camera's, \`outage\` the network's or the
   service's, \`window-slid\` a reader that was too slow for the list, \`media\` damage, \`policy\` a limit, \`format\` what can't be decoded.
3. The \`reconnect\` event, and the log, have the error with its code: the next table says which faults show it.

## By error code

${codeTable()}

${Object.entries(groups)
  .map(([group, title]) => `## ${title}\n\n${groupTable(group)}`)
  .join('\n\n')}

## Every status of every resource

Last state; frames lost; control calls; time to the next frame after the last refusal.

${familyTable()}
`;

writeFileSync(join(root, 'docs', 'faults.md'), await format(text, { parser: 'markdown', printWidth: 130 }));
console.log(`docs/faults.md: ${faultCatalogue.length} faults, ${results.length} rows`);
