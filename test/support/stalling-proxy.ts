import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What is asked for, by the end of its path. */
export type Kind =
  | 'getDataEndpoint'
  | 'getHLSStreamingSessionURL'
  | 'getHLSMasterPlaylist'
  | 'getHLSMediaPlaylist'
  | 'getMP4InitFragment'
  | 'getMP4MediaFragment';

/**
 * `silent`: never answered. `half`: the first half of the body, then nothing more. `stale`: answered as the last one of
 * its kind. Else: refused by this error.
 */
export type Conduct =
  | 'pass'
  | 'stale'
  | 'silent'
  | 'half'
  | { status: number; name: string; message: string; headers?: Record<string, string> };

interface ProxiedAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** Stands between a source and a simulator, and stalls or refuses what it is told to. Everything else passes. */
export class StallingProxy {
  readonly #server: Server;
  readonly #target: string;
  readonly #waiting = new Set<() => void>();
  #counts = new Map<Kind, number>();
  readonly #last = new Map<Kind, ProxiedAnswer>();
  /** What happens to the `nth` request of a kind since the last reset, from 1. */
  conduct: (kind: Kind, nth: number) => Conduct = () => 'pass';
  /** Origin that session URLs are given instead of this proxy's. */
  mediaOrigin: string | undefined;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets everything pass, and counts afresh. */
  reset(): void {
    this.conduct = () => 'pass';
    this.mediaOrigin = undefined;
    this.#counts = new Map();
  }

  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Resolves once this many requests of the kind have got their answer, or all of it that they will get. */
  async seen(kind: Kind, requests: number): Promise<void> {
    while (this.count(kind) < requests) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #note(kind: Kind, nth: number): void {
    this.#counts.set(kind, Math.max(nth, this.count(kind)));
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(incoming.url ?? '/', this.#target);
    const kind = (/(\w+)(\.\w+)?$/.exec(pathname)?.[1] ?? '') as Kind;
    const sent = await text(incoming);
    const nth = this.count(kind) + 1;
    const conduct = this.conduct(kind, nth);
    if (conduct === 'silent') {
      this.#note(kind, nth);
      return;
    }
    if (typeof conduct === 'object') {
      response.writeHead(conduct.status, {
        'content-type': 'application/json',
        'x-amzn-errortype': conduct.name,
        ...conduct.headers,
      });
      response.end(JSON.stringify({ Message: conduct.message }), () => this.#note(kind, nth));
      return;
    }
    const last = conduct === 'stale' ? this.#last.get(kind) : undefined;
    const answer = last ?? (await this.#forward(incoming, sent));
    this.#last.set(kind, answer);
    const { status, headers, body } = answer;
    response.writeHead(status, { ...headers, 'content-length': body.length });
    if (conduct === 'half') {
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => this.#note(kind, nth));
    } else {
      response.end(body, () => this.#note(kind, nth));
    }
  }

  async #forward(incoming: IncomingMessage, sent: string): Promise<ProxiedAnswer> {
    const { method, headers } = incoming;
    const outgoing = httpRequest(new URL(incoming.url ?? '/', this.#target), { method, headers });
    outgoing.end(sent);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    let body = Buffer.concat(chunks);
    const type = answer.headers['content-type'] ?? '';
    if (type.includes('json')) {
      const session = /("HLSStreamingSessionURL":")[^/]+\/\/[^/]+/;
      const told = body
        .toString()
        .replace(session, `$1${this.mediaOrigin ?? this.origin}`)
        .replace(this.#target, this.origin);
      body = Buffer.from(told);
    }
    return { status: answer.statusCode ?? 500, headers: { 'content-type': type }, body };
  }
}
