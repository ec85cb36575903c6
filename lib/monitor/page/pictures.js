/** @typedef {import('./camera-view.js').CameraView} CameraView */

/** Browsers open six connections to a server: one is for the events, one for a button. */
const MAX_FETCHES = 4;
/** A picture a second is enough to see that a camera lives; of few cameras one can watch more. */
const PERIOD_MS = 1000;
const FEW_PERIOD_MS = 500;
const FEW = 6;
/** A camera that is not well is asked for, but not at the others' expense. */
const SILENT_PERIOD_MS = 4000;
/** After a refusal, or if there can't be a picture. */
const PAUSE_MS = 20_000;
/** How long the server may wait for a frame before it answers with the newest picture it has. */
const WAIT_MS = 250;
/** Of a picture that does not come the connection is taken away. */
const DEADLINE_MS = 8000;

/**
 * @typedef {object} Job
 * @property {CameraView} view
 * @property {boolean} isLarge
 * @property {boolean} isVisible
 * @property {boolean} isFlowing
 * @property {number} dueAt
 * @property {number} serial of the picture that is shown
 * @property {AbortController | null} fetching
 */

/** Fetches pictures of what can be seen, and of nothing else. */
export class Pictures {
  /** @type {Map<CameraView, Job>} */
  #jobs = new Map();
  #nowMs;
  #isOnline = false;
  #fetches = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => number} nowMs the server's time */
  constructor(nowMs) {
    this.#nowMs = nowMs;
    document.addEventListener('visibilitychange', () => this.#changed());
  }

  /** @param {boolean} isOnline whether there is a server to ask */
  set isOnline(isOnline) {
    this.#isOnline = isOnline;
    this.#changed();
  }

  /**
   * @param {CameraView} view
   * @param {boolean} isLarge
   */
  add(view, isLarge) {
    const job = { view, isLarge, isVisible: isLarge, isFlowing: true, dueAt: 0, serial: 0, fetching: null };
    this.#jobs.set(view, job);
    this.#pump();
  }

  /** @param {CameraView} view */
  remove(view) {
    this.#jobs.get(view)?.fetching?.abort();
    this.#jobs.delete(view);
  }

  /**
   * @param {CameraView} view
   * @param {boolean} isVisible
   */
  setVisible(view, isVisible) {
    const job = this.#jobs.get(view);
    if (job === undefined || job.isVisible === isVisible) return;
    job.isVisible = isVisible;
    if (!isVisible) job.fetching?.abort();
    this.#pump();
  }

  /**
   * @param {CameraView} view
   * @param {boolean} isFlowing
   */
  setFlowing(view, isFlowing) {
    const job = this.#jobs.get(view);
    if (job === undefined || job.isFlowing === isFlowing) return;
    job.isFlowing = isFlowing;
    if (isFlowing) job.dueAt = 0;
    this.#pump();
  }

  #changed() {
    if (this.#isLooking) this.#pump();
    else for (const { fetching } of this.#jobs.values()) fetching?.abort();
  }

  get #isLooking() {
    return this.#isOnline && !document.hidden;
  }

  /** Begins what is due, the longest due first, and comes back for the rest. */
  #pump() {
    clearTimeout(this.#timer);
    if (!this.#isLooking) return;
    const now = performance.now();
    const waiting = [...this.#jobs.values()].filter(
      ({ isVisible, fetching }) => isVisible && fetching === null,
    );
    waiting.sort((a, b) => a.dueAt - b.dueAt);
    const visible = [...this.#jobs.values()].filter(({ isVisible }) => isVisible).length;
    for (const job of waiting) {
      if (job.dueAt > now) {
        this.#timer = setTimeout(() => this.#pump(), job.dueAt - now);
        return;
      }
      // One that ends looks again.
      if (this.#fetches >= MAX_FETCHES) return;
      const usualMs = visible <= FEW || job.isLarge ? FEW_PERIOD_MS : PERIOD_MS;
      job.dueAt = now + (job.isFlowing ? usualMs : SILENT_PERIOD_MS);
      void this.#fetch(job);
    }
  }

  /** @param {Job} job */
  async #fetch(job) {
    const controller = new AbortController();
    job.fetching = controller;
    this.#fetches += 1;
    const deadline = setTimeout(() => controller.abort(), DEADLINE_MS);
    try {
      const query = new URLSearchParams({
        camera: job.view.id,
        after: String(job.serial),
        waitMs: String(job.isFlowing ? WAIT_MS : 0),
      });
      if (job.isLarge) query.set('size', 'large');
      const answer = await fetch(`picture.jpg?${query}`, { signal: controller.signal });
      if (answer.status === 200) {
        const jpeg = await answer.blob();
        job.serial = Number(answer.headers.get('x-serial'));
        job.view.show(jpeg, Number(answer.headers.get('x-captured-ms')), this.#nowMs());
      } else if (answer.status !== 204) {
        job.dueAt = performance.now() + PAUSE_MS;
        job.view.explain(answer.status === 415 ? await answer.text() : 'No picture can be had now');
      }
    } catch {
      // Aborted, or the server is gone: the feed tells that.
    } finally {
      clearTimeout(deadline);
      job.fetching = null;
      this.#fetches -= 1;
      this.#pump();
    }
  }
}
