import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';

import { type Clock, sleep } from '../clock.js';
import type { SimulatorResponse } from './exchange.js';

/** How a response reaches the reader, if not whole and at once. What is absent does not happen. */
export interface Delivery {
  /** Ms before anything is sent, status line included. */
  readonly waitMs?: number;
  /** Sends the body in chunked coding, without `Content-Length`. */
  readonly chunked?: boolean;
  /** Pauses after this share of the body, 0–1, for so many ms; for ever without `ms`. */
  readonly stall?: { readonly afterShare: number; readonly ms?: number };
  /** Closes the connection after this share of the body, 0–1. */
  readonly cut?: { readonly afterShare: number };
  /** Resets the connection instead of answering. */
  readonly reset?: boolean;
  /** Sends the body in so many pieces, with so many ms between two. */
  readonly pace?: { readonly pieces: number; readonly everyMs: number };
}

/** Sends a response. Resolves when its last byte is handed over, or the connection is gone. */
export async function deliver(
  outgoing: ServerResponse,
  response: SimulatorResponse,
  clock: Clock,
): Promise<void> {
  const { delivery, body } = response;
  const head = { 'x-amzn-RequestId': randomUUID(), 'content-length': body.length, ...response.headers };
  if (delivery === undefined) {
    outgoing.writeHead(response.status, head);
    outgoing.end(body);
    return;
  }
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort(new ConnectionGone()));
  try {
    if (delivery.waitMs !== undefined) await sleep(clock, delivery.waitMs, gone.signal);
    if (delivery.reset === true) {
      outgoing.socket?.resetAndDestroy();
      return;
    }
    const { 'content-length': length, ...unsized } = head;
    outgoing.writeHead(
      response.status,
      delivery.chunked === true ? unsized : { ...unsized, 'content-length': length },
    );
    // A body of which nothing follows would otherwise keep its head back as well.
    outgoing.flushHeaders();
    await sendBody(outgoing, body, delivery, clock, gone.signal);
  } catch (error) {
    if (!(error instanceof ConnectionGone)) throw error;
  }
}

class ConnectionGone extends Error {}

async function sendBody(
  outgoing: ServerResponse,
  body: Uint8Array,
  { stall, cut, pace }: Delivery,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const stallAt = stall === undefined ? Infinity : Math.floor(body.length * stall.afterShare);
  const cutAt = cut === undefined ? Infinity : Math.floor(body.length * cut.afterShare);
  const pieceBytes =
    pace === undefined ? body.length : Math.max(1, Math.ceil(body.length / Math.max(1, pace.pieces)));
  let hasStalled = false;
  for (let at = 0; at < body.length || (!hasStalled && stallAt === at);) {
    if (!hasStalled && at === stallAt) {
      hasStalled = true;
      if (stall?.ms === undefined) await never(signal);
      else await sleep(clock, stall.ms, signal);
    }
    if (at >= cutAt) break;
    if (at > 0 && pace !== undefined && at % pieceBytes === 0) await sleep(clock, pace.everyMs, signal);
    const ends = [body.length, at + pieceBytes - (at % pieceBytes), cutAt, hasStalled ? Infinity : stallAt];
    const end = Math.min(...ends);
    if (end > at) await write(outgoing, body.subarray(at, end), signal);
    at = end;
  }
  // What was written is flushed before the socket ends; destroying it would take the last pieces along.
  if (cut !== undefined) outgoing.socket?.end();
  else outgoing.end();
}

function write(outgoing: ServerResponse, piece: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    outgoing.write(piece, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
