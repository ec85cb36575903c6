import { CameraView } from './camera-view.js';
import { element, icon, setText, setTime } from './dom.js';
import { durationWords, kindOf, NOTHING, timeWords } from './words.js';

/** @typedef {import('./store.js').Store} Store */

/** What else is known of a camera, by its name on the page. @type {[string, (facts: import('./words.js').CameraFacts) => string][]} */
const details = [
  ['Frames read', ({ frames }) => String(frames)],
  ['Frames dropped', ({ droppedFrames }) => String(droppedFrames)],
  ['Read errors', ({ readErrors }) => String(readErrors)],
  ['Sessions renewed', ({ renewals }) => String(renewals)],
  ['Reconnects, last hour', ({ reconnectsLastHour }) => String(reconnectsLastHour)],
  ['Fragments', ({ fragmentMs }) => (fragmentMs === null ? NOTHING : `every ${durationWords(fragmentMs)}`)],
  ['Stalled after', ({ stallAfterMs }) => (stallAfterMs === null ? NOTHING : durationWords(stallAfterMs))],
  ['Decoded', ({ decoder }) => (decoder === null || decoder === 'none' ? 'in software' : `by ${decoder}`)],
];

/** One camera, enlarged. */
export class Detail {
  #dialog;
  #store;
  #pictures;
  /** @type {CameraView | undefined} */
  #view;
  #values = details.map(() => element('dd'));
  #reconnects = element('ol', { class: 'reconnects' });
  /** @type {import('./store.js').Camera['reconnects'] | undefined} */
  #drawnReconnects;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Store} store
   * @param {import('./pictures.js').Pictures} pictures
   */
  constructor(dialog, store, pictures) {
    this.#dialog = dialog;
    this.#store = store;
    this.#pictures = pictures;
    dialog.addEventListener('close', () => this.#clear());
    // The dialog itself is hit only beside its content.
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close();
    });
  }

  /**
   * @param {string} id
   * @param {CameraView['picture']} picture what to show until there is a larger one
   */
  open(id, picture) {
    this.#clear();
    if (!this.#fill(id)) return;
    if (picture !== null) this.#view?.show(picture.jpeg, picture.capturedMs, this.#store.nowMs);
    this.#dialog.showModal();
  }

  /** Shows what the store knows now. */
  draw() {
    if (this.#view === undefined) return;
    const camera = this.#store.cameras.get(this.#view.id);
    if (camera === undefined) {
      this.#dialog.close();
      return;
    }
    this.#view.draw(camera, this.#store.nowMs, this.#store.terms);
    this.#pictures.setFlowing(this.#view, kindOf(camera.facts.status) === 'well');
    details.forEach(([, words], index) => {
      const value = this.#values[index];
      if (value !== undefined) setText(value, words(camera.facts));
    });
    if (this.#drawnReconnects === camera.reconnects) return;
    this.#drawnReconnects = camera.reconnects;
    this.#reconnects.replaceChildren(...this.#reconnectItems(camera.reconnects));
  }

  /** @param {string} id */
  #fill(id) {
    const camera = this.#store.cameras.get(id);
    if (camera === undefined) return false;
    const close = element('button', { type: 'button', class: 'close', 'aria-label': 'Close' }, icon('close'));
    close.addEventListener('click', () => this.#dialog.close());
    this.#view = new CameraView(camera, this.#store.terms.actions, true);
    const rows = details.map(([name], index) =>
      element('div', {}, element('dt', {}, name), this.#values[index] ?? ''),
    );
    const more = element(
      'div',
      { class: 'more' },
      element('dl', { class: 'details' }, ...rows),
      element('h3', {}, 'Reconnections'),
      this.#reconnects,
    );
    this.#view.root.append(more);
    this.#dialog.setAttribute('aria-label', id);
    this.#dialog.replaceChildren(close, this.#view.root);
    this.#pictures.add(this.#view, true);
    this.draw();
    return true;
  }

  /** @param {import('../protocol.js').ReconnectNote[]} notes */
  #reconnectItems(notes) {
    if (notes.length === 0) return [element('li', {}, 'none')];
    return [...notes].reverse().map(({ atMs, reason, afterMs, code }) => {
      const time = element('time');
      setTime(time, atMs, timeWords(atMs, this.#store.nowMs));
      const wait = afterMs < 100 ? 'at once' : `after ${durationWords(afterMs)}`;
      return element('li', {}, time, ` ${wait}: ${reason} `, element('code', {}, code));
    });
  }

  #clear() {
    if (this.#view === undefined) return;
    this.#pictures.remove(this.#view);
    this.#view.close();
    this.#view = undefined;
    this.#drawnReconnects = undefined;
    this.#dialog.replaceChildren();
  }
}
