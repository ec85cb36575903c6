import { jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';

/** Servers that nobody may ask anything, at addresses other than the one that is read from. */
export class Canaries implements AsyncDisposable {
  readonly #servers: Server[] = [];
  /** What was asked all the same. */
  readonly requests: string[] = [];

  /** One at another port of 127.0.0.1, and one each at 127.0.0.2 and ::1 at the port that is read from. */
  static async beside(port: number): Promise<Canaries> {
    const canaries = new Canaries();
    await canaries.#listen('127.0.0.1', 0);
    await canaries.#listen('127.0.0.2', port);
    // Not every host has IPv6.
    await canaries.#listen('::1', port).catch(() => {});
    return canaries;
  }

  /** Of the one at 127.0.0.1. */
  get port(): number {
    return (this.#servers[0]!.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #listen(host: string, port: number): Promise<void> {
    const server = createServer((request, response) => {
      this.requests.push(`${host} ${request.method} ${request.url}`);
      response.end('#EXTM3U\n');
    });
    server.on('connect', (request, socket) => {
      this.requests.push(`${host} CONNECT ${request.url}`);
      socket.end();
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    this.#servers.push(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

/** Where this thread's sockets go from now on, as `host:port` or the path of a Unix socket; until `jest.restoreAllMocks()`. */
export function watchedSockets(): string[] {
  const targets: string[] = [];
  const connect: (this: Socket, ...args: never[]) => Socket = Socket.prototype.connect;
  jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    // Node hands on its own arguments as an array in the first.
    const [options] = (Array.isArray(args[0]) ? args[0] : args) as [
      { host?: string; port?: number; path?: string },
    ];
    targets.push(options.path ?? `${options.host}:${options.port}`);
    return connect.apply(this, args as never[]);
  });
  return targets;
}
