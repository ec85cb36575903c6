import { graphic, setAttribute } from './dom.js';
import { durationWords, kindOf, wordOf } from './words.js';

/** @typedef {import('./words.js').Kind} Kind */

const HEIGHT = 12;
/** Colour is never the only sign: the worse, the higher. @type {Record<Kind, number>} */
const heights = { well: 5, idle: 3, waiting: 8, trouble: 12, stopped: 1.5 };
/** Until the end of time, as far as the picture goes. */
const ENDLESS_S = 1e5;

/** The states of the last minutes as a strip that moves to the left. */
export class Strip {
  element = graphic('svg', { class: 'strip', role: 'img', preserveAspectRatio: 'none' });
  /** @type {import('./store.js').Camera['strip'] | undefined} */
  #drawn;
  #originMs = 0;

  /**
   * @param {import('./store.js').Camera} camera
   * @param {number} nowMs
   * @param {number} lengthMs
   */
  draw({ strip }, nowMs, lengthMs) {
    if (this.#drawn !== strip) this.#fill(strip, nowMs);
    const rightS = (nowMs - this.#originMs) / 1000;
    const lengthS = lengthMs / 1000;
    setAttribute(this.element, 'viewBox', `${(rightS - lengthS).toFixed(1)} 0 ${lengthS} ${HEIGHT}`);
    setAttribute(this.element, 'aria-label', stripWords(strip, nowMs, lengthMs));
  }

  /**
   * @param {import('./store.js').Camera['strip']} strip
   * @param {number} nowMs
   */
  #fill(strip, nowMs) {
    this.#drawn = strip;
    this.#originMs = nowMs;
    const bars = strip.map(({ atMs, status }, index) => {
      const next = strip[index + 1];
      const x = (atMs - nowMs) / 1000;
      const width = next === undefined ? ENDLESS_S : (next.atMs - atMs) / 1000;
      const height = heights[kindOf(status)];
      return graphic('rect', {
        class: `kind-${kindOf(status)}`,
        x: x.toFixed(2),
        // What lasted a moment is to be seen as well.
        width: Math.max(width, 2).toFixed(2),
        y: String(HEIGHT - height),
        height: String(height),
      });
    });
    this.element.replaceChildren(...bars);
  }
}

/**
 * The strip in words: how long each status lasted.
 *
 * @param {import('./store.js').Camera['strip']} strip
 * @param {number} nowMs
 * @param {number} lengthMs
 */
function stripWords(strip, nowMs, lengthMs) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  strip.forEach(({ atMs, status }, index) => {
    const fromMs = Math.max(atMs, nowMs - lengthMs);
    const ms = (strip[index + 1]?.atMs ?? nowMs) - fromMs;
    // To ten seconds: a text that changes each second says no more.
    if (ms > 0) sums.set(wordOf(status), (sums.get(wordOf(status)) ?? 0) + ms);
  });
  const parts = [...sums].map(
    ([word, ms]) => `${word.toLowerCase()} ${durationWords(Math.ceil(ms / 1e4) * 1e4, true)}`,
  );
  return `State over the last ${Math.round(lengthMs / 60_000)} minutes: ${parts.join(', ')}`;
}
