import { createRequire } from 'node:module';
import type * as ControlSdk from '@aws-sdk/client-kinesis-video';
import type * as MediaSdk from '@aws-sdk/client-kinesis-video-archived-media';
import { deadline } from '../clock.js';
import { KvsConnectionError, type FrameSourceErrorCode } from '../errors.js';
import { accountOf } from './account.js';
import { callGates } from './call-gate.js';
import { endpointsOf, type Endpoint } from './endpoints.js';
import { blamesCredentials, blamesEndpoint, kvsError, noUrl, type KvsOperation } from './kvs-fault.js';
import type { KvsSessionOptions } from './kvs-options.js';
import { sessionParameters, streamId, stretchOf, type Stretch } from './kvs-request.js';
import type { Session, SessionProvider, SessionRequest } from './provider.js';
import { abortable, SharedCalls } from './shared-call.js';

/**
 * A control plane answers in well under a second. Calls are minutes apart: connections that are kept would be found
 * dead, and nothing is tried twice.
 */
const HTTP_OPTIONS = {
  connectionTimeout: 5_000,
  requestTimeout: 15_000,
  throwOnRequestTimeout: true,
  httpAgent: { keepAlive: false },
  // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: the calls hold credentials' signatures, the answers tokens.
  httpsAgent: { keepAlive: false, rejectUnauthorized: true },
};
/** For one call, and for getting credentials: what the SDK's own limits leave out, the call must not. */
const CALL_TIMEOUT_MS = 30_000;
/** The session loop's back-off is the only one: retries of the SDK would multiply with it. */
const MAX_ATTEMPTS = 1;
/** How soon credentials are asked for again after new ones were refused as the old ones were. */
const REFRESH_PAUSE_MS = 60_000;
/** Age at which a data endpoint is asked for again, spread over 80–120 %. AWS names no lifetime; readers that AWS
 *  describes refresh at about 45 min (kvs-hls §1.4). */
const ENDPOINT_AGE_MS = 3_600_000;

/**
 * The SDK keeps the text of its credential files for the life of the process; handed on to its chain of credentials, this
 * makes it read them again. Its types don't know it.
 */
const REREADS_FILES = { ignoreCache: true };

/** A data endpoint with the client that is built on it. */
interface DataPlane {
  /** Under which the process knows the endpoint. */
  key: string;
  endpoint: string;
  client: MediaSdk.KinesisVideoArchivedMediaClient;
  refreshAtMs: number;
}

/** Loads the SDK at first use only: who reads plain HLS never pays for it. */
const load = createRequire(__filename);
const controlSdk = (): typeof ControlSdk => load('@aws-sdk/client-kinesis-video') as typeof ControlSdk;
const mediaSdk = (): typeof MediaSdk =>
  load('@aws-sdk/client-kinesis-video-archived-media') as typeof MediaSdk;

function hasCode(error: unknown, code: FrameSourceErrorCode): error is KvsConnectionError {
  return error instanceof KvsConnectionError && error.code === code;
}

function httpUrl(text: string | undefined): URL | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
}

/**
 * HLS sessions of one Kinesis video stream: `GetDataEndpoint`, then `GetHLSStreamingSessionURL`.
 *
 * Callers that overlap share one acquisition. The data endpoint is kept for about an hour, and dropped when it fails.
 * Calls are made once: only a cached endpoint that fails and credentials that are refused are asked for anew, once each.
 * While the service throttles the account, calls of all providers of the process wait.
 */
export class KvsSessionProvider implements SessionProvider {
  readonly #options: KvsSessionOptions;
  readonly #stream: string;
  readonly #calls = new SharedCalls<Session>();
  #control: ControlSdk.KinesisVideoClient | undefined;
  #region = '';
  #dataPlane: DataPlane | undefined;
  #lastId = 0;
  /** Monotonic ms before which refused credentials are not asked for anew. */
  #refreshAtMs = -Infinity;
  #closed = false;

  constructor(options: KvsSessionOptions) {
    this.#options = options;
    this.#stream = options.streamName ?? options.streamArn ?? '';
  }

  /**
   * @throws KvsConnectionError `KVS_…`; `SOURCE_STOPPED` after {@link close}; the signal's reason once it is aborted
   */
  async acquire({ signal, ...request }: SessionRequest): Promise<Session> {
    this.#refuseIfClosed();
    const stretch = stretchOf(this.#options, request, this.#options.clock.now());
    return this.#calls.get(JSON.stringify(stretch), signal, (shared) => this.#acquire(stretch, shared));
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
      throw kvsError('credentials', this.#stream, this.#region, error, this.#options.clock.now());
    }
  }

  /**
   * The data endpoint for HLS, for diagnosis.
   *
   * @throws KvsConnectionError `KVS_…`
   */
  async dataEndpoint(signal: AbortSignal): Promise<string> {
    this.#refuseIfClosed();
    return (await this.#plane(signal)).plane.endpoint;
  }

  close(): void {
    this.#closed = true;
    this.#calls.abort(this.#closedError());
    endpointsOf(this.#options.clock).leave(this);
    this.#dataPlane?.client.destroy();
    this.#control?.destroy();
  }

  #closedError(): KvsConnectionError {
    return new KvsConnectionError('SOURCE_STOPPED', `Sessions for stream ${this.#stream} were closed`);
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw this.#closedError();
  }

  /** Credentials that are refused are asked for anew, once: they may have been replaced since. */
  async #acquire(stretch: Stretch | null, signal: AbortSignal): Promise<Session> {
    const { clock, logger } = this.#options;
    try {
      return await this.#openAnywhere(stretch, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!blamesCredentials(error) || clock.monotonic() < this.#refreshAtMs) throw error;
    }
    logger.info(`Credentials for stream ${this.#stream} were refused, asking for them again`);
    this.#refreshAtMs = clock.monotonic() + REFRESH_PAUSE_MS;
    const control = await this.#controlClient();
    // Also a chain or a client's credentials that remember what they found are asked anew by this.
    await this.#bounded('credentials', signal, () => control.config.credentials({ forceRefresh: true }));
    const session = await this.#openAnywhere(stretch, signal);
    this.#refreshAtMs = -Infinity;
    return session;
  }

  /** At the cached data endpoint, or where it has moved to. */
  async #openAnywhere(stretch: Stretch | null, signal: AbortSignal): Promise<Session> {
    const { plane, isNew } = await this.#plane(signal);
    try {
      return await this.#open(plane, stretch, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!blamesEndpoint(error)) throw error;
      this.#drop(plane);
      // An endpoint that was asked for just now would be the same again.
      if (isNew) throw error;
      this.#options.logger.info(`Data endpoint of stream ${this.#stream} failed, asking for it again`);
      return this.#open((await this.#plane(signal)).plane, stretch, signal);
    }
  }

  /** `isNew`: its endpoint was asked for just now. */
  async #plane(signal: AbortSignal): Promise<{ plane: DataPlane; isNew: boolean }> {
    const { clock } = this.#options;
    const cached = this.#dataPlane;
    if (cached !== undefined && clock.monotonic() < cached.refreshAtMs) {
      return { plane: cached, isNew: false };
    }
    try {
      return await this.#discover(signal);
    } catch (error) {
      signal.throwIfAborted();
      // Old is not broken: it is used for as long as it works.
      if (cached === undefined) throw error;
      this.#options.logger.debug(
        `Data endpoint of stream ${this.#stream} could not be refreshed, keeping the old one`,
      );
      return { plane: cached, isNew: false };
    }
  }

  async #discover(signal: AbortSignal): Promise<{ plane: DataPlane; isNew: boolean }> {
    const { requestHandler } = this.#options;
    const control = await this.#controlClient();
    const key = await this.#endpointKey(signal);
    const { endpoint, isNew } = await this.#endpoint(key, signal);
    const { url, refreshAtMs } = endpoint;
    const old = this.#dataPlane;
    if (old?.endpoint === url) return { plane: (this.#dataPlane = { ...old, key, refreshAtMs }), isNew };
    this.#refuseIfClosed();
    old?.client.destroy();
    const { KinesisVideoArchivedMediaClient: Client } = mediaSdk();
    const client = new Client({
      endpoint: url,
      region: this.#region,
      credentials: control.config.credentials,
      // The SDK refuses them beside an endpoint, and the environment may ask for them (kvs-hls §9.3).
      useFipsEndpoint: false,
      useDualstackEndpoint: false,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: requestHandler ?? HTTP_OPTIONS,
    });
    return { plane: (this.#dataPlane = { key, endpoint: url, client, refreshAtMs }), isNew };
  }

  /** The endpoint as the process knows it, or asked for with those who want it too. */
  async #endpoint(key: string, signal: AbortSignal): Promise<{ endpoint: Endpoint; isNew: boolean }> {
    const endpoints = endpointsOf(this.#options.clock);
    for (;;) {
      try {
        return await endpoints.get(key, this, signal, (shared) => this.#askForEndpoint(shared));
      } catch (error) {
        // Another provider asked, and was closed over it.
        if (this.#closed || signal.aborted || !hasCode(error, 'SOURCE_STOPPED')) throw error;
      }
    }
  }

  async #askForEndpoint(signal: AbortSignal): Promise<Endpoint> {
    const { clock, random } = this.#options;
    const control = await this.#controlClient();
    const { GetDataEndpointCommand } = controlSdk();
    const command = new GetDataEndpointCommand({
      ...streamId(this.#options),
      APIName: 'GET_HLS_STREAMING_SESSION_URL',
    });
    // Where no option says so, the environment or a profile may have named the endpoint: only the request tells.
    let askedBy: string | undefined;
    command.middlewareStack.add(
      (next) => (args) => {
        askedBy = (args.request as { protocol?: string }).protocol;
        return next(args);
      },
      { step: 'finalizeRequest' },
    );
    const isFirst = this.#dataPlane === undefined;
    const send = async (abortSignal: AbortSignal): Promise<string> => {
      const { DataEndpoint: answer } = await control.send(command, { abortSignal });
      const answered = httpUrl(answer);
      if (answered === null) throw this.#noEndpoint('answered without an endpoint');
      if (answered.protocol === 'http:' && askedBy === 'https:') {
        throw this.#noEndpoint('answered with an http endpoint, which would show the token to everyone');
      }
      return answer!;
    };
    try {
      // A refresh can be done without: it neither waits, nor holds up the session's call that comes next.
      const url = await this.#call('GetDataEndpoint', signal, send, isFirst);
      return { url, refreshAtMs: clock.monotonic() + ENDPOINT_AGE_MS * (0.8 + 0.4 * random()) };
    } catch (error) {
      this.#refuseIfClosed();
      throw error;
    }
  }

  /** Whose calls, of which stream: those who have that in common share the endpoint. */
  async #endpointKey(signal: AbortSignal): Promise<string> {
    const { endpoint = '', onCall } = this.#options;
    try {
      const account = await this.#bounded('GetDataEndpoint', signal, () => this.#account());
      return JSON.stringify([account, this.#region, endpoint, this.#stream]);
    } catch (error) {
      if (error instanceof KvsConnectionError && !signal.aborted) onCall?.('GetDataEndpoint', error.code);
      throw error;
    }
  }

  async #controlClient(): Promise<ControlSdk.KinesisVideoClient> {
    const { region, streamArn, endpoint, credentials, requestHandler } = this.#options;
    const chosen = region ?? streamArn?.split(':')[3];
    const { KinesisVideoClient: Client } = controlSdk();
    const control = (this.#control ??= new Client({
      ...(chosen && { region: chosen }),
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
      ...REREADS_FILES,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: requestHandler ?? HTTP_OPTIONS,
    }));
    try {
      this.#region = await control.config.region();
    } catch (error) {
      throw kvsError('GetDataEndpoint', this.#stream, 'no region', error, this.#options.clock.now());
    }
    return control;
  }

  async #open(plane: DataPlane, stretch: Stretch | null, signal: AbortSignal): Promise<Session> {
    const { clock, hlsSessionSeconds = 300 } = this.#options;
    const { GetHLSStreamingSessionURLCommand } = mediaSdk();
    const command = new GetHLSStreamingSessionURLCommand(sessionParameters(this.#options, stretch));
    let expiresAtMs = Infinity;
    let endsAtMs = Infinity;
    const send = async (abortSignal: AbortSignal): Promise<string> => {
      // The request's time, not the answer's: whichever AWS counts from, this is not too late.
      expiresAtMs = clock.now() + hlsSessionSeconds * 1000;
      endsAtMs = clock.monotonic() + hlsSessionSeconds * 1000;
      const { HLSStreamingSessionURL: answer } = await plane.client.send(command, { abortSignal });
      const answered = httpUrl(answer);
      if (answered === null) throw this.#noSessionUrl('answered without a session URL');
      if (answered.protocol === 'http:' && !plane.endpoint.startsWith('http:')) {
        throw this.#noSessionUrl('answered with an http URL, which would show the token to everyone');
      }
      return answer!;
    };
    try {
      const url = await this.#call('GetHLSStreamingSessionURL', signal, send);
      return { id: ++this.#lastId, url, expiresAtMs, endsAtMs };
    } catch (error) {
      // A past range does not fill.
      if (stretch?.mode !== 'ON_DEMAND' || !hasCode(error, 'KVS_NO_FRAGMENTS')) throw error;
      throw new KvsConnectionError('KVS_EMPTY_RANGE', error.message, { cause: error });
    }
  }

  #noEndpoint(why: string): KvsConnectionError {
    return noUrl('GetDataEndpoint', this.#stream, this.#region, why);
  }

  #noSessionUrl(why: string): KvsConnectionError {
    return noUrl('GetHLSStreamingSessionURL', this.#stream, this.#region, why);
  }

  /** One control call; if it is gated, as soon as the service may be asked. */
  async #call<T>(
    operation: KvsOperation,
    signal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<T>,
    isGated = true,
  ): Promise<T> {
    const { clock, random, logger, endpoint = '', onCall } = this.#options;
    const ask = (): Promise<T> => this.#bounded(operation, signal, send);
    try {
      const account = await this.#bounded(operation, signal, () => this.#account());
      const gate = JSON.stringify([account, this.#region, endpoint]);
      const answer = isGated
        ? await callGates(clock).run(gate, this.#region, { signal, random, logger }, ask)
        : await ask();
      onCall?.(operation, 'ok');
      return answer;
    } catch (error) {
      if (error instanceof KvsConnectionError && !signal.aborted) onCall?.(operation, error.code);
      throw error;
    }
  }

  /** Whom the service counts this provider's calls for. */
  async #account(): Promise<string> {
    const control = await this.#controlClient();
    return accountOf(await control.config.credentials(), this.#options.streamArn?.split(':')[4]);
  }

  /** Bounded in time, ended by the signal whatever the SDK is doing, its errors translated. */
  async #bounded<T>(
    operation: KvsOperation | 'credentials',
    signal: AbortSignal,
    work: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const tooLong = (): Error =>
      Object.assign(new Error(`No answer in ${CALL_TIMEOUT_MS} ms`), { name: 'TimeoutError' });
    using limit = deadline(this.#options.clock, CALL_TIMEOUT_MS, tooLong, signal);
    try {
      return await abortable(work(limit.signal), limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof KvsConnectionError
        ? error
        : kvsError(operation, this.#stream, this.#region, error, this.#options.clock.now());
    }
  }

  #drop(plane: DataPlane): void {
    if (this.#dataPlane !== plane) return;
    endpointsOf(this.#options.clock).forget(plane.key, plane.endpoint);
    plane.client.destroy();
    this.#dataPlane = undefined;
  }
}
