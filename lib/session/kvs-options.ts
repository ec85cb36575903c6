import type * as ControlSdk from '@aws-sdk/client-kinesis-video';
import type { Clock } from '../clock.js';
import type { FrameSourceErrorCode } from '../errors.js';
import type { Logger } from '../logger.js';
import type { KvsOperation } from './kvs-fault.js';

/** What session to ask for. Ranges are checked by whoever takes the options from a user, and by AWS. */
export interface KvsSessionOptions {
  /** One of `streamName` and `streamArn`. */
  streamName?: string;
  streamArn?: string;
  /** Default: the ARN's, else the SDK's own (`AWS_REGION`, profile). */
  region?: string;
  /** Default: the SDK's chain. One provider serves both clients, so that credentials are fetched once. */
  credentials?: ControlSdk.KinesisVideoClientConfig['credentials'];
  /** Control plane; default: the SDK's own. The data plane is always where GetDataEndpoint says. */
  endpoint?: string;
  /** Default `LIVE`. */
  playbackMode?: 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
  /** Default `FRAGMENTED_MP4`. */
  containerFormat?: 'FRAGMENTED_MP4' | 'MPEG_TS';
  /**
   * Which clock dates fragments; dates of two sessions compare only if it is the same. Default `PRODUCER_TIMESTAMP`: the
   * time of capture. (LIVE selects by server time either way.)
   */
  fragmentSelectorType?: 'PRODUCER_TIMESTAMP' | 'SERVER_TIMESTAMP';
  /** Start of the range, for LIVE_REPLAY and ON_DEMAND. */
  startTimestamp?: Date;
  /** End of the range, for ON_DEMAND, and LIVE_REPLAY if it is to end. */
  endTimestamp?: Date;
  /** Default `ON_DISCONTINUITY`: gaps and overlaps above 50 ms are marked; the most information. */
  discontinuityMode?: 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
  /** Default `ALWAYS`; sessions can't be joined without dates. */
  displayFragmentTimestamp?: 'ALWAYS' | 'NEVER';
  /**
   * Fragments in a list. Default 10 for LIVE and LIVE_REPLAY: AWS recommends 3–10, and the list's length is how long a
   * pause can be survived without loss. Default 1000 for ON_DEMAND.
   */
  maxMediaPlaylistFragmentResults?: number;
  /** `Expires`, 300–43200 s. Default 300. */
  hlsSessionSeconds?: number;
  clock: Clock;
  logger: Logger;
  /** Spreads the age of cached endpoints; answers 0 ≤ n < 1. */
  random: () => number;
  /** Replaces the SDK's HTTP handler (proxies, own agents); its timeouts then are the caller's affair. */
  requestHandler?: ControlSdk.KinesisVideoClientConfig['requestHandler'];
  /** Told of every call: `ok`, or the code of its error. */
  onCall?: (operation: KvsOperation, outcome: 'ok' | FrameSourceErrorCode) => void;
}
