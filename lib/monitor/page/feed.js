/** A tick comes once a second: after so long without one the connection is dead, whatever the browser thinks. */
const SILENCE_MS = 6000;
/** How long until the next try where the browser does not try by itself. */
const RETRY_MS = 3000;

/** What the server tells, for as long as it can be reached; and that it can't. */
export class Feed {
  /** @type {EventSource | undefined} */
  #events;
  #heardAt = 0;
  #isLost = false;
  #hooks;

  /**
   * @param {{
   *   onSnapshot: (snapshot: import('../protocol.js').Snapshot) => void,
   *   onTick: (tick: import('../protocol.js').Tick) => void,
   *   onLost: () => void,
   * }} hooks `onSnapshot` also tells that it is there again
   */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** Begins, and goes on for as long as the page is there. */
  start() {
    this.#open();
    setInterval(() => this.#check(), 1000);
    // A page that is left must not take the end of its connection for a fault; one that is come back to goes on.
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.#open();
    });
  }

  #open() {
    this.#close();
    this.#heardAt = performance.now();
    const events = new EventSource('events');
    this.#events = events;
    events.addEventListener('snapshot', (event) => {
      this.#heard();
      this.#isLost = false;
      this.#hooks.onSnapshot(JSON.parse(event.data));
    });
    events.addEventListener('tick', (event) => {
      this.#heard();
      this.#hooks.onTick(JSON.parse(event.data));
    });
    events.addEventListener('error', () => this.#lose());
  }

  #close() {
    this.#events?.close();
    this.#events = undefined;
  }

  #heard() {
    this.#heardAt = performance.now();
  }

  #lose() {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#hooks.onLost();
  }

  #check() {
    const events = this.#events;
    if (events === undefined) return;
    const silentMs = performance.now() - this.#heardAt;
    const isRefused = events.readyState === EventSource.CLOSED && silentMs > RETRY_MS;
    if (!isRefused && silentMs < SILENCE_MS) return;
    this.#lose();
    this.#open();
  }
}
