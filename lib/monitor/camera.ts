import type { FrameSourceEvents } from '../events.js';
import type { FrameSource } from '../frame-source.js';
import { CameraHistory } from './history.js';
import type { CameraChange, CameraFacts, CameraSnapshot, GapNote, ReconnectNote } from './protocol.js';
import { Rates } from './rates.js';
import { redact } from '../redact.js';

/** What is read of a source. */
export type WatchedSource = Pick<FrameSource, 'cameraId' | 'health' | 'getMetrics' | 'on' | 'off'>;

/** When a camera is looked at. */
export interface Moment {
  /** Unix ms. */
  nowMs: number;
  monotonicMs: number;
  /** The second's own, which joins the series; else a look in between. */
  isSample: boolean;
}

/** A source that is shown: what it is now, what of that is news, and its history. */
export class WatchedCamera {
  /** Unlike any other that is shown. */
  readonly id: string;
  readonly source: WatchedSource;
  readonly #history = new CameraHistory();
  readonly #rates = new Rates();
  readonly #nowMs: () => number;
  readonly #onNews: () => void;
  #facts: CameraFacts | undefined;
  #newGaps: GapNote[] = [];
  #newReconnects: ReconnectNote[] = [];

  /** @param onNews told when its state has changed, so that it is looked at before the second is over */
  constructor(id: string, source: WatchedSource, nowMs: () => number, onNews: () => void) {
    this.id = id;
    this.source = source;
    this.#nowMs = nowMs;
    this.#onNews = onNews;
    source.on('state', this.#onState);
    source.on('gap', this.#onGap);
    source.on('reconnect', this.#onReconnect);
  }

  /** Listens no more. */
  close(): void {
    this.source.off('state', this.#onState);
    this.source.off('gap', this.#onGap);
    this.source.off('reconnect', this.#onReconnect);
  }

  /** Looks at the source. Answers what has changed, or `null`. `fault`: the button that is at work. */
  look({ nowMs, monotonicMs, isSample }: Moment, fault: string | null): CameraChange | null {
    const facts = this.#read(monotonicMs, isSample, fault);
    const since = this.#facts === undefined ? facts.sinceMs : nowMs;
    this.#history.status(facts.status, Math.min(since, nowMs), nowMs);
    if (isSample) this.#history.sample(facts.ageMs, facts.bytesPerSecond);
    const change: CameraChange = { id: this.id, facts: changed(this.#facts, facts) };
    this.#facts = facts;
    if (this.#newGaps.length > 0) change.gaps = this.#newGaps.splice(0);
    if (this.#newReconnects.length > 0) change.reconnects = this.#newReconnects.splice(0);
    const isNews =
      Object.keys(change.facts).length > 0 || change.gaps !== undefined || change.reconnects !== undefined;
    return isNews ? change : null;
  }

  /** It was looked at. */
  get isKnown(): boolean {
    return this.#facts !== undefined;
  }

  /** All of it, as of the last look. REQUIRES: there was one. */
  snapshot(): CameraSnapshot {
    if (this.#facts === undefined) throw new Error(`${this.id} was not looked at yet`);
    const { strip, ages, rates, gaps, reconnects } = this.#history;
    const facts = this.#facts;
    // What was told since the last look comes with the next one.
    const known = gaps.slice(0, gaps.length - this.#newGaps.length);
    const knownReconnects = reconnects.slice(0, reconnects.length - this.#newReconnects.length);
    return { id: this.id, facts, strip, ages, rates, gaps: known, reconnects: knownReconnects };
  }

  #read(monotonicMs: number, isSample: boolean, fault: string | null): CameraFacts {
    const health = this.source.health();
    const metrics = this.source.getMetrics();
    const { frames, fragmentBytes, lastFrameTimestampMs: capturedMs, session } = metrics;
    if (isSample) {
      this.#rates.add(
        { atMs: monotonicMs, frames, bytes: fragmentBytes, capturedMs },
        health.rhythm.fragmentMs,
      );
    }
    const expiresAtMs = session?.expiresAtMs ?? Infinity;
    const { latest, age } = metrics.dropsByCause;
    return {
      status: health.status,
      healthy: health.healthy,
      reason: withoutAddresses(health.reason),
      sinceMs: Math.round(health.sinceMs),
      nextStep: health.next?.what ?? null,
      nextAtMs: rounded(health.next?.atMs ?? null, 1),
      ageMs: rounded(health.lastFrameAgeMs, 10),
      capturedMs: rounded(capturedMs, 1),
      fps: rounded(this.#rates.fps, 0.1),
      bytesPerSecond: rounded(this.#rates.bytesPerSecond, 100),
      width: metrics.picture?.width ?? null,
      height: metrics.picture?.height ?? null,
      frames,
      gapCount: metrics.gaps,
      missingMs: Math.round(metrics.gapMs),
      droppedFrames: latest.frames + age.frames,
      readErrors: metrics.readErrors,
      renewals: health.renewals,
      reconnectsLastHour: health.reconnectsLastHour,
      sessionId: session?.id ?? null,
      expiresAtMs: Number.isFinite(expiresAtMs) ? Math.round(expiresAtMs) : null,
      fragmentMs: rounded(health.rhythm.fragmentMs, 10),
      stallAfterMs: rounded(health.rhythm.stallAfterMs, 100),
      decoder: health.decoder?.hwaccel ?? null,
      fault,
    };
  }

  readonly #onState = (): void => this.#onNews();

  readonly #onGap = (gap: FrameSourceEvents['gap'][0]): void => {
    const { cause, ms, fragments, recovered, fromMs } = gap;
    const note = { atMs: this.#nowMs(), cause, ms: Math.round(ms), fragments, recovered };
    this.#addGap({ ...note, fromMs: rounded(fromMs, 1) });
  };

  readonly #onReconnect = ({ afterMs, error }: FrameSourceEvents['reconnect'][0]): void => {
    const reason = withoutAddresses(error.message);
    const note = { atMs: this.#nowMs(), afterMs: Math.round(afterMs), code: error.code, reason };
    this.#history.reconnect(note);
    this.#newReconnects = [...this.#newReconnects, note].slice(-this.#history.reconnects.length);
  };

  #addGap(note: GapNote): void {
    this.#history.gap(note);
    this.#newGaps = [...this.#newGaps, note].slice(-this.#history.gaps.length);
  }
}

/** Addresses of sessions are secrets, and of no use to who reads. */
function withoutAddresses(text: string): string {
  return redact(text).replace(/\bhttps?:\/\/[^\s"'<>)\]]+/gi, '…');
}

/** To a multiple of `step`: what changes less than one can see is no news. */
function rounded(value: number | null, step: number): number | null {
  // Through the inverse where it is a fraction: 3 × 0.1 is not 0.3.
  if (value === null) return null;
  return step < 1 ? Math.round(value / step) / Math.round(1 / step) : Math.round(value / step) * step;
}

/** The facts that differ. */
function changed(before: CameraFacts | undefined, now: CameraFacts): Partial<CameraFacts> {
  if (before === undefined) return now;
  const entries = Object.entries(now).filter(([name, value]) => before[name as keyof CameraFacts] !== value);
  return Object.fromEntries(entries);
}
