import { ConnectionState } from './policy/supervisor.js';

/** Whether frames flow, and if not, why. */
export interface SourceHealth {
  healthy: boolean;
  state: ConnectionState;
  /** In words. */
  reason: string;
  /** Time since a frame was decoded last, ms; `null` before the first. */
  lastFrameAgoMs: number | null;
}

/** What a verdict is made from. */
export interface HealthFacts {
  state: ConnectionState;
  isStarted: boolean;
  consecutiveErrors: number;
  lastFrameAgoMs: number | null;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  /** Length of the last fragment, ms; 0 before the first. */
  fragmentMs: number;
}

/** No frame for this long, or for three fragments if those are longer, is a stall: the same limit after which the
 *  follower wants a new session (kvs-hls §12.1). */
const STALL_MS = 10_000;

/** The verdict on a source. */
export function healthOf(facts: HealthFacts): SourceHealth {
  const { state, lastFrameAgoMs } = facts;
  const answer = (healthy: boolean, reason: string): SourceHealth => ({
    healthy,
    state,
    reason,
    lastFrameAgoMs,
  });
  switch (state) {
    case ConnectionState.DISCONNECTED:
      return answer(false, facts.isStarted ? 'stopped, or at the end of the stream' : 'not started');
    case ConnectionState.CONNECTING:
      return answer(false, 'waiting for the first frame');
    case ConnectionState.RECONNECTING:
      return answer(false, `reconnecting, ${facts.consecutiveErrors} failures in a row`);
    case ConnectionState.ERROR:
      return answer(false, 'gave up');
    case ConnectionState.CONNECTED:
      if (facts.bufferedFrames > 0) return answer(true, 'frames wait to be taken');
      if (lastFrameAgoMs !== null && lastFrameAgoMs > Math.max(STALL_MS, 3 * facts.fragmentMs)) {
        return answer(false, `no frame for ${Math.round(lastFrameAgoMs / 1000)} s`);
      }
      return answer(true, 'frames flow');
  }
}
