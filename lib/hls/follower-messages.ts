import {
  FrameSourceError,
  HlsStreamError,
  KvsConnectionError,
  withoutSecrets,
  type FrameSourceErrorCode,
} from '../errors.js';
import type { SourceLimits } from '../limits.js';
import { redact } from '../redact.js';
import type { Session } from '../session/provider.js';
import type { Position } from './cursor.js';
import type { Fragment, FragmentBytes, LostFragments } from './fragment.js';
import type { LoadEvent } from './loader.js';
import type { VariantLimits } from './variant.js';

/** What a follower on the network thread is to do. */
export interface FollowerSettings extends VariantLimits {
  allowedOrigins: readonly string[];
  limits: Required<SourceLimits>;
  startFragmentsBehind: number;
  startAt: 'edge' | 'beginning';
  fragmentsPerSecond: number;
}

/** What the network thread makes a follower of. */
export interface FollowerStart extends FollowerSettings {
  /** As {@link Follower.setFloor}. */
  floorMs: number;
  /** Where a follower on a thread that died was. */
  position: Position | null;
  /** Memory of the source's {@link LoadStatistics}. */
  loads: SharedArrayBuffer;
  /** Memory of the {@link Audience} of requests for playlists. */
  audience: SharedArrayBuffer;
}

/** To the network thread. A run is named by a number; what comes late of a former run is dropped by it. */
export type FollowerRequest =
  | { kind: 'run'; run: number; session: Session }
  /** The consumer wants the next fragment. */
  | { kind: 'next'; run: number }
  | { kind: 'end-run'; run: number }
  | { kind: 'offer'; offer: number; session: Session }
  | { kind: 'end-offer'; offer: number }
  /** A fragment handed over lately is wanted once more. */
  | { kind: 'again'; again: number; of: FragmentName }
  | { kind: 'end-again'; again: number }
  /** Fragments that end before this are not wanted, Unix ms. */
  | { kind: 'floor'; dateMs: number };

/** Names a fragment that was handed over. */
export interface FragmentName {
  sessionId: number;
  sequence: number;
  /** Tells fragments of two variants apart that have the same number. */
  dateMs?: number | null;
}

/** From the network thread. */
export type FollowerReply =
  /** `init` is absent while it is the one sent before. */
  | {
      kind: 'fragment';
      run: number;
      fragment: Omit<Fragment, 'init'>;
      init?: Uint8Array | null;
      /** Where the follower is now. */
      position: Position | null;
      /** {@link Follower.stallLimitMs} */
      stallLimitMs: number;
    }
  /** With what is lost behind the last fragment. */
  | { kind: 'ended'; run: number; lost: LostFragments | null }
  | { kind: 'failed'; run: number; error: ErrorWire }
  | { kind: 'offered'; offer: number; error?: ErrorWire }
  /** `null` if it can't be had. */
  | { kind: 'again'; again: number; bytes: FragmentBytes | null }
  /** A request for a playlist has ended; only while somebody listens. */
  | { kind: 'playlist'; load: PlaylistLoad }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; message: string };

/** A {@link LoadEvent} of a playlist. */
export interface PlaylistLoad extends LoadEvent {
  kind: 'master' | 'playlist';
}

/** An error's parts: errors themselves lose their class and fields on the way between threads. */
export interface ErrorWire {
  name: string;
  message: string;
  stack?: string | undefined;
  code?: string | undefined;
  status?: number | undefined;
  errorName?: string | undefined;
  requestId?: string | undefined;
  resource?: string | undefined;
  retryAfterMs?: number | undefined;
  cause?: ErrorWire | undefined;
}

/** Of an error that is none of this package's only what is no secret goes over. */
export function errorToWire(failure: unknown): ErrorWire {
  const error = withoutSecrets(failure);
  if (!(error instanceof Error)) return { name: 'Error', message: redact(String(failure)) };
  const { name, message, stack } = error;
  const cause = error.cause === undefined ? undefined : errorToWire(error.cause);
  if (error instanceof FrameSourceError) {
    const { code, status, errorName, requestId, resource, retryAfterMs } = error;
    return { name, message, stack, code, status, errorName, requestId, resource, retryAfterMs, cause };
  }
  const { code } = error as { code?: unknown };
  return { name, message, stack, cause, ...(typeof code === 'string' && { code }) };
}

const CLASSES = { HlsStreamError, KvsConnectionError, FrameSourceError };

export function errorFromWire(wire: ErrorWire): Error {
  const { name, message, stack, code, status, errorName, requestId, resource, retryAfterMs } = wire;
  const cause = wire.cause === undefined ? undefined : errorFromWire(wire.cause);
  const error =
    name in CLASSES
      ? new CLASSES[name as keyof typeof CLASSES](code as FrameSourceErrorCode, message, {
          cause,
          ...(status !== undefined && { status }),
          ...(errorName !== undefined && { errorName }),
          ...(requestId !== undefined && { requestId }),
          ...(resource !== undefined && { resource }),
          ...(retryAfterMs !== undefined && { retryAfterMs }),
        })
      : Object.assign(new Error(message, { cause }), { name, ...(code !== undefined && { code }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}
