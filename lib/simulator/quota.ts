import { limitExceeded } from './errors.js';

/** Requests per second of one stream, by action (AWS service quotas). */
const streamLimits: Readonly<Record<string, number>> = {
  DescribeStream: 5,
  GetDataEndpoint: 5,
  GetHLSStreamingSessionURL: 25,
};

/** Requests per second of the account. */
const accountLimits: Readonly<Record<string, number>> = {
  DescribeStream: 300,
  GetDataEndpoint: 300,
  ListStreams: 50,
};

/** Requests per second of one session. */
const sessionLimits: Readonly<Record<string, number>> = {
  GetHLSMasterPlaylist: 5,
  GetHLSMediaPlaylist: 5,
  GetMP4InitFragment: 5,
  GetMP4MediaFragment: 20,
  GetTSFragment: 20,
};

const metadataPointsPerSecond = 10_000;
const mediaPointsPerSecond = 500;
/** Above so many counters, those of sessions long gone are let go. */
const maxIdleCounters = 1000;

/** AWS's request quotas, as sums over the last second. */
export class Quotas {
  readonly #spent = new Map<string, { atMs: number; points: number }[]>();

  /** Charges a control call. Throws `ClientLimitExceededException`. */
  chargeControl(action: string, stream: string | null, nowMs: number): void {
    this.#charge(`account ${action}`, 1, accountLimits[action], action, 'account', nowMs);
    if (stream !== null) {
      this.#charge(`stream ${stream} ${action}`, 1, streamLimits[action], action, stream, nowMs);
    }
  }

  /** Charges a playback request. Throws `ClientLimitExceededException`. */
  chargePlayback(
    action: string,
    session: { id: number; stream: string; maxFragments: number },
    nowMs: number,
  ): void {
    const { id, stream, maxFragments } = session;
    this.#charge(`session ${id} ${action}`, 1, sessionLimits[action], action, stream, nowMs);
    if (action === 'GetHLSMediaPlaylist') {
      this.#charge(`metadata ${stream}`, maxFragments, metadataPointsPerSecond, action, stream, nowMs);
    } else if (action === 'GetMP4MediaFragment' || action === 'GetTSFragment') {
      this.#charge(`media ${stream}`, 1, mediaPointsPerSecond, action, stream, nowMs);
    }
  }

  #charge(
    key: string,
    points: number,
    limit: number | undefined,
    action: string,
    resource: string,
    nowMs: number,
  ): void {
    if (limit === undefined) return;
    const recent = (this.#spent.get(key) ?? []).filter((charge) => charge.atMs > nowMs - 1000);
    const sum = recent.reduce((total, charge) => total + charge.points, 0);
    // A refused request is not charged: only what was served counts against the second.
    if (sum + points <= limit) recent.push({ atMs: nowMs, points });
    this.#spent.set(key, recent);
    if (this.#spent.size > maxIdleCounters) this.#forgetIdle(nowMs);
    if (sum + points > limit) throw limitExceeded(action, resource);
  }

  #forgetIdle(nowMs: number): void {
    for (const [key, charges] of this.#spent) {
      if (charges.every((charge) => charge.atMs <= nowMs - 1000)) this.#spent.delete(key);
    }
  }
}
