import { describe, expect, it } from '@jest/globals';
import { describeNode } from '../../../lib/cli/doctor';
import { Complaint, Examination } from '../../../lib/cli/examination';
import { mendingOf } from '../../../lib/cli/mending';
import { Viewing } from '../../../lib/cli/viewing';
import { FrameSourceError, HlsStreamError, KvsConnectionError } from '../../../lib/errors';
import { ConnectionState } from '../../../lib/policy/supervisor';
import { FakeClock } from '../../support/fake-clock';
import { FakeSource, metrics, type FakeFrame } from '../../support/fake-source';
import { written } from '../../support/written-output';

/** Of a terminal: what is right of the cursor. */
const CLEAR = '\u001b[K';
const LIMIT = { limitMs: 10_000 };
const subject = { streamName: 'front-door', region: 'eu-west-1' };

describe('an examination', () => {
  it('tells programs what was found, why, and what to do', async () => {
    const { output, objects } = written('json');
    const examination = new Examination(output, new FakeClock(), subject);
    expect(await examination.check('first', () => 'well', LIMIT)).toBe(true);
    const denied = new KvsConnectionError('KVS_NO_RETENTION', 'the stream keeps no data');
    expect(await examination.check('second', () => Promise.reject(denied), LIMIT)).toBe(false);
    examination.notTried('third', 'not tried');
    const note = (): never => {
      throw new Complaint('odd', { why: 'Because.', mend: ['Do it.'] });
    };
    expect(await examination.check('fourth', note, { ...LIMIT, isVital: false })).toBe(false);
    examination.report();
    expect(objects()).toEqual([
      { type: 'check', what: 'first', ok: true, finding: 'well', why: null, mend: [] },
      {
        type: 'check',
        what: 'second',
        ok: false,
        vital: true,
        code: 'KVS_NO_RETENTION',
        finding: 'the stream keeps no data',
        why: expect.stringMatching(/retention/),
        mend: expect.arrayContaining([expect.stringMatching(/update-data-retention/)]),
      },
      { type: 'check', what: 'third', ok: null, finding: 'not tried', why: null, mend: [] },
      {
        type: 'check',
        what: 'fourth',
        ok: false,
        vital: false,
        code: null,
        finding: 'odd',
        why: 'Because.',
        mend: ['Do it.'],
      },
      { type: 'report', ok: false, failed: ['second'], notTried: ['third'] },
    ]);
  });

  it('tells people the same, each thing to do on a line of its own', async () => {
    const { output, text } = written('people');
    const examination = new Examination(output, new FakeClock(), subject);
    const sick = (): never => {
      throw new Complaint('odd', { why: 'Because.', mend: ['Do it:\n{\n}', 'Or that.'] });
    };
    await examination.check('step', sick, LIMIT);
    examination.report();
    expect(text()).toBe(
      `FAIL  step: odd
      why:  Because.
      mend: Do it:
            {
            }
      mend: Or that.

Not well: step. What to do is said above.
`,
    );
  });

  it.each<[noted: string[], notTried: string[], verdict: string]>([
    [[], [], 'All is well.'],
    [['clocks'], [], 'All is well; see the note on clocks.'],
    [[], ['endpoint', 'session'], 'Nothing failed; not tried: endpoint, session.'],
    [['credentials'], ['session'], 'Nothing failed; see the note on credentials; not tried: session.'],
  ])('does not call well what it did not try: noted %j, not tried %j', async (noted, notTried, verdict) => {
    const { output, text } = written('people');
    const examination = new Examination(output, new FakeClock(), subject);
    const odd = (): never => {
      throw new Error('odd');
    };
    for (const what of noted) await examination.check(what, odd, { ...LIMIT, isVital: false });
    for (const what of notTried) examination.notTried(what, 'no stream');
    examination.report();
    expect(text().trimEnd().split('\n').at(-1)).toBe(verdict);
  });

  it("keeps others' messages on one line", async () => {
    const { output, objects } = written('json');
    const examination = new Examination(output, new FakeClock(), subject);
    await examination.check('step', () => Promise.reject(new Error('wrong version\n  here\n)')), LIMIT);
    expect(objects()[0]).toMatchObject({ finding: 'wrong version here )' });
  });

  it('keeps secrets to itself', async () => {
    const { output, text } = written('json');
    const examination = new Examination(output, new FakeClock(), subject);
    const leak = (): never => {
      throw new Error('GET https://b.example.com/hls?SessionToken=CiC~secret failed');
    };
    await examination.check('step', leak, LIMIT);
    expect(text()).toContain('SessionToken=…');
    expect(text()).not.toContain('secret');
  });

  it('shows on a terminal which step runs and for how long it may', async () => {
    const clock = new FakeClock();
    const { output, text } = written({ columns: 80 });
    const examination = new Examination(output, clock, subject);
    let finish = (_: string): void => {};
    const checked = examination.check('session', () => new Promise((resolve) => (finish = resolve)), LIMIT);
    await clock.advance(3_000);
    const drawn = text().split(CLEAR);
    expect(drawn[0]).toBe('\r…     session (0 of at most 10 s)');
    expect(drawn.at(-2)).toBe('\r…     session (3 of at most 10 s)');
    finish('opened');
    expect(await checked).toBe(true);
    expect(text().endsWith(`\r${CLEAR}ok    session: opened\n`)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends a step that takes too long, and tells it to end', async () => {
    const clock = new FakeClock();
    const { output, objects } = written('json');
    const examination = new Examination(output, clock, subject);
    let signal: AbortSignal | undefined;
    const hangs = (given: AbortSignal): Promise<string> => {
      signal = given;
      return new Promise(() => {});
    };
    const checked = examination.check('endpoint', hangs, LIMIT);
    await clock.advance(10_000);
    expect(await checked).toBe(false);
    expect(signal?.aborted).toBe(true);
    expect(objects()[0]).toMatchObject({
      finding: 'endpoint: no answer within 10 s',
      why: expect.stringMatching(/did not answer in time/),
    });
    expect(clock.pending).toBe(0);
  });

  it('wants a Node.js that is not too old', () => {
    expect(describeNode('v20.18.1')).toMatch(/^v20\.18\.1 on linux/);
    for (const version of ['v20.19.0', 'v22.0.0']) expect(describeNode(version)).toContain(version);
    for (const version of ['v18.20.1', 'v20.5.0', 'v20.18.0', 'v19.99.9', 'unknown'])
      expect(() => describeNode(version)).toThrow(Complaint);
  });
});

describe('viewing a stream', () => {
  const clock = new FakeClock();
  const frame = (sequence: number, changes: Partial<FakeFrame> = {}): FakeFrame => ({
    timestampMs: 0,
    ageMs: 1500,
    timestampSource: 'producer',
    codec: 'hevc',
    sourceWidth: 1920,
    sourceHeight: 1080,
    fragment: { sequence, sessionId: 1, durationMs: 2000 },
    ...changes,
  });
  const viewing = (...frames: (FakeFrame | Error)[]): { fake: FakeSource; viewing: Viewing } => {
    const fake = new FakeSource();
    fake.give(...frames);
    return { fake, viewing: new Viewing(fake.source, clock) };
  };
  const timeout = new FrameSourceError('READ_TIMEOUT', 'no frame');

  it('tells size, codec, and how long after its session the first frame came', async () => {
    const seen = viewing(frame(0));
    seen.fake.emit('session', { id: 1, expiresAtMs: 0, renewal: false });
    clock.step(1200);
    expect(await seen.viewing.firstFrame()).toBe('1920×1080 H.265, 1.2 s after its session was opened');
  });

  it('tells the rhythm of fragments, and whether clocks agree', async () => {
    const seen = viewing(...Array.from({ length: 30 }, () => frame(0)), frame(1));
    seen.fake.metrics = metrics({ fragments: 2, fragmentBytes: 500_000 });
    await seen.viewing.firstFrame();
    expect(await seen.viewing.fragments()).toBe('2.0 s long, 30 frames (15.0 fps), 250 kB (1.00 Mbit/s)');
    expect(seen.viewing.clocks()).toBe("frames are 1.5 s old by the producer's clock");
  });

  it.each([
    [{ ageMs: -3000 }, 'frames come 3.0 s before they were taken', /ahead of this host/],
    [{ ageMs: 3_600_000 }, 'frames are 3600.0 s old', /behind this host/],
    [{ timestampSource: 'received' }, /no date that makes sense/, /1970/],
  ])('warns of clocks that differ: %j', async (changes, finding, why) => {
    const seen = viewing(frame(0, changes), frame(1, changes));
    await seen.viewing.firstFrame();
    await seen.viewing.fragments();
    const complaint = (() => {
      try {
        return seen.viewing.clocks();
      } catch (error) {
        return error as Complaint;
      }
    })();
    expect(complaint).toMatchObject({ mending: { why: expect.stringMatching(why) } });
    expect((complaint as Complaint).message).toMatch(finding);
  });

  it('says that nothing came after the first fragment', async () => {
    const seen = viewing(frame(0), frame(0), timeout);
    await seen.viewing.firstFrame();
    await expect(seen.viewing.fragments()).rejects.toMatchObject({
      message: 'nothing came for 30 s after a fragment of 2.0 s',
    });
  });

  it('explains a first frame that does not come by what failed on the way', async () => {
    const seen = viewing(timeout);
    const error = new HlsStreamError('HLS_STALLED', 'the playlist stands still', { resource: 'playlist' });
    const { CONNECTING } = ConnectionState;
    seen.fake.emit('state', { from: CONNECTING, to: CONNECTING, phase: 'offline', error });
    await expect(seen.viewing.firstFrame()).rejects.toMatchObject({
      code: 'HLS_STALLED',
      resource: 'playlist',
      message: 'no frame within 30 s; the last failure: the playlist stands still',
    });
    await expect(viewing(timeout).viewing.firstFrame()).rejects.toMatchObject({ code: 'READ_TIMEOUT' });
    await expect(viewing().viewing.firstFrame()).rejects.toMatchObject({ code: 'HLS_UNDECODABLE' });
  });

  it.each([timeout, new FrameSourceError('HLS_UNDECODABLE', 'the last fragments gave no frame')])(
    'knows missing codec data from damage by what the decoder says: $code',
    async (error) => {
      const seeing = async (log: string[]): Promise<unknown> => {
        const seen = viewing(new FrameSourceError('TOO_MANY_ERRORS', 'gave up', { cause: error }));
        const fault = {
          stage: 'decode',
          message: 'refused 2 of 2 packets',
          codeName: '',
          fragment: undefined,
        };
        seen.fake.emit('fault', { ...fault, log });
        return mendingOf(await seen.viewing.firstFrame().catch((reason: unknown) => reason), subject)?.why;
      };
      expect(await seeing(['h264: no frame!', 'h264: No start code is found.'])).toMatch(/no codec data/);
      expect(await seeing(['h264: Invalid NAL unit size (-1 > 641).'])).not.toMatch(/codec data/);
    },
  );
});
