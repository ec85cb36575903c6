import { byId, setAttribute, setText } from './dom.js';
import { isAmong } from './grid.js';
import { bandwidthWords, cameraWords, fpsWords, wordOf } from './words.js';

/** @typedef {import('./grid.js').Filter} Filter */

/** So many changes at a time are told one by one; of more, only how many. */
const MAX_TOLD = 3;

/** The page's head: how all cameras are, and how many of each kind. */
export class Summary {
  #verdict = byId('verdict', HTMLElement);
  #rates = byId('rates', HTMLElement);
  #announcer = byId('announcer', HTMLElement);
  #store;
  /** The monitor can't be reached: what the store has is of then. */
  isLost = false;

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store;
  }

  draw() {
    const cameras = [...this.#store.cameras.values()];
    const troubled = cameras.filter((camera) => isAmong(camera, 'trouble')).length;
    const verdict = this.isLost ? 'Unknown: connection lost' : verdictOf(cameras.length, troubled);
    setText(this.#verdict, verdict);
    const isTrouble = troubled > 0 && !this.isLost;
    document.body.dataset.verdict = isTrouble ? 'trouble' : '';
    const title = isTrouble ? `(${troubled}) ${verdict}` : verdict;
    if (document.title !== title) document.title = title;
    const fps = cameras.reduce((sum, { facts }) => sum + (facts.fps ?? 0), 0);
    const bytes = cameras.reduce((sum, { facts }) => sum + (facts.bytesPerSecond ?? 0), 0);
    setText(this.#rates, `${fpsWords(fps)} frames/s · ${bandwidthWords(bytes)}`);
    for (const button of document.querySelectorAll('[data-filter]')) {
      const filter = /** @type {Filter} */ (button.getAttribute('data-filter'));
      const count = cameras.filter((camera) => isAmong(camera, filter)).length;
      const place = button.querySelector('b');
      if (place !== null) setText(place, String(count));
      setAttribute(button, 'data-empty', String(count === 0));
    }
  }

  /**
   * Tells who listens rather than looks. Only what changed, never each second.
   *
   * @param {import('./store.js').StatusChange[]} changes
   */
  announce(changes) {
    if (changes.length === 0) return;
    const told = changes.map(
      ({ camera: { id, facts } }) => `${id}: ${wordOf(facts.status)}, ${facts.reason}.`,
    );
    this.#announcer.textContent =
      told.length <= MAX_TOLD
        ? told.join(' ')
        : `${cameraWords(told.length)} changed. ${this.#verdict.textContent}`;
  }
}

/**
 * @param {number} count
 * @param {number} troubled
 */
function verdictOf(count, troubled) {
  if (count === 0) return 'No cameras';
  if (troubled === 0) return count === 1 ? 'The camera is well' : `All ${count} cameras are well`;
  return `${troubled} of ${cameraWords(count)} not well`;
}
