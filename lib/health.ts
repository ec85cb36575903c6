import type { DecoderNews } from './events.js';
import type { ConnectionState, SourcePhase } from './policy/supervisor.js';

/**
 * The verdict in one word. `idle`: the reader is well and waits for a camera that sends nothing. `stalled`: connected, but
 * no frame for longer than the stream's own rhythm explains.
 */
export type HealthStatus =
  'not-started' | 'connecting' | 'flowing' | 'stalled' | 'idle' | 'reconnecting' | 'failed' | 'stopped';

/** Whether frames flow, and if not, why. */
export interface SourceHealth {
  /** Nobody has to do anything about the reader: frames flow, or the camera sends none (`status` tells which). */
  healthy: boolean;
  status: HealthStatus;
  state: ConnectionState;
  /** In words. */
  reason: string;
  /** Time since a frame was decoded last, ms; `null` before the first. */
  lastFrameAgoMs: number | null;
  /** Where pictures are decoded, and why not in hardware if that was asked for; `null` before the first one. */
  decoder: DecoderNews | null;
}

/** What a verdict is made from. */
export interface HealthFacts {
  state: ConnectionState;
  phase: SourcePhase;
  isStarted: boolean;
  consecutiveErrors: number;
  lastFrameAgoMs: number | null;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  /** Nothing new in the list for longer than this is a stall, ms: by the stream's own rhythm. `null`: not known yet. */
  stallMs: number | null;
  decoder: DecoderNews | null;
}

/** Frames come after their fragment: the list's stall is acted upon before this verdict says so. */
const STALL_FACTOR = 1.25;

/** The verdict on a source. */
export function healthOf(facts: HealthFacts): SourceHealth {
  const { state, phase, lastFrameAgoMs } = facts;
  const answer = (healthy: boolean, status: HealthStatus, reason: string): SourceHealth => ({
    healthy,
    status,
    state,
    reason,
    lastFrameAgoMs,
    decoder: facts.decoder,
  });
  const ago = lastFrameAgoMs === null ? '' : ` for ${Math.round(lastFrameAgoMs / 1000)} s`;
  const failures = facts.consecutiveErrors === 0 ? '' : `, ${facts.consecutiveErrors} failures in a row`;
  switch (phase) {
    case 'stopped':
      return facts.isStarted
        ? answer(false, 'stopped', 'stopped, or at the end of the stream')
        : answer(false, 'not-started', 'not started');
    case 'connecting':
      return answer(false, 'connecting', `waiting for the first frame${failures}`);
    case 'reconnecting':
      return answer(false, 'reconnecting', `reconnecting, no frame${ago}${failures}`);
    case 'offline':
      return answer(true, 'idle', `the camera sends nothing, no frame${ago || ' yet'}`);
    case 'failed':
      return answer(false, 'failed', 'gave up');
    case 'connected':
      if (facts.bufferedFrames > 0) return answer(true, 'flowing', 'frames wait to be taken');
      if (
        lastFrameAgoMs !== null &&
        facts.stallMs !== null &&
        lastFrameAgoMs > STALL_FACTOR * facts.stallMs
      ) {
        return answer(false, 'stalled', `no frame${ago}`);
      }
      return answer(true, 'flowing', 'frames flow');
  }
}
