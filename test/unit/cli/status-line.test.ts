import { describe, expect, it } from '@jest/globals';
import { statusLine, type StatusFacts } from '../../../lib/cli/status-line';
import { fitted, printable, widthOf } from '../../../lib/cli/terminal-text';
import { written } from '../../support/written-output';

const NOW = Date.UTC(2026, 10, 23);
const facts: StatusFacts = {
  cameraId: 'front-door',
  nowMs: NOW,
  fps: 14.96,
  ageMs: 2310,
  health: {
    status: 'flowing',
    reason: 'frames flow',
    next: { what: 'renew', atMs: NOW, words: 'opens the next session in 41 s' },
    lastFrameAgoMs: 1900,
    rhythm: { fragmentMs: 2000, stallAfterMs: 10_000 },
  },
  metrics: { session: { id: 1, expiresAtMs: NOW + 247_000 }, gaps: 0, gapMs: 0 },
};

describe('the live line', () => {
  it('says rate, age, state in words, what is left of the session, and gaps', () => {
    expect(statusLine(facts, 120)).toBe(
      'front-door · flowing · 15.0 fps · age 2.3 s · session 4:07 · no gaps',
    );
  });

  it('says what happens next while frames do not flow', () => {
    const next = { what: 'reconnect', atMs: NOW, words: 'connects again in 4 s' } as const;
    const metrics = { session: null, gaps: 2, gapMs: 4040 };
    const line = statusLine(
      { ...facts, health: { ...facts.health, status: 'reconnecting', next }, metrics },
      120,
    );
    expect(line).toBe('front-door · reconnecting · connects again in 4 s · age 2.3 s · 2 gaps, 4.0 s');
  });

  it('says in an outage what is done and when, also where there is little room, and why where there is more', () => {
    const next = { what: 'reconnect', atMs: NOW, words: 'tries again in 11 s' } as const;
    const reason =
      'reconnecting, no frame for 10 s, 2 failures in a row: The playlist can not be had: ECONNREFUSED';
    const health = { ...facts.health, status: 'reconnecting', reason, next, lastFrameAgoMs: 9900 } as const;
    const line = (columns: number): string => statusLine({ ...facts, health }, columns);
    const short = 'reconnecting · tries again in 11 s · last frame 9.9 s ago';
    expect(line(60)).toBe(short);
    expect(line(100)).toBe(`front-door · ${short} · session 4:07 · no gaps`);
    expect(line(125)).toBe(`front-door · ${short} · session 4:07 · no gaps · The playlist can not be ha…`);
    expect(line(200)).toMatch(/no gaps · The playlist can not be had: ECONNREFUSED$/);
    for (let columns = 1; columns <= 150; columns++)
      expect(widthOf(line(columns))).toBeLessThanOrEqual(columns);
  });

  it('says for how long none came, once that is longer than fragments explain', () => {
    const after = (lastFrameAgoMs: number): string =>
      statusLine({ ...facts, health: { ...facts.health, status: 'idle', next: null, lastFrameAgoMs } }, 120);
    expect(after(6000)).toContain(' · age 2.3 s · ');
    expect(after(6001)).toContain('front-door · camera silent · last frame 6.0 s ago · ');
    expect(after(65_000)).toContain('last frame 1 min 5 s ago');
  });

  it('shows no countdown of a session that never ends', () => {
    const metrics = { session: { id: 1, expiresAtMs: Infinity }, gaps: 1, gapMs: 500 };
    expect(statusLine({ ...facts, metrics }, 120)).toBe(
      'front-door · flowing · 15.0 fps · age 2.3 s · 1 gap, 0.5 s',
    );
  });

  it('never takes more columns than there are, and gives up what matters least first', () => {
    for (let columns = 1; columns <= 80; columns++) {
      const line = statusLine({ ...facts, cameraId: 'カメラ前玄関' }, columns);
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
    expect(statusLine(facts, 55)).toBe('front-door · flowing · 15.0 fps · age 2.3 s · no gaps');
    expect(statusLine(facts, 20)).toBe('flowing · 15.0 fps');
    expect(statusLine(facts, 4)).toBe('flo…');
  });

  it('lets no name move the cursor', () => {
    const line = statusLine({ ...facts, cameraId: 'a\u001b[2J\r\nb\u202ec' }, 120);
    expect(line).toMatch(/^a\[2Jbc · flowing/);
  });
});

describe('text on a terminal', () => {
  it('is measured in columns', () => {
    expect(widthOf('abc')).toBe(3);
    expect(widthOf('カメラ')).toBe(6);
    expect(widthOf('👩‍🚒é')).toBe(3);
  });

  it('is cut where it ends, not in the middle of a character', () => {
    expect(fitted('カメラ', 5)).toBe('カメ…');
    expect(fitted('カメラ', 4)).toBe('カ…');
    expect(fitted('abc', 3)).toBe('abc');
    expect(fitted('abc', 0)).toBe('');
  });

  it('is one line of what can be seen', () => {
    expect(printable('a\tb\u2028c\u009b31m\ud800')).toBe('abc31m');
  });
});

describe('output', () => {
  it('draws lines on a terminal only, and clears them before anything else is said', () => {
    const terminal = written({ columns: 20 });
    terminal.output.line('a'.repeat(50));
    terminal.output.line('b');
    terminal.output.say('fact', {}, 'said');
    terminal.output.say('fact', {}, 'again');
    expect(terminal.text()).toBe(`\r${'a'.repeat(18)}…\u001b[K\rb\u001b[K\r\u001b[Ksaid\nagain\n`);
    const pipe = written('people');
    pipe.output.line('nothing');
    pipe.output.record('fact', {});
    expect(pipe.text()).toBe('');
  });

  it('writes objects for programs, one a line', () => {
    const { output, text, objects } = written('json');
    output.line('nothing');
    output.say('fact', { n: 1 }, 'for people');
    output.record('more', { text: 'two\nlines' });
    expect(objects()).toEqual([
      { type: 'fact', n: 1 },
      { type: 'more', text: 'two\nlines' },
    ]);
    expect(text().split('\n')).toHaveLength(3);
  });
});
