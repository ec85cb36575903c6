import type { FrameSource } from '../frame-source.js';
import type { SourceHealth } from '../health.js';
import type { Logger } from '../logger.js';
import type { SourceMetrics } from '../source-metrics.js';

/** What `/cameras` says of a camera's numbers: those of `getMetrics()`, without the native engine's. */
export interface CameraNumbers extends Omit<SourceMetrics, 'engine' | 'session'> {
  /** The session in use; `null` if there is none. `expiresAtMs` in Unix ms; `null` where it never does. */
  session: { id: number; expiresAtMs: number | null } | null;
}

/** An entry of the array that `/cameras` answers. */
export interface CameraReport {
  cameraId: string;
  /** `null` where the source could not say; the log says why. */
  health: SourceHealth | null;
  /** `null` where the source could not say; the log says why. */
  metrics: CameraNumbers | null;
}

/** Asks a source, and goes on without an answer where asking throws. */
export function ask<T>(source: FrameSource, question: (source: FrameSource) => T, logger: Logger): T | null {
  try {
    return question(source);
  } catch (error) {
    logger.error(`${source.cameraId}: its state could not be read: ${String(error)}`);
    return null;
  }
}

function numbersOf(source: FrameSource): CameraNumbers {
  const { engine: _engine, session, ...numbers } = source.getMetrics();
  if (session === null) return { ...numbers, session };
  const { id, expiresAtMs } = session;
  return { ...numbers, session: { id, expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : null } };
}

/** What is said of a camera. Never throws. */
export function reportOf(source: FrameSource, logger: Logger): CameraReport {
  return {
    cameraId: source.cameraId,
    health: ask(source, (one) => one.health(), logger),
    metrics: ask(source, numbersOf, logger),
  };
}
