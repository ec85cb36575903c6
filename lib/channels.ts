import { channel } from 'node:diagnostics_channel';
import type { EngineFault } from '../binding.js';
import type { FrameSourceErrorCode } from './errors.js';
import type { SessionStart } from './events.js';
import type { FrameSource } from './frame-source.js';
import type { Frame } from './frames/frame.js';
import type { Fragment, VariantInfo } from './hls/fragment.js';
import type { FaultClass } from './policy/fault.js';

/** A session is in use from now on. */
export interface SessionMessage extends SessionStart {
  cameraId: string;
}

/**
 * A playlist was asked for, and came or did not: a session's first one (`master`), or the list of its fragments. Each request is
 * told, those of renewals and of repetitions too. Requests are made on a thread of their own, which learns of a new subscriber with the
 * source's next step: whoever subscribes before `start()` hears all from the first on, whoever comes later from the next
 * fragment of any source on.
 */
export interface PlaylistMessage {
  cameraId: string;
  kind: 'master' | 'playlist';
  /** HTTP status, 0 if no answer came. */
  status: number;
  /** Bytes of the body; 0 if it failed. */
  bytes: number;
  /** From the request to the last byte, or the failure. */
  ms: number;
  /** Why it failed; absent if it did not. */
  code?: FrameSourceErrorCode;
  /** The reader itself broke it off, since nobody needed it any more; absent otherwise. */
  cancelled?: true;
}

/** A fragment is handed to the decoder. */
export interface FragmentMessage {
  cameraId: string;
  sessionId: number;
  /** Its media sequence number in that session's list. */
  sequence: number;
  /** Start, Unix ms as the list dates it; `null` if it does not. */
  dateMs: number | null;
  durationMs: number;
  /** Without the init section. */
  bytes: number;
  discontinuity: boolean;
  variant: VariantInfo | null;
  /** When its last byte came, Unix ms. */
  receivedAtMs: number;
}

/** A frame is handed to the program. It is on loan until the program lets go of it: who wants it longer retains it. */
export interface FrameMessage {
  cameraId: string;
  source: FrameSource;
  frame: Frame;
}

/** Something failed; what the reader makes of it is its class. */
export interface FaultMessage {
  cameraId: string;
  class: FaultClass;
  /** For damaged media the stage of the decoder that refused it; `null` for an error that is none of this package's. */
  code: FrameSourceErrorCode | EngineFault['stage'] | null;
  message: string;
  /** Absent for damaged media. */
  error?: Error;
}

/**
 * Channels of `node:diagnostics_channel` for tracers and monitors, by what they tell of. Nothing is made for a channel that
 * nobody is subscribed to. Messages hold no token.
 */
export const channels = {
  session: channel('kvs-frames:session'),
  playlist: channel('kvs-frames:playlist'),
  fragment: channel('kvs-frames:fragment'),
  frame: channel('kvs-frames:frame'),
  fault: channel('kvs-frames:fault'),
};

/** What is published on each channel. */
export interface ChannelMessages {
  'kvs-frames:session': SessionMessage;
  'kvs-frames:playlist': PlaylistMessage;
  'kvs-frames:fragment': FragmentMessage;
  'kvs-frames:frame': FrameMessage;
  'kvs-frames:fault': FaultMessage;
}

export function fragmentMessage(cameraId: string, fragment: Fragment): FragmentMessage {
  const { sessionId, sequence, dateMs, durationMs, discontinuity, variant, receivedAtMs, media } = fragment;
  const bytes = media.length;
  return { cameraId, sessionId, sequence, dateMs, durationMs, bytes, discontinuity, variant, receivedAtMs };
}
