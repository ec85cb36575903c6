import { element, graphic, setAttribute, setText } from './dom.js';
import { NOTHING } from './words.js';

const HEIGHT = 32;

/** A line over the last minutes, with what it shows, and what that is now. */
export class Chart {
  element;
  #now = element('span', { class: 'now' });
  #line = graphic('path', { class: 'line' });
  #area = graphic('path', { class: 'area' });
  #plot = graphic(
    'svg',
    { class: 'sparkline', role: 'img', preserveAspectRatio: 'none' },
    this.#area,
    this.#line,
  );
  #settings;
  /** @type {readonly (number | null)[] | undefined} */
  #drawn;

  /** @param {{ name: string, kind: string, floor: number, words: (value: number) => string }} settings `floor`: what the
   *  height stands for at least, so that noise looks small */
  constructor(settings) {
    this.#settings = settings;
    const caption = element('figcaption', {}, element('span', {}, settings.name), this.#now);
    this.element = element('figure', { class: `chart chart-${settings.kind}` }, caption, this.#plot);
  }

  /**
   * @param {readonly (number | null)[]} values oldest first
   * @param {number} length how many there are at most
   */
  draw(values, length) {
    if (this.#drawn === values) return;
    this.#drawn = values;
    const { name, words, floor } = this.#settings;
    const peak = values.reduce((/** @type {number} */ most, value) => Math.max(most, value ?? 0), 0);
    const { line, area } = pathsOf(values, length, Math.max(peak, floor));
    setAttribute(this.#plot, 'viewBox', `0 0 ${length - 1} ${HEIGHT}`);
    setAttribute(this.#line, 'd', line);
    setAttribute(this.#area, 'd', area);
    const now = values.at(-1) ?? null;
    setText(this.#now, now === null ? NOTHING : words(now));
    const past = `${name} over the last ${Math.round(length / 60)} minutes, up to ${words(peak)}`;
    setAttribute(this.#plot, 'aria-label', past);
    setAttribute(this.element, 'title', past);
  }
}

/**
 * @param {readonly (number | null)[]} values
 * @param {number} length
 * @param {number} top
 */
function pathsOf(values, length, top) {
  let line = '';
  let area = '';
  /** Where the part that is being drawn began. @type {number | null} */
  let from = null;
  const close = (/** @type {number} */ to) => {
    if (from !== null) area += `L${to} ${HEIGHT}L${from} ${HEIGHT}Z`;
    from = null;
  };
  values.forEach((value, index) => {
    const x = length - values.length + index;
    if (value === null) {
      close(x - 1);
      return;
    }
    const point = `${x} ${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`;
    const step = `${from === null ? 'M' : 'L'}${point}`;
    line += step;
    area += step;
    from ??= x;
  });
  close(length - 1);
  return { line, area };
}
