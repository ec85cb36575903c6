import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Clock, sleep } from '../clock.js';
import type { Logger } from '../logger.js';
import { deliver } from './delivery.js';
import { ServiceError } from './errors.js';
import { kindOf, type SimulatorRequest, type SimulatorResponse } from './exchange.js';

const maxBodyBytes = 1024 * 1024;
/** Longer than any client's own idle limit, so that no request meets a connection that is just closing. */
const keepAliveMs = 120_000;

/** How often, and with which pause, a port that was given up is asked for again: another socket may hold it a while. */
const portTries = 100;
const portPauseMs = 50;

export interface HttpFrontParts {
  readonly plane: SimulatorRequest['plane'];
  readonly respond: (request: SimulatorRequest) => Promise<SimulatorResponse>;
  /** Told once the last byte of a response is handed over, or its connection is gone. */
  readonly delivered: (response: SimulatorResponse) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Turns HTTP requests into values, and the values that answer them into HTTP. */
export class HttpFront {
  readonly #server: Server;
  readonly #plane: SimulatorRequest['plane'];
  readonly #respond: (request: SimulatorRequest) => Promise<SimulatorResponse>;
  readonly #delivered: (response: SimulatorResponse) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #address: { host: string; port: number } | null = null;

  constructor({ plane, respond, delivered, clock, logger }: HttpFrontParts) {
    this.#plane = plane;
    this.#respond = respond;
    this.#delivered = delivered;
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
        this.#address = { host, port: address.port };
        const reachable = host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
        resolve(`http://${reachable}:${address.port}`);
      });
    });
  }

  /** Listens again where it did before {@link close}. Throws Node's error if the port stays taken. */
  async reopen(): Promise<void> {
    if (this.#address === null) throw new Error('The simulator never listened');
    const { host, port } = this.#address;
    for (let tries = 1; ; tries++) {
      try {
        await this.listen(host, port);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === portTries) throw error;
        await sleep(this.#clock, portPauseMs);
      }
    }
  }

  /** Stops to listen and ends all connections, those in use as well. Idempotent. */
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
    await deliver(outgoing, response, this.#clock);
    this.#delivered(response);
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
