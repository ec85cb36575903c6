import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { systemClock } from '../../../lib/clock.js';
import { KvsConnectionError } from '../../../lib/errors.js';
import { silentLogger } from '../../../lib/logger.js';
import type { KvsSessionOptions } from '../../../lib/session/kvs-options.js';
import { KvsSessionProvider } from '../../../lib/session/kvs.js';
import type { SessionRequest } from '../../../lib/session/provider.js';

export interface Call {
  path: string;
  body: Record<string, unknown>;
  headers: IncomingMessage['headers'];
}
export type Answer = (call: Call, response: ServerResponse) => void;

export const SECRETS = {
  accessKeyId: 'AKIDEXAMPLEAKIDEXAMPLE',
  secretAccessKey: 'SECRETKEYSECRETKEY',
  sessionToken: 'SECRETSESSIONSECRET',
};
export const TOKEN = 'CiSECRETURLTOKEN~';

export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (_call, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  };

export const failure = (status: number, name: string, message: string): Answer =>
  json({ Message: message }, status, {
    'x-amzn-ErrorType': `${name}:https://kinesisvideo.amazonaws.com/doc/2017-09-30/`,
    'x-amzn-RequestId': 'request-7',
  });

export const request = (resumeAtMs?: number): SessionRequest => ({
  signal: new AbortController().signal,
  ...(resumeAtMs !== undefined && { resumeAtMs }),
});

/** Answers both calls without a network, which hosts of AWS's own names need. */
export function canned(endpoint: string, sessionUrl: string) {
  const hosts: string[] = [];
  const handle = ({ hostname, path }: { hostname: string; path: string }) => {
    hosts.push(hostname);
    const answer =
      path === '/getDataEndpoint' ? { DataEndpoint: endpoint } : { HLSStreamingSessionURL: sessionUrl };
    const body = Readable.from([Buffer.from(JSON.stringify(answer))]);
    return Promise.resolve({
      response: { statusCode: 200, headers: { 'content-type': 'application/json' }, body },
    });
  };
  return { hosts, requestHandler: { handle } as unknown as NonNullable<KvsSessionOptions['requestHandler']> };
}

/** A control and data plane on 127.0.0.1 that answers as told, and the providers that were opened on it. */
export class ControlPlane {
  readonly calls: Call[] = [];
  readonly outcomes: string[] = [];
  readonly #server: Server;
  readonly #opened: KvsSessionProvider[] = [];
  endpointAnswer: Answer = (call, response) => json({ DataEndpoint: this.origin })(call, response);
  sessionAnswer: Answer = (call, response) => json({ HLSStreamingSessionURL: this.url })(call, response);

  constructor() {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const path = incoming.url ?? '';
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
        const call = { path, body, headers: incoming.headers };
        this.calls.push(call);
        (path === '/getDataEndpoint' ? this.endpointAnswer : this.sessionAnswer)(call, response);
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    for (const provider of this.#opened) provider.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=${TOKEN}`;
  }

  paths(): string[] {
    return this.calls.map(({ path }) => path);
  }

  open(options: Partial<KvsSessionOptions> = {}): KvsSessionProvider {
    const provider = new KvsSessionProvider({
      streamName: 'front-door',
      region: 'eu-west-1',
      endpoint: this.origin,
      credentials: SECRETS,
      clock: systemClock,
      logger: silentLogger,
      random: () => 0.5,
      onCall: (operation, outcome) => this.outcomes.push(`${operation} ${outcome}`),
      ...options,
    });
    this.#opened.push(provider);
    return provider;
  }

  /** The error of an acquisition that must fail. */
  async refusal(options: Partial<KvsSessionOptions> = {}): Promise<KvsConnectionError> {
    try {
      await this.open(options).acquire(request());
    } catch (error) {
      if (error instanceof KvsConnectionError) return error;
      throw error;
    }
    throw new Error('was acquired');
  }
}
