import type { EngineFault } from '../../binding.js';
import { FrameSourceError } from '../errors.js';

/** Anything that ends the engine, as an error of this package. */
export function engineFailure(cause: unknown): FrameSourceError {
  if (cause instanceof FrameSourceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FrameSourceError('ENGINE_FAILED', `The engine can't go on: ${reason}`, { cause });
}

/** Why the media of a fragment with that fault is missing. */
export function causeOf({ stage }: EngineFault): 'media' | 'format' | 'policy' {
  if (stage === 'limit') return 'policy';
  return stage === 'open' || stage === 'convert' ? 'format' : 'media';
}
