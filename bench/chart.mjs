// docs/performance.svg and docs/load.svg from the results. Pure. Colours follow the reader's light or dark scheme.
import { spread } from './statistics.mjs';

const WIDTH = 900;
const LABEL_WIDTH = 310;
const RIGHT = 70;
const ROW = 26;
const BAR = 16;
const HEADING = 52;
const GAP = 18;
const FOOT = 34;

const style = `
    svg { font: 13px system-ui, sans-serif }
    .ground { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 }
    .bar { fill: #9aa7b4 } .own { fill: #1a7f5a } .mark { stroke: #1f2328 } .title { font-weight: 600; font-size: 15px }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 } .text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
      .bar { fill: #6e7b88 } .own { fill: #3fb98a } .mark { stroke: #f0f6fc }
    }`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const at = (value) => value.toFixed(1).replace(/\.0$/, '');

/** A round number near a fifth of it, so that an axis gets about five lines. */
function axisStep(most) {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough);
}

/** Horizontal bars `{ label, value, from, to, isOwn }`, their whiskers from `from` to `to`. Answers lines and their height. */
function panel(title, note, bars, top, digits) {
  const most = Math.max(...bars.map(({ to }) => to));
  const step = axisStep(most);
  const axisEnd = Math.ceil(most / step) * step;
  const x = (value) => LABEL_WIDTH + (value / axisEnd) * (WIDTH - LABEL_WIDTH - RIGHT);
  const bottom = top + HEADING + bars.length * ROW;
  const lines = [
    `<text class="text title" x="16" y="${top + 20}">${escaped(title)}</text>`,
    `<text class="faint" x="16" y="${top + 38}">${escaped(note)}</text>`,
  ];
  for (let value = 0; value <= axisEnd + step / 2; value += step) {
    const place = at(x(value));
    lines.push(
      `<line class="grid" x1="${place}" x2="${place}" y1="${top + HEADING - 4}" y2="${bottom}"/>`,
      `<text class="faint" x="${place}" y="${bottom + 16}" text-anchor="middle">${+value.toFixed(3)}</text>`,
    );
  }
  for (const [i, { label, value, from, to, isOwn }] of bars.entries()) {
    const y = top + HEADING + i * ROW;
    const middle = y + BAR / 2;
    lines.push(
      `<text class="text" x="${LABEL_WIDTH - 10}" y="${middle + 5}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${isOwn ? 'own' : 'bar'}" x="${LABEL_WIDTH}" y="${y}" width="${at(x(value) - LABEL_WIDTH)}" height="${BAR}" rx="2"/>`,
      `<line class="mark" x1="${at(x(from))}" x2="${at(x(to))}" y1="${middle}" y2="${middle}"/>`,
      `<text class="text" x="${at(x(to) + 6)}" y="${middle + 5}">${value.toFixed(digits)}</text>`,
    );
  }
  return { lines, height: HEADING + bars.length * ROW + FOOT };
}

/** Panels of bars below each other, `[title, note, bars, digits]`, and what they were measured on. */
function drawing(title, panels, { date, machine }) {
  const lines = [];
  let top = GAP;
  for (const [name, note, bars, digits] of panels) {
    const drawn = panel(name, note, bars, top, digits);
    lines.push(...drawn.lines);
    top += drawn.height + GAP;
  }
  const day = `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 12}" width="${WIDTH}" height="${top + 12}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${style}\n  </style>`,
    `  <rect class="ground" width="${WIDTH}" height="${top + 12}" rx="6"/>`,
    ...lines.map((line) => `  ${line}`),
    `  <text class="faint" x="16" y="${top}">${escaped(day)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** CPU per frame side by side and, where it was measured, the age of live frames. */
export function chart(results) {
  const { scene, rows } = results.throughput;
  const costs = rows
    .filter(({ group, rounds }) => group !== 'variants' && rounds.length > 0)
    .map(({ title, group, rounds }) => {
      const { median, min, max } = spread(rounds.map((one) => one.cpuMs));
      return { label: title, value: median, from: min, to: max, isOwn: group === 'ours' };
    })
    .sort((a, b) => a.value - b.value);
  const ages = (results.live?.rows ?? [])
    .filter(({ skipped }) => skipped === null)
    .map(({ id, title, ageMs }) => ({
      label: title,
      value: ageMs.p50,
      from: ageMs.p50,
      to: ageMs.max,
      isOwn: id === 'reader',
    }));
  const panels = [];
  if (costs.length > 0) {
    const what = `${scene.height}p${scene.fps} H.264, ${(scene.kbps / 1000).toFixed(1)} Mbit/s`;
    panels.push([`CPU per frame, ms: ${what}`, 'Median and range, of the whole process tree.', costs, 2]);
  }
  if (ages.length > 0) {
    panels.push(['Age of a live frame at delivery, ms', 'Median; the line ends at the greatest.', ages, 0]);
  }
  return drawing('CPU per frame and age of live frames, side by side', panels, results);
}

/** The most cameras of each size and rate. */
export function loadChart(results) {
  const bars = results.load.rows.map(({ title, most, least }) => ({
    label: title,
    value: most,
    from: most,
    to: least ?? most,
    isOwn: true,
  }));
  const note = 'The most that one process reads in time; the line ends at the fewest that were too many.';
  return drawing('Cameras on one host', [['Cameras', note, bars, 0]], results);
}
