import { EventEmitter } from 'node:events';
import type { FrameSourceError } from './errors.js';
import type { PictureFormat } from './frames/engine.js';
import type { FrameFragment } from './frames/frame.js';
import type { Drop } from './policy/drop.js';
import type { Gap } from './policy/gap.js';
import type { ConnectionState, SourcePhase } from './policy/supervisor.js';

/** The source changed from one phase to another; its connection state may have stayed the same. */
export interface StateChange {
  from: ConnectionState;
  to: ConnectionState;
  /** The finer state it is in now. */
  phase: SourcePhase;
  /** The failure that led to it, if one did. */
  error?: FrameSourceError;
}

/** A session is in use from now on. */
export interface SessionStart {
  /** Counted from 1; `frame.fragment.sessionId` refers to it. */
  id: number;
  /** When the server will refuse it, Unix ms; `Infinity` if never. */
  expiresAtMs: number;
  /** True if it took over from a session that still played; false after a start or a reconnection. */
  renewal: boolean;
}

/** A reconnection is about to be made. Looking for a camera that sends nothing is none: see the phase `offline`. */
export interface Reconnect {
  /** Failures in a row that counted towards `maxConsecutiveErrors`. */
  consecutiveErrors: number;
  /** How long is waited before it, in ms. */
  afterMs: number;
  /** What failed. */
  error: FrameSourceError;
}

/** A fragment, or part of it, could not be decoded, also after it was fetched once more. */
export interface MediaFault {
  /** `open`, `demux`, `decode`, `convert` or `limit`. */
  stage: string;
  /** What failed, with which value. */
  message: string;
  /** libav's name of the error, or `''`. */
  codeName: string;
  /** What libav logged about it, oldest first. */
  log: readonly string[];
  fragment: FrameFragment | undefined;
}

/** A decoder was opened where hardware was asked for. */
export interface DecoderNews {
  /** Where it decodes: `none` is in software. */
  hwaccel: 'none' | 'cuda' | 'vaapi';
  /** Why not where it was asked to, or `''`. */
  fallbackReason: string;
}

/** Events of a source and what their listeners are given. */
export interface FrameSourceEvents {
  state: [StateChange];
  session: [SessionStart];
  gap: [Gap];
  format: [PictureFormat];
  reconnect: [Reconnect];
  fault: [MediaFault];
  /** Frames were dropped because their consumer was slow; what was never asked for is not told. */
  drop: [Drop];
  decoder: [DecoderNews];
}

/** Emits a source's events. */
export abstract class SourceEmitter extends EventEmitter<FrameSourceEvents> {
  /** A listener that throws is its program's affair, not the reader's: it ends as an uncaught exception. */
  protected tell<Name extends keyof FrameSourceEvents>(name: Name, news: FrameSourceEvents[Name][0]): void {
    try {
      (this as EventEmitter).emit(name, news);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
