/** @typedef {import('../protocol.js').Snapshot} Snapshot */
/** @typedef {import('../protocol.js').Tick} Tick */
/** @typedef {import('../protocol.js').CameraSnapshot} CameraSnapshot */
/** @typedef {import('../protocol.js').CameraFacts} CameraFacts */
/** @typedef {Pick<Snapshot, 'stripMs' | 'seriesLength' | 'notesLength' | 'actions'>} Terms */
/** @typedef {{ camera: Camera, before: CameraFacts['status'] }} StatusChange */

/** One camera as the page knows it. */
export class Camera {
  /** @param {CameraSnapshot} snapshot */
  constructor(snapshot) {
    this.id = snapshot.id;
    this.facts = snapshot.facts;
    this.strip = snapshot.strip;
    this.ages = snapshot.ages;
    this.rates = snapshot.rates;
    this.gaps = snapshot.gaps;
    this.reconnects = snapshot.reconnects;
  }

  /**
   * @param {import('../protocol.js').CameraChange} change
   * @param {number} nowMs
   * @param {Terms} terms
   */
  apply(change, nowMs, { stripMs, notesLength }) {
    const { status } = change.facts;
    if (status !== undefined) {
      this.strip = [...this.strip, { atMs: nowMs, status }];
      while (this.strip[1] !== undefined && this.strip[1].atMs <= nowMs - stripMs) this.strip.shift();
    }
    this.facts = { ...this.facts, ...change.facts };
    if (change.gaps !== undefined) this.gaps = [...this.gaps, ...change.gaps].slice(-notesLength);
    if (change.reconnects !== undefined) {
      this.reconnects = [...this.reconnects, ...change.reconnects].slice(-notesLength);
    }
  }

  /**
   * A second has passed.
   *
   * @param {Terms} terms
   */
  sample({ seriesLength }) {
    this.ages = [...this.ages, this.facts.ageMs].slice(-seriesLength);
    this.rates = [...this.rates, this.facts.bytesPerSecond].slice(-seriesLength);
  }
}

/** All cameras, as the server told last. */
export class Store {
  /** In the server's order. @type {Map<string, Camera>} */
  cameras = new Map();
  /** By the server's clock, so that the viewer's may be wrong. */
  nowMs = 0;
  /** @type {Terms} */
  terms = { stripMs: 600_000, seriesLength: 180, notesLength: 8, actions: [] };

  /** @param {Snapshot} snapshot */
  restart({ nowMs, cameras, ...terms }) {
    this.nowMs = nowMs;
    this.terms = terms;
    this.cameras = new Map(cameras.map((one) => [one.id, new Camera(one)]));
  }

  /**
   * Answers whose status has changed.
   *
   * @param {Tick} tick
   * @returns {StatusChange[]}
   */
  apply(tick) {
    this.nowMs = tick.nowMs;
    for (const id of tick.gone) this.cameras.delete(id);
    const changes = [];
    for (const change of tick.cameras) {
      const camera = this.cameras.get(change.id);
      if (camera === undefined) continue;
      const before = camera.facts.status;
      camera.apply(change, tick.nowMs, this.terms);
      if (camera.facts.status !== before) changes.push({ camera, before });
    }
    if (tick.isSample) for (const camera of this.cameras.values()) camera.sample(this.terms);
    for (const one of tick.added) this.cameras.set(one.id, new Camera(one));
    return changes;
  }
}
