import type { SourceHealth, HealthStatus } from '../health.js';
import type { SourceMetrics } from '../source-metrics.js';
import { fitted, printable, widthOf } from './terminal-text.js';
import { countdown, counted, duration } from './words.js';

/** What the terminal line is made from. */
export interface StatusFacts {
  cameraId: string;
  nowMs: number;
  /** Of late; `null` if nothing came. */
  fps: number | null;
  /** Of the last frame when it came; `null` before the first. */
  ageMs: number | null;
  health: Pick<SourceHealth, 'status' | 'reason' | 'next' | 'lastFrameAgoMs' | 'rhythm'>;
  metrics: Pick<SourceMetrics, 'session' | 'gaps' | 'gapMs'>;
}

const WORDS: Record<HealthStatus, string> = {
  'not-started': 'not started',
  connecting: 'connecting',
  flowing: 'flowing',
  stalled: 'stalled',
  idle: 'camera silent',
  reconnecting: 'reconnecting',
  failed: 'failed',
  stopped: 'stopped',
};
const SEPARATOR = ' · ';
/** Frames come a fragment at a time: only a longer pause than two of them, and some, is worth telling. */
const PAUSE_FRAGMENTS = 2;
const PAUSE_MS = 2_000;
/** Less of a cause tells nothing. */
const CAUSE_COLUMNS = 24;

/** How old frames are when they come, or for how long none did. */
function age({ ageMs, health: { lastFrameAgoMs: agoMs, rhythm } }: StatusFacts): string {
  const pauseMs = PAUSE_FRAGMENTS * (rhythm.fragmentMs ?? 0) + PAUSE_MS;
  if (agoMs !== null && agoMs > pauseMs) return `last frame ${duration(agoMs / 1000)} ago`;
  return ageMs === null ? '' : `age ${(ageMs / 1000).toFixed(1)} s`;
}

function session({ metrics: { session: now }, nowMs }: StatusFacts): string {
  if (now === null || !Number.isFinite(now.expiresAtMs)) return '';
  return `session ${countdown(now.expiresAtMs - nowMs)}`;
}

/** Adds what the reason names as the cause, where there is room for enough of it. */
function withCause(line: string, reason: string, columns: number): string {
  const [, cause] = /: (.+)$/.exec(printable(reason)) ?? [];
  const room = columns - widthOf(line) - SEPARATOR.length;
  return cause === undefined || room < CAUSE_COLUMNS ? line : `${line}${SEPARATOR}${fitted(cause, room)}`;
}

/** The live line of `kvs-frames read`: one row of `columns`; of what does not fit the least important goes first. */
export function statusLine(facts: StatusFacts, columns: number): string {
  const { fps, health, metrics } = facts;
  const isFlowing = health.status === 'flowing';
  /** In the order they are shown in; the lowest rank is given up last. */
  const parts = [
    { rank: 3, text: printable(facts.cameraId) },
    { rank: 0, text: WORDS[health.status] },
    { rank: 1, text: isFlowing ? '' : (health.next?.words ?? '') },
    // What came before it stopped says nothing of now.
    { rank: 1, text: isFlowing && fps !== null ? `${fps.toFixed(1)} fps` : '' },
    { rank: 2, text: age(facts) },
    { rank: 6, text: session(facts) },
    {
      rank: 4,
      text:
        metrics.gaps === 0
          ? 'no gaps'
          : `${counted(metrics.gaps, 'gap')}, ${(metrics.gapMs / 1000).toFixed(1)} s`,
    },
  ].filter(({ text }) => text !== '');
  for (;;) {
    const line = parts.map(({ text }) => text).join(SEPARATOR);
    const isShort = widthOf(line) <= columns;
    if (isShort && !isFlowing) return withCause(line, health.reason, columns);
    if (isShort || parts.length === 1) return fitted(line, columns);
    const least = Math.max(...parts.map(({ rank }) => rank));
    parts.splice(
      parts.findIndex(({ rank }) => rank === least),
      1,
    );
  }
}
