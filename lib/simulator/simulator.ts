import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import { silentLogger, type Logger } from '../logger.js';
import { ControlPlane } from './control-plane.js';
import { ServiceError, unknownOperation, wrongPlane } from './errors.js';
import type { RequestNotes, SimulatorRequest, SimulatorResponse } from './exchange.js';
import { Faults } from './faults/faults.js';
import type { PlacedEdit } from './faults/playlist-edit.js';
import type { FaultScript, FaultWindow } from './faults/script.js';
import { HlsPlane } from './hls-plane.js';
import { Quotas } from './quota.js';
import { type RequestCounts, RequestLog } from './request-log.js';
import { notesOf, requestSubject } from './request-subject.js';
import { HttpFront } from './server.js';
import { type SessionInfo, Sessions } from './session.js';
import { checkSignature, type SimulatorCredentials } from './sigv4.js';
import { KvsStream, type SimulatedStream, type StreamOptions } from './stream.js';
import { Streams } from './streams.js';

export interface SimulatorOptions {
  /** The streams that exist from the start; `createStream` calls add silent ones. Default none. */
  streams?: readonly StreamOptions[];
  /** The region it pretends to be, and calls must be signed for. Default `eu-west-1`. */
  region?: string;
  /** Address to listen on. Default `127.0.0.1`. */
  host?: string;
  /** Port to listen on; 0 takes a free one. Default 0. */
  port?: number;
  /**
   * Real lifetime of sessions in seconds, whatever `Expires` says (below 300 that is refused, as AWS does).
   * Default: what `Expires` says.
   */
  sessionLifetimeSeconds?: number;
  /** What `FragmentNumber` is in LIVE and LIVE_REPLAY: 0, 1, 2 … or KVS's own 47 digits. Default `session`. */
  liveFragmentNumbers?: 'session' | 'global';
  /**
   * LIVE sessions of a stream that is silent for 30 s (`livenessSeconds`): their playlist stands still (`freeze`), or they
   * answer 404 for good, even once data is back (`fail`). Both have been seen. Default `freeze`.
   */
  silentSessions?: 'freeze' | 'fail';
  /** Enforces AWS's request and point quotas. Default false. */
  enforceQuotas?: boolean;
  /** Checks the signature of control calls, not only its form. Default false: any credentials will do. */
  verifySignatures?: boolean;
  /** What {@link Simulator.environment} hands out, and `verifySignatures` checks against. */
  credentials?: SimulatorCredentials;
  /**
   * Serves sessions and media on a port of its own, as AWS does on hosts of their own; such calls to the
   * regional port are then answered with AWS's 403. Default false: one port for all.
   */
  separateDataEndpoint?: boolean;
  /** What goes wrong from the start on; see `setFaults`. Default nothing. */
  faults?: readonly FaultScript[];
  /** Sees every answer before it is sent, and may give another one, or wait, in its place. */
  intercept?: (
    request: SimulatorRequest,
    response: SimulatorResponse,
  ) => SimulatorResponse | Promise<SimulatorResponse>;
  /** Default: the host's. */
  clock?: Clock;
  /** Default: silent. */
  logger?: Logger;
}

/** A running local Kinesis Video Streams. */
export interface Simulator extends AsyncDisposable {
  /** Where the regional endpoint is, e.g. `http://127.0.0.1:40123`. */
  readonly endpoint: string;
  /** What `GetDataEndpoint` answers. */
  readonly dataEndpoint: string;
  readonly region: string;
  /** Environment variables that make unmodified AWS SDKs and the AWS CLI talk to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly streams: readonly SimulatedStream[];
  /** Sessions made so far; those long expired are forgotten. */
  readonly sessions: readonly SessionInfo[];
  readonly requests: RequestCounts;
  /** When the scripts set last took effect, so far; `null` while they have not. */
  readonly faultWindow: FaultWindow | null;
  /**
   * Makes things go wrong by one script or several, in the place of those set before; their conditions count from now.
   * `null` ends that; what a camera or a port was made to do stays done.
   */
  setFaults(scripts: FaultScript | readonly FaultScript[] | null): void;
  /** Throws `ConfigError` when there is no such stream. */
  stream(name: string): SimulatedStream;
  /** Stops all cameras and ends all connections. Idempotent. */
  close(): Promise<void>;
}

const defaultCredentials: SimulatorCredentials = {
  accessKeyId: 'KVSSIMULATORACCESS',
  secretAccessKey: 'not-a-secret-kvs-simulator',
};

/**
 * Starts a local Kinesis Video Streams: HTTP on loopback that the unmodified AWS SDK clients, and any HLS
 * player, take for the service. Resolves when it listens and every camera is under way.
 *
 * Throws `ConfigError` for wrong options, `CameraError` for a camera that can't start, and Node's own error
 * when the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new LocalKvs(options);
  try {
    await simulator.start(options.host ?? '127.0.0.1', options.port ?? 0);
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return simulator;
}

class LocalKvs implements Simulator {
  readonly region: string;
  readonly requests = new RequestLog();
  readonly #options: SimulatorOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #credentials: SimulatorCredentials;
  readonly #streams = new Streams();
  readonly #sessions = new Sessions();
  readonly #control: ControlPlane;
  readonly #hls: HlsPlane;
  readonly #fronts: HttpFront[];
  readonly #faults: Faults;
  #endpoints: string[] = [];

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.region = options.region ?? 'eu-west-1';
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#credentials = options.credentials ?? defaultCredentials;
    for (const stream of options.streams ?? []) this.#addStream(stream);
    const quotas = options.enforceQuotas === true ? new Quotas() : null;
    this.#control = new ControlPlane({
      streams: this.#streams,
      sessions: this.#sessions,
      quotas,
      liveNumbers: options.liveFragmentNumbers ?? 'session',
      sessionLifetimeSeconds: options.sessionLifetimeSeconds ?? null,
      dataEndpoint: () => this.dataEndpoint,
      newStream: (name, retentionHours) => this.#addStream({ name, retentionHours }),
    });
    this.#hls = new HlsPlane({
      sessions: this.#sessions,
      quotas,
      silentSessions: options.silentSessions ?? 'freeze',
    });
    const planes: SimulatorRequest['plane'][] =
      options.separateDataEndpoint === true ? ['control', 'data'] : ['control'];
    this.#faults = new Faults({
      streams: this.#streams,
      sessions: this.#sessions,
      fronts: () => this.#fronts,
      clock: this.#clock,
      logger: this.#logger,
    });
    const parts = {
      respond: (request: SimulatorRequest) => this.#respond(request),
      delivered: (response: SimulatorResponse) => this.#faults.delivered(response),
      clock: this.#clock,
      logger: this.#logger,
    };
    this.#fronts = planes.map((plane) => new HttpFront({ ...parts, plane }));
  }

  async start(host: string, port: number): Promise<void> {
    for (const [index, front] of this.#fronts.entries()) {
      // Only the regional endpoint needs a port that is known beforehand.
      this.#endpoints.push(await front.listen(host, index === 0 ? port : 0));
    }
    const withCamera = this.#streams.all.filter((stream) => stream.cameraState !== 'none');
    await Promise.all(withCamera.map((stream) => stream.startCamera()));
    this.setFaults(this.#options.faults ?? null);
  }

  get endpoint(): string {
    return this.#endpoints[0]!;
  }

  get dataEndpoint(): string {
    return this.#endpoints.at(-1)!;
  }

  get environment(): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#credentials;
    return {
      AWS_ENDPOINT_URL_KINESIS_VIDEO: this.endpoint,
      AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA: this.dataEndpoint,
      AWS_REGION: this.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    };
  }

  get streams(): readonly SimulatedStream[] {
    return this.#streams.all;
  }

  get sessions(): readonly SessionInfo[] {
    return this.#sessions.all;
  }

  get faultWindow(): FaultWindow | null {
    return this.#faults.window;
  }

  setFaults(scripts: FaultScript | readonly FaultScript[] | null): void {
    this.#faults.set(scripts === null ? [] : 'rows' in scripts ? [scripts] : scripts);
  }

  stream(name: string): SimulatedStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw new ConfigError(`The simulator has no stream named ${name}`);
    return stream;
  }

  async close(): Promise<void> {
    this.#faults.close();
    await Promise.all(this.#streams.all.map((stream) => stream.stopCamera()));
    const listening = this.#fronts.slice(0, this.#endpoints.length);
    await Promise.all(listening.map((front) => front.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #addStream(options: StreamOptions): KvsStream {
    const stream = new KvsStream(options, this.region, this.#clock, this.#logger);
    this.#streams.add(stream);
    return stream;
  }

  /** The one way from a request to its answer. */
  async #respond(request: SimulatorRequest): Promise<SimulatorResponse> {
    const subject = requestSubject(request, this.#streams, this.#sessions);
    const notes = notesOf(subject);
    const fault = this.#faults.judge(request, subject);
    let response = fault?.instead ?? this.#serve(request, notes, fault?.edits ?? []);
    response = fault?.spoil(response) ?? response;
    response = (await this.#options.intercept?.(request, response)) ?? response;
    this.requests.add({
      kind: request.kind,
      status: response.status,
      errorName: response.headers['x-amzn-ErrorType']?.split(':')[0] ?? null,
      atMs: request.receivedAtMs,
      ...notes,
    });
    return response;
  }

  #serve(request: SimulatorRequest, notes: RequestNotes, edits: readonly PlacedEdit[]): SimulatorResponse {
    const { kind } = request;
    const isSplit = this.#fronts.length > 1;
    try {
      switch (kind) {
        case 'Unknown':
          return unknownOperation;
        case 'GetHLSMasterPlaylist':
        case 'GetHLSMediaPlaylist':
        case 'GetMP4InitFragment':
        case 'GetMP4MediaFragment':
        case 'GetTSFragment':
          if (isSplit && request.plane === 'control') return wrongPlane;
          return this.#hls.respond(kind, request, notes, edits);
        case 'GetHLSStreamingSessionURL':
          if (isSplit && request.plane === 'control') return wrongPlane;
          break;
        case 'CreateStream':
        case 'DescribeStream':
        case 'GetDataEndpoint':
        case 'ListStreams':
          if (request.plane === 'data') return unknownOperation;
      }
      const expected = this.#options.verifySignatures === true ? this.#credentials : null;
      checkSignature(request, this.region, expected);
      return this.#control.respond(request, notes);
    } catch (error) {
      if (error instanceof ServiceError) return error.toResponse();
      throw error;
    }
  }
}
