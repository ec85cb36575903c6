import type { ServerResponse } from 'node:http';
import type { HttpRequest } from '../http/route.js';

/** Streams that may be open at a time: each is a browser's tab. */
const MAX_STREAMS = 32;
/** After this the browser tries again, in ms. */
const RETRY_MS = 2_000;
/** Who has so many bytes waiting, beyond the first event, reads too slowly. Minutes of a hundred cameras' ticks. */
const MAX_BACKLOG_BYTES = 2 << 20;

/** Readers of server-sent events: all are sent the same, and none can make the server keep much for it. */
export class EventStreams {
  /** With how many bytes may wait for each. */
  readonly #streams = new Map<ServerResponse, number>();
  #isClosed = false;

  get count(): number {
    return this.#streams.size;
  }

  /** Opens a stream that begins with that event. 503 if there are too many. */
  open({ method, signal }: HttpRequest, response: ServerResponse, name: string, data: unknown): void {
    if (this.#streams.size >= MAX_STREAMS || this.#isClosed || signal.aborted) {
      response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '5' });
      response.end(`There are ${this.#streams.size} readers already\n`);
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      // Some proxies would collect events before they hand them on.
      'x-accel-buffering': 'no',
    });
    if (method === 'HEAD') {
      response.end();
      return;
    }
    const first = `retry: ${RETRY_MS}\n\n${eventOf(name, data)}`;
    this.#streams.set(response, Buffer.byteLength(first) + MAX_BACKLOG_BYTES);
    const onEnd = (): void => {
      signal.removeEventListener('abort', onEnd);
      if (!this.#streams.delete(response)) return;
      response.end();
    };
    signal.addEventListener('abort', onEnd, { once: true });
    response.once('close', onEnd);
    response.write(first);
  }

  /** Sends an event to all, and cuts off who does not read. */
  send(name: string, data: unknown): void {
    if (this.#streams.size === 0) return;
    const event = eventOf(name, data);
    for (const [response, limit] of [...this.#streams]) {
      if (response.writableLength > limit) {
        this.#streams.delete(response);
        response.destroy();
      } else {
        response.write(event);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const response of this.#streams.keys()) response.end();
    this.#streams.clear();
  }
}

/** JSON has no line breaks, so one line of data holds it. */
function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
