import type { DecoderNews } from './events.js';
import type { ConnectionState, SourcePhase } from './policy/supervisor.js';
import type { RenewalTrouble } from './session-loop.js';

/**
 * The verdict in one word. `idle`: the reader is well and waits for a camera that sends nothing. `stalled`: connected, but
 * no frame for longer than the stream's own rhythm explains, be it that all pictures are older than `maxAgeMs`.
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
  /** Reconnections tried within the last hour. */
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
   *  sends again. `stall`: unless a fragment comes before, the stream counts as stalled, and a new session is opened. `end`: the
   *  session ends, no other one can be had, and the source gives up. */
  what: 'renew' | 'reconnect' | 'look' | 'stall' | 'end';
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
  lastFrameAgoMs: number | null;
  /** A frame was decoded, or pictures of which none was wanted; `null`: never. */
  progressAgoMs: number | null;
  lastFrameAgeMs: number | null;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  /** The program holds all frames there is memory for. */
  isAllOnLoan: boolean;
  /** Pictures that were older than `maxAgeMs`, since the last frame. */
  agedPictures: number;
  /** How far apart frames are wanted, by the program's choice or for its slowness; 0: all. */
  framePeriodMs: number;
  rhythm: FragmentRhythm;
  renewals: number;
  reconnectsLastHour: number;
  /** What the session loop waits for: a fragment, for so long now. */
  renewInMs: number | null;
  connectInMs: number | null;
  awaitedForMs: number | null;
  renewal: RenewalTrouble;
  /** The session in use ends; `null`: never, or there is none. */
  sessionEndsInMs: number | null;
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
      if (!facts.isStarted) return answer(false, 'not-started', 'not started');
      return facts.bufferedFrames > 0
        ? answer(true, 'flowing', 'the stream has ended, its last frames wait to be taken')
        : answer(false, 'stopped', 'stopped, or at the end of the stream');
    case 'connecting': {
      const { agedPictures } = facts;
      const aged = agedPictures === 0 ? '' : `, ${agedPictures} pictures were older than maxAgeMs`;
      return answer(false, 'connecting', `waiting for the first frame${aged}${failures}${why}`);
    }
    case 'reconnecting':
      return answer(false, 'reconnecting', `reconnecting, no frame${ago}${failures}${why}`);
    case 'offline':
      return answer(true, 'idle', `the camera sends nothing, no frame${ago || ' yet'}`);
    case 'failed':
      return answer(false, 'failed', `gave up${failures}${why}`);
    case 'connected':
      return verdictOnFlow(facts, ago);
  }
}

/** The verdict while a session plays. `ago`: for how long there was no frame, in words. */
function verdictOnFlow({ renewal, ...facts }: HealthFacts, ago: string): Verdict {
  const { progressAgoMs, lastFrameAgoMs, agedPictures, flowAgoMs, rhythm, bufferedFrames } = facts;
  // Pictures that are all too old are no progress to the program, once one is due.
  const isAged = agedPictures > 0 && lastFrameAgoMs !== null;
  const waitedMs = isAged ? lastFrameAgoMs - facts.framePeriodMs : progressAgoMs;
  const stalledMs =
    waitedMs === null || rhythm.stallAfterMs === null ? 0 : waitedMs - flowEndsAfterMs(rhythm.stallAfterMs);
  if (stalledMs > 0 && bufferedFrames === 0) {
    const aged = agedPictures > 0 ? `: ${agedPictures} pictures were older than maxAgeMs` : '';
    const why = facts.isAllOnLoan ? ': all are on loan, and the program has given none back' : aged;
    return { healthy: false, status: 'stalled', reason: `no frame${ago}${why}`, agoMs: stalledMs };
  }
  const flow = stalledMs > 0 ? `frames wait to be taken, no new one${ago}` : 'frames flow';
  const times = renewal.failures === 1 ? 'once' : `${renewal.failures} times`;
  const trouble = renewal.failures === 0 ? '' : `; renewing the session failed ${times}: ${renewal.reason}`;
  return { healthy: !renewal.isGivenUp, status: 'flowing', reason: `${flow}${trouble}`, agoMs: flowAgoMs };
}

function nextStep(facts: HealthFacts): PlannedStep | null {
  const { nowMs, phase, renewInMs, connectInMs, renewal, sessionEndsInMs } = facts;
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
  const stallInMs = stallIn(facts);
  // Before a frame has come, that is what is waited for, not the end of a session that is not known to be good.
  const isFlowing = phase === 'connected';
  if (stallInMs !== null && (!isFlowing || renewInMs === null || stallInMs < renewInMs)) {
    const words = `opens a new session in ${inSeconds(stallInMs)}, unless a fragment comes`;
    return step('stall', stallInMs, words);
  }
  if (!isFlowing) return null;
  if (renewal.isGivenUp && sessionEndsInMs !== null) {
    return step('end', sessionEndsInMs, `ends with its session in ${inSeconds(sessionEndsInMs)}`);
  }
  if (renewInMs === null) return null;
  return step('renew', renewInMs, `opens the next session in ${inSeconds(renewInMs)}`);
}

/** When a stream whose next fragment is late counts as stalled; `null` while none is late, or none is waited for. */
function stallIn({ phase, awaitedForMs, rhythm }: HealthFacts): number | null {
  const { fragmentMs, stallAfterMs: limitMs } = rhythm;
  if (awaitedForMs === null || limitMs === null) return null;
  if (phase === 'connected' && (fragmentMs === null || awaitedForMs <= LATE_FACTOR * fragmentMs)) return null;
  return Math.max(0, limitMs - awaitedForMs);
}
