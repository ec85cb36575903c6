import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo, type Socket } from 'node:net';
import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { Logger } from '../logger.js';
import { Access } from './access.js';
import { rawAnswer } from './answer.js';
import { Connections } from './connections.js';
import { Exchange, type ExchangeParts } from './exchange.js';
import { isLoopback } from './options.js';
import { OriginGuard, ownNames } from './origin.js';
import type { Route } from './route.js';

/** What clients are granted; a test grants less. */
const LIMITS = {
  /** Whoever has not said what it wants by then is not waited for: its headers, and all of it. */
  headersMs: 5000,
  requestMs: 10_000,
  /** Node's own default; a scraper that comes again later connects again. */
  keepAliveMs: 5000,
  /** How often Node looks for those that are late. */
  checkMs: 1000,
  /** A page takes six at most. */
  connections: 128,
};
const MAX_HEADER_BYTES = 8192;
const MAX_HEADERS = 64;
/** Requests under way of one connection: no browser sends the next before the answer. */
const MAX_PIPELINED = 8;
/** How long requests under way are waited for at the end. */
const CLOSE_MS = 1000;

export interface RouteServerOptions {
  host: string;
  port: number;
  token: string | undefined;
  allowedHosts: readonly string[];
  routes: readonly Route[];
  logger: Logger;
  /** Default: the host's. */
  clock?: Clock;
  limits?: Partial<typeof LIMITS>;
}

/** Serves routes to those who may see them, and nothing else. */
export class RouteServer {
  readonly #server: Server;
  readonly #options: RouteServerOptions;
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #open = new Set<Exchange>();
  #parts: Omit<ExchangeParts, 'onTrust'> | undefined;
  #closed: Promise<void> | undefined;
  /** Without a slash at the end. */
  url = '';

  constructor(options: RouteServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const limits = { ...LIMITS, ...options.limits };
    this.#server = createServer({
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Not even where the process's arguments say so: what two parsers read differently smuggles requests past a proxy.
      insecureHTTPParser: false,
    });
    this.#server.maxHeadersCount = MAX_HEADERS;
    this.#connections = new Connections(limits.connections);
    // Node's own takes a connection for idle once its answer is ended, before all of that is written.
    this.#server.closeIdleConnections = () => this.#dropIdle();
    this.#server.on('connection', (socket: Socket) => this.#welcome(socket));
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      this.#serve(request, response);
    this.#server.on('request', serve);
    // Node would answer by itself, without our headers.
    this.#server.on('checkExpectation', serve);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      this.#refuse(error, socket as Socket),
    );
  }

  /** True from the moment `close()` is called. */
  get isClosing(): boolean {
    return this.#closed !== undefined;
  }

  /** Throws `ConfigError` where it can't listen. */
  async listen(): Promise<void> {
    const { host, port, token, allowedHosts, routes, logger } = this.#options;
    try {
      // One address, and known before anything listens there.
      const { address } = isIP(host) === 0 ? await lookup(host) : { address: host };
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(port, address, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      throw cannotListen(host, port, error as NodeJS.ErrnoException);
    }
    // Without a listener, a connection that can't be accepted (no file descriptor is free) would end the program.
    this.#server.on('error', (error) => logger.error(`A connection could not be accepted: ${String(error)}`));
    const bound = this.#server.address() as AddressInfo;
    this.#parts = {
      routes,
      access: new Access(token, bound.port),
      origins: new OriginGuard([host, ...allowedHosts, ...(isLoopback(bound.address) ? [] : ownNames())]),
      clock: this.#clock,
      logger,
    };
    this.url = `http://${reachable(bound.address)}:${bound.port}`;
  }

  /** Idempotent; resolves within a second or so. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const exchange of this.#open) {
      exchange.closeAfterwards();
      exchange.abort(new Error('The server closes'));
    }
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const cancel = this.#clock.after(CLOSE_MS, () => {
      for (const socket of this.#connections.all) socket.destroy();
    });
    await closed;
    cancel();
  }

  #welcome(socket: Socket): void {
    this.#connections.welcome(socket);
    socket.once('close', () => {
      // Answers that were still behind another one never hear of it from Node.
      for (const exchange of this.#of(socket)) this.#end(exchange);
    });
  }

  #of(socket: unknown): Exchange[] {
    return [...this.#open].filter((exchange) => exchange.socket === socket);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (this.#parts === undefined || this.#of(request.socket).length >= MAX_PIPELINED) {
      request.socket.destroy();
      return;
    }
    const onTrust = (): void => this.#connections.trust(request.socket);
    const exchange = new Exchange(request, response, { ...this.#parts, onTrust });
    this.#open.add(exchange);
    this.#connections.begin(request.socket);
    response.once('close', () => this.#end(exchange));
    if (this.isClosing) exchange.closeAfterwards();
    void exchange.serve();
  }

  #end(exchange: Exchange): void {
    if (!this.#open.delete(exchange)) return;
    this.#connections.end(exchange.socket);
    exchange.end();
    if (this.isClosing) this.#dropIdle();
  }

  #dropIdle(): void {
    for (const socket of this.#connections.idle) socket.destroy();
  }

  /** What came is no request, or did not come in time. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    // An answer that is being written must not be mixed with this one.
    if (!socket.writable || error.code === 'ECONNRESET' || this.#of(socket).length > 0) {
      socket.destroy();
      return;
    }
    if (error.code === 'HPE_HEADER_OVERFLOW') {
      socket.write(rawAnswer(431, 'Request Header Fields Too Large', 'The headers are too large\n'));
    } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      socket.write(rawAnswer(408, 'Request Timeout', 'The request did not come in time\n'));
    } else {
      socket.write(rawAnswer(400, 'Bad Request', 'This is not HTTP\n'));
    }
    socket.destroySoon();
  }
}

/** How it is asked for from this machine. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return address.includes(':') ? `[${address}]` : address;
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): ConfigError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `Port ${port} of ${host} is taken, perhaps by another of these servers: give another port, or 0 for a free one`,
      );
    case 'EACCES':
      return new ConfigError(`This user may not listen on port ${port}: give one of 1024 or above`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConfigError(
        `Expected an address of this machine for host, such as 127.0.0.1 or 0.0.0.0, but received ${host}`,
      );
    default:
      return new ConfigError(`Can't listen on port ${port} of ${host}: ${error.message}`);
  }
}
