import { createRequire } from 'node:module';
import type * as ControlSdk from '@aws-sdk/client-kinesis-video';
import type * as MediaSdk from '@aws-sdk/client-kinesis-video-archived-media';
import { deadline, type Clock } from '../clock.js';
import { KvsConnectionError, type FrameSourceErrorCode } from '../errors.js';
import type { Logger } from '../logger.js';
import { blamesEndpoint, kvsError, noUrl, type KvsOperation } from './kvs-fault.js';
import type { Session, SessionProvider, SessionRequest } from './provider.js';
import { abortable, SharedCalls } from './shared-call.js';

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
   * pause can be survived without loss. For ON_DEMAND the service's own (1000).
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

/** Per attempt; the SDK makes up to three. A control plane answers in well under a second. */
const HTTP_LIMITS = { connectionTimeout: 5_000, requestTimeout: 15_000, throwOnRequestTimeout: true };
/** For one call with all its attempts, credentials included: three attempts and the pauses between them. */
const CALL_TIMEOUT_MS = 60_000;
/** Age at which a data endpoint is asked for again, spread over 80–120 %. AWS names no lifetime; readers that AWS
 *  describes refresh at about 45 min (kvs-hls §1.4). */
const ENDPOINT_AGE_MS = 3_600_000;
const LIVE_LIST_LENGTH = 10;

/** A data endpoint with the client that is built on it. */
interface DataPlane {
  endpoint: string;
  client: MediaSdk.KinesisVideoArchivedMediaClient;
  refreshAtMs: number;
}

/** Loads the SDK at first use only: who reads plain HLS never pays for it. */
const load = createRequire(__filename);
const controlSdk = (): typeof ControlSdk => load('@aws-sdk/client-kinesis-video') as typeof ControlSdk;
const mediaSdk = (): typeof MediaSdk =>
  load('@aws-sdk/client-kinesis-video-archived-media') as typeof MediaSdk;

function httpUrl(text: string | undefined): URL | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
}

/**
 * HLS sessions of one Kinesis video stream: `GetDataEndpoint`, then `GetHLSStreamingSessionURL`.
 *
 * Callers that overlap share one acquisition. The data endpoint is kept for about an hour, and dropped when it fails.
 */
export class KvsSessionProvider implements SessionProvider {
  readonly #options: KvsSessionOptions;
  readonly #stream: string;
  readonly #calls = new SharedCalls<Session>();
  #control: ControlSdk.KinesisVideoClient | undefined;
  #region = '';
  #dataPlane: DataPlane | undefined;
  #lastId = 0;
  #closed = false;

  constructor(options: KvsSessionOptions) {
    this.#options = options;
    this.#stream = options.streamName ?? options.streamArn ?? '';
  }

  /**
   * @throws KvsConnectionError `KVS_…`; `SOURCE_STOPPED` after {@link close}; the signal's reason once it is aborted
   */
  async acquire({ signal, resumeAtMs }: SessionRequest): Promise<Session> {
    this.#refuseIfClosed();
    const startMs = this.#startMs(resumeAtMs);
    return this.#calls.get(String(startMs), signal, (shared) => this.#acquire(startMs, shared));
  }

  /**
   * Region and credentials as the calls will use them, for diagnosis; makes no call to KVS.
   *
   * @returns when the credentials expire, Unix ms; `null` if they don't
   * @throws KvsConnectionError `KVS_DENIED` without credentials, `KVS_REJECTED` without a region
   */
  async identify(): Promise<{ region: string; expiresAtMs: number | null }> {
    const control = await this.#controlClient();
    try {
      const { expiration } = await control.config.credentials();
      return { region: this.#region, expiresAtMs: expiration?.getTime() ?? null };
    } catch (error) {
      throw kvsError('credentials', this.#stream, this.#region, error);
    }
  }

  /**
   * The data endpoint for HLS, for diagnosis.
   *
   * @throws KvsConnectionError `KVS_…`
   */
  async dataEndpoint(signal: AbortSignal): Promise<string> {
    this.#refuseIfClosed();
    return (await this.#plane(signal)).endpoint;
  }

  close(): void {
    this.#closed = true;
    this.#calls.abort(this.#closedError());
    this.#dataPlane?.client.destroy();
    this.#control?.destroy();
  }

  #closedError(): KvsConnectionError {
    return new KvsConnectionError('SOURCE_STOPPED', `Sessions for stream ${this.#stream} were closed`);
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw this.#closedError();
  }

  /** Start of the range in Unix ms, `null` in LIVE: the resumption, but neither before the range nor at its end. */
  #startMs(resumeAtMs: number | undefined): number | null {
    const { playbackMode = 'LIVE', startTimestamp, endTimestamp } = this.#options;
    if (playbackMode === 'LIVE') return null;
    const earliestMs = startTimestamp?.getTime() ?? 0;
    // AWS refuses an empty range.
    const latestMs = (endTimestamp?.getTime() ?? Infinity) - 1;
    return Math.max(earliestMs, Math.min(resumeAtMs ?? earliestMs, latestMs));
  }

  async #acquire(startMs: number | null, signal: AbortSignal): Promise<Session> {
    const cached = this.#dataPlane;
    const plane = await this.#plane(signal);
    try {
      return await this.#open(plane, startMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!blamesEndpoint(error)) throw error;
      this.#drop(plane);
      // An endpoint that was asked for just now would be the same again.
      if (plane !== cached) throw error;
      this.#options.logger.info(`Data endpoint of stream ${this.#stream} failed, asking for it again`);
      return this.#open(await this.#plane(signal), startMs, signal);
    }
  }

  async #plane(signal: AbortSignal): Promise<DataPlane> {
    const { clock } = this.#options;
    const cached = this.#dataPlane;
    if (cached !== undefined && clock.monotonic() < cached.refreshAtMs) return cached;
    try {
      return await this.#discover(signal);
    } catch (error) {
      signal.throwIfAborted();
      // Old is not broken: it is used for as long as it works.
      if (cached === undefined) throw error;
      this.#options.logger.debug(
        `Data endpoint of stream ${this.#stream} could not be refreshed, keeping the old one`,
      );
      return cached;
    }
  }

  async #discover(signal: AbortSignal): Promise<DataPlane> {
    const { clock, random, requestHandler } = this.#options;
    const control = await this.#controlClient();
    const { GetDataEndpointCommand } = controlSdk();
    const command = new GetDataEndpointCommand({
      ...this.#streamId(),
      APIName: 'GET_HLS_STREAMING_SESSION_URL',
    });
    const endpoint = await this.#call('GetDataEndpoint', signal, async (abortSignal) => {
      const { DataEndpoint: answer } = await control.send(command, { abortSignal });
      if (httpUrl(answer) !== null) return answer!;
      throw noUrl('GetDataEndpoint', this.#stream, this.#region, 'answered without an endpoint');
    });
    const old = this.#dataPlane;
    const refreshAtMs = clock.monotonic() + ENDPOINT_AGE_MS * (0.8 + 0.4 * random());
    if (old?.endpoint === endpoint) return (this.#dataPlane = { ...old, refreshAtMs });
    old?.client.destroy();
    const { KinesisVideoArchivedMediaClient: Client } = mediaSdk();
    const client = new Client({
      endpoint,
      region: this.#region,
      credentials: control.config.credentials,
      // The SDK refuses them beside an endpoint, and the environment may ask for them (kvs-hls §9.3).
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
      requestHandler: requestHandler ?? HTTP_LIMITS,
    });
    return (this.#dataPlane = { endpoint, client, refreshAtMs });
  }

  async #controlClient(): Promise<ControlSdk.KinesisVideoClient> {
    const { region, streamArn, endpoint, credentials, requestHandler } = this.#options;
    const chosen = region ?? streamArn?.split(':')[3];
    const { KinesisVideoClient: Client } = controlSdk();
    const control = (this.#control ??= new Client({
      ...(chosen && { region: chosen }),
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
      requestHandler: requestHandler ?? HTTP_LIMITS,
    }));
    try {
      this.#region = await control.config.region();
    } catch (error) {
      throw kvsError('GetDataEndpoint', this.#stream, 'no region', error);
    }
    return control;
  }

  async #open(plane: DataPlane, startMs: number | null, signal: AbortSignal): Promise<Session> {
    const { clock, hlsSessionSeconds = 300 } = this.#options;
    const { GetHLSStreamingSessionURLCommand } = mediaSdk();
    const command = new GetHLSStreamingSessionURLCommand(this.#parameters(startMs));
    // The request's time, not the answer's: whichever AWS counts from, this is not too late.
    const expiresAtMs = clock.now() + hlsSessionSeconds * 1000;
    const url = await this.#call('GetHLSStreamingSessionURL', signal, async (abortSignal) => {
      const { HLSStreamingSessionURL: answer } = await plane.client.send(command, { abortSignal });
      const answered = httpUrl(answer);
      if (answered === null) throw this.#noSessionUrl('answered without a session URL');
      if (answered.protocol === 'http:' && !plane.endpoint.startsWith('http:')) {
        throw this.#noSessionUrl('answered with an http URL, which would show the token to everyone');
      }
      return answer!;
    });
    return { id: ++this.#lastId, url, expiresAtMs };
  }

  #noSessionUrl(why: string): KvsConnectionError {
    return noUrl('GetHLSStreamingSessionURL', this.#stream, this.#region, why);
  }

  #streamId(): { StreamName: string } | { StreamARN: string } {
    const { streamName, streamArn = '' } = this.#options;
    return streamName === undefined ? { StreamARN: streamArn } : { StreamName: streamName };
  }

  #parameters(startMs: number | null): MediaSdk.GetHLSStreamingSessionURLCommandInput {
    const o = this.#options;
    const mode = o.playbackMode ?? 'LIVE';
    const listLength =
      o.maxMediaPlaylistFragmentResults ?? (mode === 'ON_DEMAND' ? undefined : LIVE_LIST_LENGTH);
    const range =
      startMs === null ? undefined : { StartTimestamp: new Date(startMs), EndTimestamp: o.endTimestamp };
    return {
      ...this.#streamId(),
      PlaybackMode: mode,
      HLSFragmentSelector: {
        FragmentSelectorType: o.fragmentSelectorType ?? 'PRODUCER_TIMESTAMP',
        ...(range && { TimestampRange: range }),
      },
      ContainerFormat: o.containerFormat ?? 'FRAGMENTED_MP4',
      DiscontinuityMode: o.discontinuityMode ?? 'ON_DISCONTINUITY',
      DisplayFragmentTimestamp: o.displayFragmentTimestamp ?? 'ALWAYS',
      Expires: o.hlsSessionSeconds ?? 300,
      ...(listLength !== undefined && { MaxMediaPlaylistFragmentResults: listLength }),
    };
  }

  /** One control call: bounded in time, ended by the signal whatever the SDK is doing, its errors translated. */
  async #call<T>(
    operation: KvsOperation,
    signal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, onCall } = this.#options;
    const tooLong = (): Error =>
      Object.assign(new Error(`No answer in ${CALL_TIMEOUT_MS} ms`), { name: 'TimeoutError' });
    using limit = deadline(clock, CALL_TIMEOUT_MS, tooLong, signal);
    try {
      const answer = await abortable(send(limit.signal), limit.signal);
      onCall?.(operation, 'ok');
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      const failure =
        error instanceof KvsConnectionError ? error : kvsError(operation, this.#stream, this.#region, error);
      onCall?.(operation, failure.code);
      // A past range does not fill.
      throw failure.code === 'KVS_NO_FRAGMENTS' && this.#options.playbackMode === 'ON_DEMAND'
        ? new KvsConnectionError('KVS_EMPTY_RANGE', failure.message, { cause: failure })
        : failure;
    }
  }

  #drop(plane: DataPlane): void {
    if (this.#dataPlane !== plane) return;
    plane.client.destroy();
    this.#dataPlane = undefined;
  }
}
