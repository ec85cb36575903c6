import type { Clock } from '../../clock.js';
import type { SimulatorRequest, SimulatorResponse } from '../exchange.js';
import { isWithin, meets, type RequestFacts, resourceOf } from './condition.js';
import { damageFragment } from './fragment-damage.js';
import { damageInit } from './init-damage.js';
import type { PlacedEdit } from './playlist-edit.js';
import { refusal } from './refusal.js';
import type {
  FaultDeed,
  FaultResource,
  FaultScript,
  FaultWindow,
  RequestCondition,
  ResponseEffect,
} from './script.js';

/** A stream as it was when the scripts were set: what conditions count from. */
export interface StreamMark {
  /** Index of the next fragment. */
  readonly nextFragment: number;
  /** Sessions made of it. */
  readonly sessions: number;
}

/** What the simulator knows of a request before it serves it. */
export interface RequestSubject {
  readonly stream: string;
  /** Index in the stream of the fragment asked for. */
  readonly fragmentIndex: number | null;
  readonly session: { readonly ordinal: number; readonly createdAtMs: number; expire(): void } | null;
}

/** What becomes of one request. */
export interface RequestFault {
  /** In the place of the right answer, which is not even made then. */
  readonly instead: SimulatorResponse | null;
  readonly edits: readonly PlacedEdit[];
  /** What the right answer becomes. */
  readonly spoil: (response: SimulatorResponse) => SimulatorResponse;
}

interface RequestRow {
  readonly when: RequestCondition;
  readonly what: ResponseEffect;
  /** By stream: requests that met the condition so far, and when the first effect was. */
  readonly met: Map<string, number>;
  readonly sinceMs: Map<string, number>;
}

export interface FaultRunParts {
  readonly clock: Clock;
  readonly mark: (stream: string) => StreamMark;
  /** Resolves when the deed is done. */
  readonly perform: (deed: FaultDeed) => Promise<void>;
}

/** Scripts from their setting to their end: counts requests, says what becomes of them, does deeds in time. */
export class FaultRun {
  readonly #parts: FaultRunParts;
  readonly #rows: RequestRow[] = [];
  readonly #marks = new Map<string, StreamMark>();
  readonly #setAtMs: number;
  readonly #cancels: (() => void)[] = [];
  #window: FaultWindow | null = null;

  constructor(scripts: readonly FaultScript[], streams: readonly string[], parts: FaultRunParts) {
    this.#parts = parts;
    this.#setAtMs = parts.clock.now();
    for (const stream of streams) this.#marks.set(stream, parts.mark(stream));
    for (const row of scripts.flatMap((script) => script.rows)) {
      if ('atMs' in row.when) this.#schedule(row.when.atMs, row.what as FaultDeed);
      else {
        const what = row.what as ResponseEffect;
        this.#rows.push({ when: row.when, what, met: new Map(), sinceMs: new Map() });
      }
    }
  }

  get window(): FaultWindow | null {
    return this.#window;
  }

  /** Does no more deeds; what was done stays. */
  end(): void {
    for (const cancel of this.#cancels) cancel();
  }

  /** Judges a request, and counts it. `null`: nothing happens to it. */
  judge(request: SimulatorRequest, subject: RequestSubject | null): RequestFault | null {
    const resource = resourceOf(request.kind);
    if (resource === null || subject === null) return null;
    const facts = this.#facts(resource, request, subject);
    const rows = this.#rows.filter((row) => takesEffect(row, facts, subject.stream));
    if (rows.length === 0) return null;
    for (const row of rows) {
      if (!row.sinceMs.has(subject.stream)) row.sinceMs.set(subject.stream, request.receivedAtMs);
    }
    if (rows.some(({ what }) => what.type !== 'edit-playlist')) this.#noteEffect();
    return this.#fault(rows, resource, request, subject);
  }

  #fault(
    rows: readonly RequestRow[],
    resource: FaultResource,
    request: SimulatorRequest,
    subject: RequestSubject,
  ): RequestFault {
    const edits: PlacedEdit[] = [];
    let instead: SimulatorResponse | null = null;
    for (const { what, sinceMs } of rows) {
      if (what.type === 'expire') subject.session?.expire();
      if (what.type === 'edit-playlist') {
        const firstIndex = this.#mark(subject.stream).nextFragment;
        const shown = (): void => this.#noteEffect();
        edits.push({ edit: what.edit, sinceMs: sinceMs.get(subject.stream)!, firstIndex, shown });
      }
      if (what.type === 'refuse' || what.type === 'unknown-operation' || what.type === 'redirect') {
        instead ??= refusal(what, resource, request);
      }
    }
    const spoil = (response: SimulatorResponse): SimulatorResponse =>
      rows.reduce((spoilt, { what }) => this.#spoil(spoilt, what, request), response);
    return { instead, edits, spoil };
  }

  #spoil(response: SimulatorResponse, what: ResponseEffect, request: SimulatorRequest): SimulatorResponse {
    if (what.type === 'deliver') return { ...response, delivery: what.delivery };
    if (response.status !== 200) return response;
    const body = Buffer.from(response.body);
    switch (what.type) {
      case 'damage-fragment':
        return { ...response, body: damageFragment(body, request.kind === 'GetTSFragment', what.damage) };
      case 'damage-init':
        return { ...response, body: damageInit(body, what.damage) };
      case 'lead-astray':
        return { ...response, body: Buffer.from(ledAstray(body.toString('utf8'), what.to)) };
      default:
        return response;
    }
  }

  /** Told when a response that was delivered badly is through. */
  noteDelivered(): void {
    this.#noteEffect();
  }

  #noteEffect(): void {
    const nowMs = this.#parts.clock.now();
    this.#window = { beganAtMs: this.#window?.beganAtMs ?? nowMs, endedAtMs: nowMs };
  }

  #schedule(atMs: number, deed: FaultDeed): void {
    const cancel = this.#parts.clock.after(atMs, () => {
      this.#noteEffect();
      void this.#parts.perform(deed).then(() => this.#noteEffect());
    });
    this.#cancels.push(cancel);
  }

  #mark(stream: string): StreamMark {
    let mark = this.#marks.get(stream);
    // A stream that was made since then has its first fragment and session after the scripts' setting.
    if (mark === undefined) this.#marks.set(stream, (mark = { nextFragment: 0, sessions: 0 }));
    return mark;
  }

  #facts(resource: FaultResource, request: SimulatorRequest, subject: RequestSubject): RequestFacts {
    const { fragmentIndex, session } = subject;
    const mark = this.#mark(subject.stream);
    return {
      resource,
      elapsedMs: request.receivedAtMs - this.#setAtMs,
      fragment: fragmentIndex === null ? null : fragmentIndex - mark.nextFragment,
      session: session === null ? null : session.ordinal - mark.sessions,
      sessionAgeMs: session === null ? null : request.receivedAtMs - session.createdAtMs,
    };
  }
}

function takesEffect(row: RequestRow, facts: RequestFacts, stream: string): boolean {
  if (!meets(row.when, facts)) return false;
  const nth = (row.met.get(stream) ?? 0) + 1;
  row.met.set(stream, nth);
  return isWithin(row.when.requests, nth);
}

/** An answer's URL with another host, or another scheme. */
function ledAstray(json: string, to: 'unresolvable' | 'tls'): string {
  // `.invalid` is reserved for names that never resolve (RFC 6761).
  if (to === 'unresolvable') return json.replace(/(https?:\/\/)[^/:"]+/, '$1kvs.invalid');
  return json.replace(/http:\/\//, 'https://');
}
