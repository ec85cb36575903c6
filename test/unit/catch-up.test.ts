import { describe, expect, it } from '@jest/globals';
import { CatchUp, type Archive } from '../../lib/catch-up';
import { HlsStreamError, KvsConnectionError } from '../../lib/errors';
import type { Fragment, LostFragments } from '../../lib/hls/fragment';
import { silentLogger } from '../../lib/logger';
import type { Gap } from '../../lib/policy/gap';
import type { Session, SessionRequest } from '../../lib/session/provider';
import { FakeClock, settled } from '../support/fake-clock';

const fragment = (dateMs: number | null, more: Partial<Fragment> = {}): Fragment => ({
  container: 'mpegts',
  init: null,
  media: new Uint8Array(188),
  dateMs,
  durationMs: 1000,
  sequence: 0,
  number: null,
  sessionId: 1,
  variant: null,
  discontinuity: false,
  isAdjacent: false,
  lost: null,
  elapsedMs: 1000,
  receivedAtMs: dateMs ?? 0,
  ...more,
});

/** A live list and a recording, with a record of what was asked of the latter. */
class Stage {
  readonly clock = new FakeClock();
  readonly ranges: [number, number][] = [];
  readonly recovered: Omit<Gap, 'recovered'>[] = [];
  silences = 0;
  errors = 0;
  open = 0;
  /** No session is ever granted. */
  isStuck = false;
  /** Dates of the recording's fragments. */
  recording: number[] = [];
  /** What opening or reading the recording fails with, in turn; behind so many fragments. */
  failures: { error: Error; afterFragments: number }[] = [];
  /** What the recording itself can't give: before the fragment of that date, and behind the last. */
  lostInside = new Map<number, LostFragments>();
  lostBehind: LostFragments | null = null;
  /** How many fragments one recorded list holds. */
  listLength = 1000;

  /** A number is a time that goes by before the next fragment, ms. */
  async read(live: readonly (Fragment | number)[], maxMs = 600_000): Promise<Fragment[]> {
    const { clock } = this;
    const catchUp = new CatchUp(
      {
        // eslint-disable-next-line @typescript-eslint/require-await
        run: async function* (): AsyncGenerator<Fragment, LostFragments | null> {
          for (const one of live) {
            if (typeof one === 'number') clock.step(one);
            else yield one;
          }
          return { count: 1, ms: 1, cause: 'media' };
        },
        offer: () => Promise.resolve(),
      },
      {
        maxMs,
        listLength: this.listLength,
        isDated: ({ dateMs }) => dateMs !== null && dateMs >= 0,
        onError: () => (this.errors += 1),
        provider: { acquire: (request) => this.#acquire(request), close: () => {} },
        openArchive: () => this.#archive(),
        clock: this.clock,
        logger: silentLogger,
        cameraId: 'cam',
        onRecovered: (gap) => this.recovered.push(gap),
        onSilence: () => (this.silences += 1),
      },
    );
    const all: Fragment[] = [];
    const run = catchUp.run(
      { id: 1, url: 'http://x', expiresAtMs: Infinity, endsAtMs: Infinity },
      new AbortController().signal,
    );
    let isDone = false;
    const reading = (async (): Promise<void> => {
      for (;;) {
        const { value, done } = await run.next();
        if (done) {
          expect(value).toEqual({ count: 1, ms: 1, cause: 'media' });
          break;
        }
        all.push(value);
      }
    })().finally(() => (isDone = true));
    while (!isDone) {
      await this.clock.advance(1000);
      await settled();
    }
    await reading;
    return all;
  }

  #acquire({ range, signal }: SessionRequest): Promise<Session> {
    if (range === undefined) throw new Error('The recording was asked for without a range');
    this.ranges.push([range.fromMs, range.toMs]);
    if (this.isStuck) {
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
    }
    const [failure] = this.failures;
    if (failure?.afterFragments === 0) {
      this.failures.shift();
      return Promise.reject(failure.error);
    }
    if (this.#within(range.fromMs, range.toMs).length === 0) {
      return Promise.reject(new KvsConnectionError('KVS_EMPTY_RANGE', 'nothing there'));
    }
    return Promise.resolve({
      id: 100,
      url: `${range.fromMs} ${range.toMs}`,
      expiresAtMs: Infinity,
      endsAtMs: Infinity,
    });
  }

  #within(fromMs: number, toMs: number): number[] {
    return this.recording.filter((dateMs) => dateMs >= fromMs && dateMs < toMs).slice(0, this.listLength);
  }

  #archive(): Archive {
    this.open += 1;
    return {
      run: (session) => this.#recorded(session),
      close: () => {
        this.open -= 1;
        return Promise.resolve();
      },
    };
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async *#recorded({ url }: Session): AsyncGenerator<Fragment, LostFragments | null> {
    const [fromMs = 0, toMs = 0] = url.split(' ').map(Number);
    for (const [index, dateMs] of this.#within(fromMs, toMs).entries()) {
      const [failure] = this.failures;
      if (failure?.afterFragments === index) {
        this.failures.shift();
        throw failure.error;
      }
      yield fragment(dateMs, { sessionId: 100, lost: this.lostInside.get(dateMs) ?? null });
    }
    return this.lostBehind;
  }
}

const dates = (all: readonly Fragment[]): (number | null)[] => all.map(({ dateMs }) => dateMs);
const seconds = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => (from + i) * 1000);
const slid: LostFragments = { count: 3, ms: 3000, cause: 'window-slid' };

describe('catching up', () => {
  it('reads a hole from the recording, each fragment once and in order, and says what was recovered', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    const all = await stage.read([fragment(1000), fragment(5000, { lost: slid }), fragment(6000)]);
    expect(dates(all)).toEqual([1000, 2000, 3000, 4000, 5000, 6000]);
    expect(all.map(({ lost }) => lost)).toEqual(Array(6).fill(null));
    expect(stage.recovered).toEqual([
      { cause: 'window-slid', fromMs: 2000, toMs: 5000, ms: 3000, fragments: 3 },
    ]);
    expect([stage.ranges.length, stage.silences, stage.open]).toEqual([1, 1, 0]);
  });

  it('asks for nothing where nothing is missing, or nothing is dated', async () => {
    const stage = new Stage();
    await stage.read([fragment(0), fragment(1000), fragment(2150), fragment(null), fragment(9000)]);
    expect(stage.ranges).toEqual([]);
  });

  it("reads a hole of minutes though the host's clock was set back an hour meanwhile", async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 310);
    const after = fragment(300_000, { lost: slid, receivedAtMs: 300_000 - 3_600_000 });
    const all = await stage.read([fragment(0), 300_000, after]);
    expect(dates(all)).toEqual(seconds(0, 301));
  });

  it('takes an empty recording for a camera that was silent', async () => {
    const stage = new Stage();
    const all = await stage.read([fragment(0), fragment(9000, { lost: { ...slid, count: 0 } })]);
    expect(dates(all)).toEqual([0, 9000]);
    expect(all[1]?.lost).toBeNull();
    expect([stage.recovered, stage.silences]).toEqual([[], 1]);
  });

  it('reads the newest part of a hole that is longer than allowed, and leaves the rest to the ledger', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 100);
    const all = await stage.read([fragment(0), fragment(50_000)], 10_000);
    expect(dates(all)).toEqual([0, ...seconds(40, 50), 50_000]);
    // How long the rest is, the dates tell.
    expect(all[1]?.lost).toEqual({ count: 0, ms: 0, cause: 'outage' });
    expect(all.at(-1)?.lost).toBeNull();
  });

  it('goes on where a recording broke off, and opens the next list where one ends early', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    stage.listLength = 4;
    stage.failures = [{ error: new HlsStreamError('HLS_NETWORK', 'reset'), afterFragments: 2 }];
    const all = await stage.read([fragment(0), fragment(12_000)]);
    expect(dates(all)).toEqual(seconds(0, 13));
    expect(stage.recovered).toMatchObject([{ fragments: 11, ms: 11_000 }]);
  });

  it.each([
    ['three times where that may help', new HlsStreamError('HLS_NETWORK', 'reset'), 3],
    ['once where it is denied', new KvsConnectionError('KVS_DENIED', 'no'), 1],
    [
      'once where it is throttled: the live stream must not wait',
      new KvsConnectionError('KVS_THROTTLED', 'no'),
      1,
    ],
  ])('asks for a recording %s, then leaves the hole to the ledger', async (_, error, tries) => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    stage.failures = Array.from({ length: 3 }, () => ({ error, afterFragments: 0 }));
    const all = await stage.read([fragment(0), fragment(5000, { lost: slid })]);
    expect(dates(all)).toEqual([0, 5000]);
    expect(all[1]?.lost).toBe(slid);
    expect([stage.ranges.length, stage.silences, stage.errors]).toEqual([tries, 0, tries]);
  });

  it('waits for a session no longer than ten seconds', async () => {
    const stage = new Stage();
    stage.isStuck = true;
    const all = await stage.read([fragment(0), fragment(5000, { lost: slid })]);
    expect(dates(all)).toEqual([0, 5000]);
    expect(stage.errors).toBe(1);
  });

  it('hands on what the recording has lost itself, and takes it for no silence', async () => {
    const stage = new Stage();
    stage.recording = [1000, 4000];
    const missing: LostFragments = { count: 2, ms: 2000, cause: 'window-slid' };
    const behind: LostFragments = { count: 1, ms: 1000, cause: 'media' };
    stage.lostInside.set(4000, missing);
    stage.lostBehind = behind;
    const all = await stage.read([fragment(0), fragment(6000, { lost: slid })]);
    expect(all.map(({ lost }) => lost)).toEqual([null, null, missing, behind]);
    expect(stage.silences).toBe(0);
  });

  it('asks for nothing where the list shows one fragment right behind the other, or a clock was set', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    await stage.read([
      fragment(0),
      fragment(5000, { isAdjacent: true }),
      fragment(3_605_000, { receivedAtMs: 6000 }),
      fragment(-1, { lost: slid }),
    ]);
    expect(stage.ranges).toEqual([]);
  });

  it('leaves out what was passed over on purpose, being too old', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    const live = [fragment(0), fragment(5000, { lost: { count: 4, ms: 4000, cause: 'policy' } })];
    expect(await stage.read(live)).toEqual(live);
    expect(stage.ranges).toEqual([]);
  });

  it('never reads again what was handed over, whatever the order of the list', async () => {
    const stage = new Stage();
    stage.recording = seconds(0, 20);
    const all = await stage.read([
      fragment(0),
      fragment(2000, { isAdjacent: true }),
      fragment(1000, { isAdjacent: true }),
      fragment(5000, { lost: slid }),
    ]);
    expect(dates(all)).toEqual([0, 2000, 1000, 3000, 4000, 5000]);
  });
});
