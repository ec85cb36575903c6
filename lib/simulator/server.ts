import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import { ServiceError } from './errors.js';
import { kindOf, type SimulatorRequest, type SimulatorResponse } from './exchange.js';

const maxBodyBytes = 1024 * 1024;
/** Longer than any client's own idle limit, so that no request meets a connection that is just closing. */
const keepAliveMs = 120_000;

/** Turns HTTP requests into values, and the values that answer them into HTTP. */
export class HttpFront {
  readonly #server: Server;
  readonly #plane: SimulatorRequest['plane'];
  readonly #respond: (request: SimulatorRequest) => Promise<SimulatorResponse>;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(
    plane: SimulatorRequest['plane'],
    respond: (request: SimulatorRequest) => Promise<SimulatorResponse>,
    clock: Clock,
    logger: Logger,
  ) {
    this.#plane = plane;
    this.#respond = respond;
    this.#clock = clock;
    this.#logger = logger;
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch((error: unknown) => {
        this.#logger.warn('A connection broke', error);
        outgoing.destroy();
      });
    });
    this.#server.keepAliveTimeout = keepAliveMs;
  }

  /** Resolves to the URL it can be reached at, without a slash at the end. */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address() as AddressInfo;
        const reachable = host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
        resolve(`http://${reachable}:${address.port}`);
      });
    });
  }

  /** Ends all connections, those in use as well. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) throw new Error(`A request body of more than ${maxBodyBytes} bytes`);
      chunks.push(chunk);
    }
    // Not `new URL`: it takes the `//` that SDKs send for an endpoint with a slash at its end for a host.
    const [rawPath = '', rawQuery = ''] = (incoming.url ?? '').split('?', 2);
    const path = rawPath.replace(/\/{2,}/g, '/');
    const method = incoming.method ?? '';
    const response = await this.#answer({
      kind: kindOf(method, path),
      method,
      path,
      query: new URLSearchParams(rawQuery),
      rawQuery,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
      plane: this.#plane,
      receivedAtMs: this.#clock.now(),
    });
    outgoing.writeHead(response.status, {
      'x-amzn-RequestId': randomUUID(),
      'content-length': response.body.length,
      ...response.headers,
    });
    outgoing.end(response.body);
  }

  async #answer(request: SimulatorRequest): Promise<SimulatorResponse> {
    try {
      return await this.#respond(request);
    } catch (error) {
      this.#logger.error(`Could not answer ${request.kind}`, error);
      return new ServiceError(500, 'InternalFailure', 'The simulator failed; its log says why.').toResponse();
    }
  }
}
