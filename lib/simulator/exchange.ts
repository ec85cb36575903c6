import type { IncomingHttpHeaders } from 'node:http';

import type { Delivery } from './delivery.js';

/** Every request the simulator tells apart, by AWS's name of the action. */
export const requestKinds = [
  'CreateStream',
  'DescribeStream',
  'GetDataEndpoint',
  'GetHLSMasterPlaylist',
  'GetHLSMediaPlaylist',
  'GetHLSStreamingSessionURL',
  'GetMP4InitFragment',
  'GetMP4MediaFragment',
  'GetTSFragment',
  'ListStreams',
  'Unknown',
] as const;

export type RequestKind = (typeof requestKinds)[number];

/** The actions that a session token authorises. */
export type PlaybackKind = Extract<
  RequestKind,
  | 'GetHLSMasterPlaylist'
  | 'GetHLSMediaPlaylist'
  | 'GetMP4InitFragment'
  | 'GetMP4MediaFragment'
  | 'GetTSFragment'
>;

/** One request, as a value. */
export interface SimulatorRequest {
  readonly kind: RequestKind;
  readonly method: string;
  /** Path with repeated slashes collapsed. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Query text as it was sent, without `?`. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Which port it came to: the endpoint that `GetDataEndpoint` names, or the regional one. */
  readonly plane: 'control' | 'data';
  /** Unix ms on the simulator's clock. */
  readonly receivedAtMs: number;
}

/** One response, as a value. */
export interface SimulatorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** How it is sent, if not whole and at once. */
  readonly delivery?: Delivery;
}

/** What a plane learnt about a request on the way; goes into the log. */
export interface RequestNotes {
  stream: string | null;
  sessionId: number | null;
  fragmentNumber: string | null;
}

export function jsonResponse(value: unknown): SimulatorResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  };
}

const kindsByPath: Readonly<Record<string, RequestKind>> = {
  'POST /createStream': 'CreateStream',
  'POST /describeStream': 'DescribeStream',
  'POST /getDataEndpoint': 'GetDataEndpoint',
  'POST /getHLSStreamingSessionURL': 'GetHLSStreamingSessionURL',
  'POST /listStreams': 'ListStreams',
  'GET /hls/v1/getHLSMasterPlaylist.m3u8': 'GetHLSMasterPlaylist',
  'GET /hls/v1/getHLSMediaPlaylist.m3u8': 'GetHLSMediaPlaylist',
  'GET /hls/v1/getMP4InitFragment.mp4': 'GetMP4InitFragment',
  'GET /hls/v1/getMP4MediaFragment.mp4': 'GetMP4MediaFragment',
  'GET /hls/v1/getTSFragment.ts': 'GetTSFragment',
};

export function kindOf(method: string, path: string): RequestKind {
  return kindsByPath[`${method} ${path}`] ?? 'Unknown';
}
