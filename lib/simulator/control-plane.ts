import {
  invalidArgument,
  invalidMember,
  noFragments,
  noRetention,
  ServiceError,
  streamExists,
  unsupportedMedia,
} from './errors.js';
import {
  jsonResponse,
  type RequestNotes,
  type SimulatorRequest,
  type SimulatorResponse,
} from './exchange.js';
import { Listing } from './listing.js';
import type { Quotas } from './quota.js';
import type { Sessions } from './session.js';
import { sessionParameters, type SessionParameters } from './session-parameters.js';
import { type KvsStream, streamNamePattern } from './stream.js';
import type { Streams } from './streams.js';
import { redact } from '../redact.js';

const apiNames = [
  'PUT_MEDIA',
  'GET_MEDIA',
  'LIST_FRAGMENTS',
  'GET_MEDIA_FOR_FRAGMENT_LIST',
  'GET_HLS_STREAMING_SESSION_URL',
  'GET_DASH_STREAMING_SESSION_URL',
  'GET_CLIP',
  'GET_IMAGES',
];
/** ListStreams answers so many without `MaxResults`, and at most so many with it. */
const defaultPage = 10;
const largestPage = 1000;

export interface ControlPlaneParts {
  readonly streams: Streams;
  readonly sessions: Sessions;
  readonly quotas: Quotas | null;
  readonly liveNumbers: 'session' | 'global';
  /** Real lifetime of sessions in seconds, or `null`: as `Expires` says. */
  readonly sessionLifetimeSeconds: number | null;
  /** Where media is served: what GetDataEndpoint answers. */
  readonly dataEndpoint: () => string;
  readonly newStream: (name: string, retentionHours: number) => KvsStream;
}

type Body = Readonly<Record<string, unknown>>;

/** The signed calls: streams, endpoints and sessions. Their signature is checked before they come here. */
export class ControlPlane {
  readonly #parts: ControlPlaneParts;

  constructor(parts: ControlPlaneParts) {
    this.#parts = parts;
  }

  /** Throws `ServiceError`. */
  respond(request: SimulatorRequest, notes: RequestNotes): SimulatorResponse {
    const { kind, receivedAtMs: nowMs } = request;
    const body = parseBody(request);
    if (kind === 'ListStreams') {
      this.#parts.quotas?.chargeControl(kind, null, nowMs);
      return this.#listStreams(body);
    }
    if (kind === 'CreateStream') return this.#createStream(body);
    const stream = this.#parts.streams.named(body);
    notes.stream = stream.name;
    this.#parts.quotas?.chargeControl(kind, stream.name, nowMs);
    if (kind === 'DescribeStream') return jsonResponse({ StreamInfo: streamInfo(stream) });
    if (kind === 'GetDataEndpoint') return this.#getDataEndpoint(body);
    return this.#getHlsSession(body, stream, nowMs, notes);
  }

  #getDataEndpoint(body: Body): SimulatorResponse {
    const apiName = body['APIName'] ?? null;
    if (apiName === null) throw invalidArgument('APIName is required.');
    if (typeof apiName !== 'string' || !apiNames.includes(apiName)) {
      throw invalidMember('aPIName', apiName, `satisfy enum value set: [${apiNames.join(', ')}]`);
    }
    return jsonResponse({ DataEndpoint: this.#parts.dataEndpoint() });
  }

  #createStream(body: Body): SimulatorResponse {
    const name = body['StreamName'];
    if (typeof name !== 'string' || !streamNamePattern.test(name)) {
      throw invalidMember('streamName', name, 'satisfy regular expression pattern: [a-zA-Z0-9_.-]+');
    }
    if (this.#parts.streams.get(name) !== undefined) throw streamExists(name);
    const hours = body['DataRetentionInHours'] ?? 0;
    if (typeof hours !== 'number' || hours < 0) {
      throw invalidMember('dataRetentionInHours', hours, 'have value greater than or equal to 0');
    }
    const stream = this.#parts.newStream(name, hours);
    return jsonResponse({ StreamARN: stream.arn });
  }

  #listStreams(body: Body): SimulatorResponse {
    const wanted = body['MaxResults'] ?? defaultPage;
    if (typeof wanted !== 'number' || wanted < 1 || wanted > 10_000) {
      throw invalidMember('maxResults', wanted, 'have value from 1 to 10000');
    }
    const condition = (body['StreamNameCondition'] ?? {}) as Body;
    const prefix = condition['ComparisonValue'] ?? '';
    if (typeof prefix !== 'string') throw invalidMember('comparisonValue', prefix, 'be a string');
    const from = Number(body['NextToken'] ?? 0);
    if (!Number.isInteger(from) || from < 0) throw invalidArgument('NextToken is not valid.');
    const found = this.#parts.streams.all.filter((stream) => stream.name.startsWith(prefix));
    const until = from + Math.min(wanted, largestPage);
    return jsonResponse({
      StreamInfoList: found.slice(from, until).map(streamInfo),
      NextToken: until < found.length ? String(until) : null,
    });
  }

  #getHlsSession(body: Body, stream: KvsStream, nowMs: number, notes: RequestNotes): SimulatorResponse {
    const headMs = Math.max(stream.createdMs, nowMs - stream.retentionHours * 3_600_000);
    const parameters = sessionParameters(body, nowMs, headMs);
    if (stream.retentionHours === 0) throw noRetention();
    const lifetimeSeconds =
      stream.sessionLifetimeSeconds ?? this.#parts.sessionLifetimeSeconds ?? parameters.expiresSeconds;
    const times = { nowMs, lifetimeSeconds };
    checkMedia(stream, parameters, nowMs);
    const session = this.#parts.sessions.create(stream, parameters, times, this.#parts.liveNumbers);
    notes.sessionId = session.id;
    const master = `${this.#parts.dataEndpoint()}/hls/v1/getHLSMasterPlaylist.m3u8`;
    return jsonResponse({ HLSStreamingSessionURL: `${master}?SessionToken=${session.token}` });
  }
}

/** There is something to play, and the container can carry it. */
function checkMedia(stream: KvsStream, parameters: SessionParameters, nowMs: number): void {
  const isLive = parameters.playbackMode === 'LIVE';
  const first = isLive
    ? stream.store.newest(nowMs)
    : new Listing(stream.store, parameters, 'session').inRange(nowMs)[0];
  if (first === undefined || (isLive && !stream.isLive(nowMs))) throw noFragments();
  if (parameters.container === 'MPEG_TS' && first.init.codec === 'h265') throw unsupportedMedia();
}

function parseBody(request: SimulatorRequest): Body {
  try {
    const body: unknown = JSON.parse(request.body.length === 0 ? '{}' : request.body.toString('utf8'));
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  } catch (error) {
    throw new ServiceError(400, 'SerializationException', redact((error as Error).message));
  }
  throw new ServiceError(400, 'SerializationException', 'The body is not a JSON object');
}

function streamInfo(stream: KvsStream): Record<string, unknown> {
  return {
    CreationTime: stream.createdMs / 1000,
    DataRetentionInHours: stream.retentionHours,
    DeviceName: null,
    IngestionConfiguration: null,
    KmsKeyId: stream.arn.replace(/:kinesisvideo:(.*):stream\/.*/, ':kms:$1:alias/aws/kinesisvideo'),
    MediaType: null,
    Status: 'ACTIVE',
    StreamARN: stream.arn,
    StreamName: stream.name,
    Version: stream.version,
  };
}
