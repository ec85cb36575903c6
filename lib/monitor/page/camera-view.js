import { Chart } from './chart.js';
import { element, icon, setAttribute, setText, setTime } from './dom.js';
import { Strip } from './strip.js';
import {
  bandwidthWords,
  countdownWords,
  durationWords,
  fpsWords,
  gapWords,
  kindOf,
  nextWords,
  NOTHING,
  timeWords,
  wordOf,
} from './words.js';

/** @typedef {import('./store.js').Camera} Camera */
/** @typedef {import('./store.js').Terms} Terms */
/** @typedef {import('../fault-control.js').FaultAction} FaultAction */

/** Gaps in a tile; enlarged, all are shown that are kept. */
const GAPS_IN_TILE = 3;
/** A picture older than this is no live one, even if the camera's newest frames are as old. */
const OLD_PICTURE_MS = 15_000;
/** A session that ends within this is about to be renewed. */
const SOON_MS = 30_000;

/** What a camera's tile and its enlarged form have in common. */
export class CameraView {
  root;
  id;
  /** Calls for it to be enlarged. */
  enlarge = element('button', { type: 'button', class: 'enlarge' });
  #isLarge;
  #picture = element('img', { class: 'picture', alt: '', decoding: 'async' });
  #noPicture = element('p', { class: 'no-picture' }, 'No picture yet');
  #stage = element('div', { class: 'stage' });
  #badgeIcon = element('span', { class: 'badge-icon' });
  #status = element('span', { class: 'status' });
  #captured = element('time', { class: 'captured' });
  #reason = element('p', { class: 'reason' });
  #next = element('p', { class: 'next' });
  #age = element('dd', { class: 'age' });
  #fps = element('dd', { class: 'fps' });
  #expiry = element('time', { class: 'expiry' });
  #size = element('p', { class: 'size' });
  #stripName = element('span');
  #since = element('time', { class: 'since' });
  #strip = new Strip();
  #ages = new Chart({ name: 'Age', kind: 'age', floor: 5000, words: (ms) => durationWords(ms) });
  #rates = new Chart({ name: 'Bandwidth', kind: 'bandwidth', floor: 12_500, words: bandwidthWords });
  #gaps = element('ol', { class: 'gaps' });
  #missing = element('span', { class: 'missing' });
  #faultNote = element('p', { class: 'fault-note', role: 'status' });
  /** @type {Map<string, HTMLButtonElement>} */
  #faultButtons = new Map();
  /** @type {Camera['gaps'] | undefined} */
  #drawnGaps;
  /** @type {FaultAction[]} */
  #actions;
  /** What is shown. @type {{ jpeg: Blob, capturedMs: number } | null} */
  picture = null;
  /** @type {string | undefined} */
  #pictureUrl;

  /**
   * @param {Camera} camera
   * @param {readonly FaultAction[]} actions
   * @param {boolean} isLarge
   */
  constructor(camera, actions, isLarge) {
    this.id = camera.id;
    this.#isLarge = isLarge;
    this.#actions = [...actions];
    this.root = element(isLarge ? 'section' : 'article', { class: isLarge ? 'tile tile-large' : 'tile' });
    this.root.dataset.camera = camera.id;
    const heading = element('h2', { class: 'name', title: camera.id }, camera.id);
    this.root.setAttribute('aria-label', camera.id);
    this.#captured.hidden = true;
    this.#picture.hidden = true;
    const badge = element('p', { class: 'badge' }, this.#badgeIcon, this.#status);
    this.#stage.append(this.#picture, this.#noPicture, badge, this.#captured);
    if (!isLarge) {
      this.enlarge.setAttribute('aria-label', `Enlarge ${camera.id}`);
      this.enlarge.append(icon('enlarge'));
      this.#stage.append(this.enlarge);
    }
    const fact = (/** @type {string} */ name, /** @type {HTMLElement} */ value) =>
      element('div', {}, element('dt', {}, name), value);
    const facts = element(
      'dl',
      { class: 'facts' },
      fact('Age', this.#age),
      fact('Frames/s', this.#fps),
      fact('Session ends in', element('dd', {}, this.#expiry)),
    );
    const states = element(
      'figure',
      { class: 'chart chart-strip' },
      element('figcaption', {}, this.#stripName, this.#since),
      this.#strip.element,
    );
    const charts = element('div', { class: 'charts' }, this.#ages.element, this.#rates.element);
    const ledger = element(
      'div',
      { class: 'ledger' },
      element('h3', {}, element('span', {}, 'Gaps'), this.#missing),
      this.#gaps,
    );
    const head = element('div', { class: 'head' }, heading, this.#size);
    const why = element('div', { class: 'why' }, this.#reason, this.#next);
    const body = element('div', { class: 'body' }, head, why, facts, states, charts, ledger);
    if (actions.length > 0) body.append(this.#faultPanel());
    this.root.append(this.#stage, body);
  }

  /**
   * @param {Camera} camera
   * @param {number} nowMs
   * @param {Terms} terms
   */
  draw(camera, nowMs, terms) {
    const { facts } = camera;
    this.mark(facts.status);
    setText(this.#reason, facts.reason);
    // A tile has room for a few lines of it.
    setAttribute(this.#reason, 'title', facts.reason);
    setText(this.#next, nextWords(facts, nowMs));
    setText(this.#age, facts.ageMs === null ? NOTHING : durationWords(facts.ageMs));
    setText(this.#fps, fpsWords(facts.fps));
    setText(this.#size, facts.width === null ? '' : `${facts.width} × ${facts.height}`);
    this.#drawExpiry(facts, nowMs);
    setTime(this.#since, facts.sinceMs, `for ${durationWords(nowMs - facts.sinceMs, true)}`);
    setText(this.#stripName, `State, ${terms.stripMs / 60_000} min`);
    this.#strip.draw(camera, nowMs, terms.stripMs);
    this.#ages.draw(camera.ages, terms.seriesLength);
    this.#rates.draw(camera.rates, terms.seriesLength);
    this.#drawGaps(camera, nowMs);
    this.#drawFault(facts.fault);
    this.#drawCaptured(facts, nowMs);
  }

  /**
   * Only its status: what is looked for in a tile that can't be seen.
   *
   * @param {Camera['facts']['status']} status
   */
  mark(status) {
    if (this.root.dataset.status === status) return;
    const kind = kindOf(status);
    this.root.dataset.status = status;
    this.root.dataset.kind = kind;
    this.#badgeIcon.replaceChildren(icon(kind));
    setText(this.#status, wordOf(status));
  }

  /**
   * Shows a picture in the place of the one before.
   *
   * @param {Blob} jpeg
   * @param {number} capturedMs
   * @param {number} nowMs
   */
  show(jpeg, capturedMs, nowMs) {
    const before = this.#pictureUrl;
    this.#pictureUrl = URL.createObjectURL(jpeg);
    this.#picture.addEventListener('load', () => before !== undefined && URL.revokeObjectURL(before), {
      once: true,
    });
    this.#picture.src = this.#pictureUrl;
    this.#picture.alt = `${this.id} at ${timeWords(capturedMs, nowMs)}`;
    this.picture = { jpeg, capturedMs };
    this.#picture.hidden = false;
    this.#noPicture.hidden = true;
    setTime(this.#captured, capturedMs, timeWords(capturedMs, nowMs));
    this.#captured.hidden = false;
  }

  /**
   * Says why there is no picture.
   *
   * @param {string} words
   */
  explain(words) {
    setText(this.#noPicture, words);
    this.#noPicture.hidden = !this.#picture.hidden;
  }

  /** Gives back what the browser would keep. */
  close() {
    if (this.#pictureUrl !== undefined) URL.revokeObjectURL(this.#pictureUrl);
    this.root.remove();
  }

  /**
   * @param {Camera['facts']} facts
   * @param {number} nowMs
   */
  #drawExpiry({ sessionId, expiresAtMs }, nowMs) {
    const leftMs = expiresAtMs === null ? Infinity : expiresAtMs - nowMs;
    const words = sessionId === null ? NOTHING : leftMs === Infinity ? 'never' : countdownWords(leftMs);
    setTime(this.#expiry, sessionId === null ? null : expiresAtMs, words);
    this.#expiry.classList.toggle('soon', leftMs < SOON_MS);
  }

  /**
   * @param {Camera['facts']} facts
   * @param {number} nowMs
   */
  #drawCaptured({ ageMs, capturedMs, status }, nowMs) {
    if (this.picture === null) {
      this.#captured.hidden = capturedMs === null;
      if (capturedMs !== null) setTime(this.#captured, capturedMs, timeWords(capturedMs, nowMs));
      return;
    }
    const isOld = nowMs - this.picture.capturedMs > Math.max(OLD_PICTURE_MS, 2 * (ageMs ?? 0));
    this.#stage.classList.toggle('old', isOld || kindOf(status) === 'trouble');
  }

  /**
   * @param {Camera} camera
   * @param {number} nowMs
   */
  #drawGaps({ gaps, facts }, nowMs) {
    setText(
      this.#missing,
      facts.gapCount === 0 ? 'none' : `${facts.gapCount}, ${durationWords(facts.missingMs)} missing`,
    );
    if (this.#drawnGaps === gaps) return;
    this.#drawnGaps = gaps;
    const newest = [...gaps].reverse().slice(0, this.#isLarge ? undefined : GAPS_IN_TILE);
    this.#gaps.replaceChildren(
      ...newest.map((gap) => {
        const time = element('time');
        setTime(time, gap.fromMs ?? gap.atMs, timeWords(gap.fromMs ?? gap.atMs, nowMs));
        return element('li', gap.recovered ? { class: 'recovered' } : {}, time, ` ${gapWords(gap)}`);
      }),
    );
  }

  #faultPanel() {
    for (const { id, label, help } of this.#actions) {
      const button = element('button', { type: 'button', 'data-action': id, title: help }, label);
      button.addEventListener('click', () => void this.#apply(id));
      this.#faultButtons.set(id, button);
    }
    const buttons = element('div', { class: 'fault-buttons' }, ...this.#faultButtons.values());
    const panel = element('div', { class: 'faults', role: 'group' }, element('h3', {}, 'Break it'), buttons);
    panel.setAttribute('aria-label', `Break ${this.id}`);
    panel.append(this.#faultNote);
    return panel;
  }

  /** @param {string | null} active */
  #drawFault(active) {
    for (const [id, button] of this.#faultButtons) setAttribute(button, 'data-active', String(id === active));
    if (this.root.dataset.fault === (active ?? '')) return;
    this.root.dataset.fault = active ?? '';
    const help = this.#actions.find(({ id }) => id === active)?.help;
    setText(this.#faultNote, help === undefined ? '' : `Now: ${help} Another button ends this.`);
  }

  /** @param {string} action */
  async #apply(action) {
    const button = this.#faultButtons.get(action);
    if (button === undefined || button.getAttribute('aria-disabled') === 'true') return;
    // Not `disabled`, which would take the keyboard's focus away.
    button.setAttribute('aria-disabled', 'true');
    try {
      const answer = await fetch('faults', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ cameraId: this.id, action }),
      });
      if (!answer.ok) setText(this.#faultNote, (await answer.text()) || 'That did not work.');
    } catch {
      setText(this.#faultNote, 'The monitor can’t be reached.');
    } finally {
      button.removeAttribute('aria-disabled');
    }
  }
}
