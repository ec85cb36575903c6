import { connect, type Socket } from 'node:net';

/** A connection on which anything can be said. */
export class RawClient {
  readonly socket: Socket;
  /** All that came so far. */
  text = '';
  /** Resolves once the server has ended the connection. */
  readonly ended: Promise<string>;
  #wake: () => void = () => {};

  /** From that address of this machine; default: one that the host chooses. */
  constructor(url: string, localAddress?: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ port: Number(port), host: hostname.replace(/[[\]]/g, ''), localAddress });
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.text += text;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      // A reset is an end, too.
      this.socket.on('error', () => {});
      this.socket.once('close', () => {
        this.#wake();
        resolve(this.text);
      });
    });
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves once the text that came matches, or the connection has ended. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text) && !this.socket.closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.text;
  }
}

/** Sends a text as it is and resolves to all that comes until the server ends the connection. */
export function say(url: string, text: string): Promise<string> {
  return new RawClient(url).send(text).ended;
}

/** A request of these lines, after whose answer the connection ends. */
export function lines(...all: string[]): string {
  return [...all, 'Connection: close', '', ''].join('\r\n');
}

/** The status of the first answer. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}
