import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../lib/clock.js';

/** What a path answers; `times` counts from 1. A string or bytes is a 200. */
export type Reply =
  string | Uint8Array | ((request: IncomingMessage, response: ServerResponse, times: number) => void);

/** An HTTP server on 127.0.0.1 that answers by a script and remembers what it was asked. */
export class ScriptedServer {
  readonly #server: Server;
  readonly #replies = new Map<string, Reply>();
  readonly #times = new Map<string, number>();
  /** Paths with queries, in order. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  connections = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push(request.url ?? '');
      this.headers.push(request.headers);
      const path = new URL(request.url ?? '', 'http://host').pathname;
      const times = (this.#times.get(path) ?? 0) + 1;
      this.#times.set(path, times);
      const reply = this.#replies.get(path);
      if (typeof reply === 'function') reply(request, response, times);
      else if (reply === undefined) status(404, 'ResourceNotFoundException')(request, response);
      else response.end(reply);
    });
    this.#server.on('connection', () => this.connections++);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  set(path: string, reply: Reply): this {
    this.#replies.set(path, reply);
    return this;
  }

  /** One reply after another, the last for ever. */
  sequence(path: string, ...replies: Reply[]): this {
    return this.set(path, (request, response, times) => {
      const reply = replies[Math.min(times, replies.length) - 1]!;
      if (typeof reply === 'function') reply(request, response, times);
      else response.end(reply);
    });
  }

  /** What a path answers. */
  replyTo(path: string): Reply | undefined {
    return this.#replies.get(path);
  }

  /** Shows each response on a path before it is answered. */
  watch(path: string, onResponse: (response: ServerResponse) => void): this {
    const before = this.#replies.get(path) as Exclude<Reply, string | Uint8Array>;
    return this.set(path, (request, response, times) => {
      onResponse(response);
      before(request, response, times);
    });
  }

  /** From the answer after so many on a path answers otherwise. */
  failAfter(path: string, count: number, otherwise: Exclude<Reply, string | Uint8Array>): this {
    const before = this.#replies.get(path) as typeof otherwise;
    return this.set(path, (request, response, times) =>
      (times > count ? otherwise : before)(request, response, times),
    );
  }

  /** How often a path was asked for. */
  times(path: string): number {
    return this.#times.get(path) ?? 0;
  }
}

/** An error answer as KVS gives it. */
export function status(code: number, name = '', headers: Record<string, string> = {}) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    const type =
      name === '' ? {} : { 'x-amzn-ErrorType': `${name}:https://kinesisvideo.amazonaws.com/doc/2017-09-30/` };
    response.writeHead(code, {
      ...type,
      'x-amzn-RequestId': '0a1b2c3d-0000-4000-8000-00000000cafe',
      ...headers,
    });
    response.end(JSON.stringify({ Message: `no, and here is your query again: ${_request.url}` }));
  };
}

/** A clock that runs faster than the host's, so that waits of seconds take milliseconds. */
export function fastClock(factor: number): Clock {
  const startMs = Date.now();
  const zero = performance.now();
  const monotonic = (): number => (performance.now() - zero) * factor;
  const after: Clock['after'] = (ms, callback) => {
    const timer = setTimeout(callback, ms / factor);
    return () => clearTimeout(timer);
  };
  return {
    now: () => startMs + monotonic(),
    monotonic,
    after,
    afterIfAlive: after,
  };
}
