import { ConfigError } from '../errors.js';
import type { FrameSourceGroup } from '../frame-source-group.js';
import type { FrameSource } from '../frame-source.js';
import type { Shown } from './server.js';

const WANTED =
  'an array of frame sources and groups, such as [source], or a function that answers one, for sources';

// Not instanceof: what serves metrics need not load what reads streams.
function isSource(value: unknown): value is FrameSource {
  const { cameraId, health, getMetrics } = (value ?? {}) as Partial<FrameSource>;
  return typeof cameraId === 'string' && typeof health === 'function' && typeof getMetrics === 'function';
}

function isGroup(value: unknown): value is FrameSourceGroup {
  return Array.isArray((value as Partial<FrameSourceGroup> | null)?.sources);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function';
}

function unfold(shown: unknown): FrameSource[] {
  // The type is all that a message may say: what is given instead of a source may hold credentials.
  if (typeof shown === 'string' || !isIterable(shown)) {
    throw new ConfigError(`Expected ${WANTED} but received a value of type ${typeof shown}`);
  }
  const sources: FrameSource[] = [];
  for (const one of shown) {
    if (isSource(one)) sources.push(one);
    else if (isGroup(one)) sources.push(...one.sources);
    else throw new ConfigError(`Expected ${WANTED} but received a value of type ${typeof one} in it`);
  }
  return sources;
}

/**
 * Answers a function that lists the sources there are when it is called: an array or a set may change, groups are looked into
 * each time. Throws `ConfigError` for anything else; what a given function answers is checked when it is asked.
 */
export function listSources(shown: Shown): () => FrameSource[] {
  if (typeof shown === 'function') return () => unfold(shown());
  // Generators and iterators can be walked once only.
  const isOneShot = isIterable(shown) && shown[Symbol.iterator]() === (shown as unknown);
  const kept = isOneShot ? [...shown] : shown;
  unfold(kept);
  return () => unfold(kept);
}
