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
  /** The finer state. */
  phase: SourcePhase;
  /** In words. */
  reason: string;
  /** Since when the status is what it is, Unix ms. */
  sinceMs: number;
  /** Time since a frame was decoded last, ms; `null` before the first. */
  lastFrameAgoMs: number | null;
  /** How old the newest decoded frame is by its capture time, ms; `null` before the first. */
  lastFrameAgeMs: number | null;
  /** How the stream's fragments come. */
  rhythm: FragmentRhythm;
  /** Sessions that took over from one that still played. */
  renewals: number;
  /** Connections made again after a failure, within the last hour. */
  reconnectsLastHour: number;
  /** What the reader does next by itself, and when; `null` where nothing is planned. */
  next: PlannedStep | null;
  /** Where pictures are decoded, and why not in hardware if that was asked for; `null` before the first one. */
  decoder: DecoderNews | null;
}

/** How fragments come. */
export interface FragmentRhythm {
  /** Median length of the newest eight, ms; `null` before the first. */
  fragmentMs: number | null;
  /** The stream counts as stalled when it shows nothing new for longer than this, ms: three times the longest of its recent
   *  fragments and silences, 10 s at least; 30 s before anything is known. */
  stallAfterMs: number | null;
}

/** Something the reader will do by itself. */
export interface PlannedStep {
  /** `renew`: the next session is opened while this one plays. `reconnect`: after a failure. `look`: whether the silent camera
   *  sends again. `stall`: unless a fragment comes before, the stream counts as stalled, and a new session is opened. */
  what: 'renew' | 'reconnect' | 'look' | 'stall';
  /** Unix ms. */
  atMs: number;
  /** In words, e.g. `opens the next session in 41 s`. */
  words: string;
}

/** What a verdict is made from. Times are ms before now, or from now on. */
export interface HealthFacts {
  nowMs: number;
  state: ConnectionState;
  phase: SourcePhase;
  isStarted: boolean;
  consecutiveErrors: number;
  /** What failed last, in words. */
  lastFault: string | null;
  /** The phase is what it is, and frames have flowed in it, for so long. */
  phaseAgoMs: number;
  flowAgoMs: number;
  fragmentAgoMs: number | null;
  lastFrameAgoMs: number | null;
  lastFrameAgeMs: number | null;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  rhythm: FragmentRhythm;
  renewals: number;
  reconnectsLastHour: number;
  /** What the session loop waits for. */
  renewInMs: number | null;
  connectInMs: number | null;
  decoder: DecoderNews | null;
}

/** Frames come after their fragment: the list's stall is acted upon before this verdict says so. */
const STALL_FACTOR = 1.25;
/** A fragment that is later than so many lengths of it is worth telling about. */
const LATE_FACTOR = 2;

/** How long no frame may come until they do not flow any more. `stallMs`: so long may the list show nothing new. */
export const flowEndsAfterMs = (stallMs: number): number => STALL_FACTOR * stallMs;

type Verdict = Pick<SourceHealth, 'healthy' | 'status' | 'reason'> & {
  /** For how long. */
  agoMs: number;
};

const inSeconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;

/** The verdict on a source. */
export function healthOf(facts: HealthFacts): SourceHealth {
  const {
    nowMs,
    state,
    phase,
    lastFrameAgoMs,
    lastFrameAgeMs,
    rhythm,
    renewals,
    reconnectsLastHour,
    decoder,
  } = facts;
  const { agoMs, ...verdict } = verdictOn(facts);
  return {
    ...verdict,
    state,
    phase,
    sinceMs: nowMs - agoMs,
    lastFrameAgoMs,
    lastFrameAgeMs,
    rhythm,
    renewals,
    reconnectsLastHour,
    next: nextStep(facts),
    decoder,
  };
}

function verdictOn(facts: HealthFacts): Verdict {
  const { phase, lastFrameAgoMs, phaseAgoMs, lastFault } = facts;
  const answer = (healthy: boolean, status: HealthStatus, reason: string, agoMs = phaseAgoMs): Verdict => ({
    healthy,
    status,
    reason,
    agoMs,
  });
  const ago = lastFrameAgoMs === null ? '' : ` for ${inSeconds(lastFrameAgoMs)}`;
  const failures = facts.consecutiveErrors < 2 ? '' : `, ${facts.consecutiveErrors} failures in a row`;
  const why = lastFault === null ? '' : `: ${lastFault}`;
  switch (phase) {
    case 'stopped':
      return facts.isStarted
        ? answer(false, 'stopped', 'stopped, or at the end of the stream')
        : answer(false, 'not-started', 'not started');
    case 'connecting':
      return answer(false, 'connecting', `waiting for the first frame${failures}${why}`);
    case 'reconnecting':
      return answer(false, 'reconnecting', `reconnecting, no frame${ago}${failures}${why}`);
    case 'offline':
      return answer(true, 'idle', `the camera sends nothing, no frame${ago || ' yet'}`);
    case 'failed':
      return answer(false, 'failed', `gave up${why}`);
    case 'connected': {
      const { bufferedFrames, flowAgoMs, rhythm } = facts;
      const stalledMs =
        lastFrameAgoMs === null || rhythm.stallAfterMs === null
          ? 0
          : lastFrameAgoMs - flowEndsAfterMs(rhythm.stallAfterMs);
      if (stalledMs > 0) {
        if (bufferedFrames === 0) return answer(false, 'stalled', `no frame${ago}`, stalledMs);
        return answer(true, 'flowing', `frames wait to be taken, no new one${ago}`, flowAgoMs);
      }
      return answer(true, 'flowing', 'frames flow', flowAgoMs);
    }
  }
}

function nextStep(facts: HealthFacts): PlannedStep | null {
  const { nowMs, phase, renewInMs, connectInMs } = facts;
  const step = (what: PlannedStep['what'], inMs: number, words: string): PlannedStep => ({
    what,
    atMs: nowMs + Math.max(0, inMs),
    words,
  });
  if (connectInMs !== null) {
    return phase === 'offline'
      ? step('look', connectInMs, `looks for the camera in ${inSeconds(connectInMs)}`)
      : step('reconnect', connectInMs, `tries again in ${inSeconds(connectInMs)}`);
  }
  const stallInMs = phase === 'connected' ? stallIn(facts) : null;
  if (stallInMs !== null && (renewInMs === null || stallInMs < renewInMs)) {
    const words = `opens a new session in ${inSeconds(stallInMs)}, unless a fragment comes`;
    return step('stall', stallInMs, words);
  }
  if (renewInMs === null) return null;
  return step('renew', renewInMs, `opens the next session in ${inSeconds(renewInMs)}`);
}

/** When a stream whose next fragment is late counts as stalled; `null` while none is late. */
function stallIn({
  fragmentAgoMs,
  rhythm: { fragmentMs, stallAfterMs: limitMs },
}: HealthFacts): number | null {
  if (fragmentAgoMs === null || fragmentMs === null || limitMs === null) return null;
  return fragmentAgoMs > LATE_FACTOR * fragmentMs ? Math.max(0, limitMs - fragmentAgoMs) : null;
}
