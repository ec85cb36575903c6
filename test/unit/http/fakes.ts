import { EventEmitter } from 'node:events';
import type { FrameSource, HealthStatus, SourceHealth, SourceMetrics } from '../../../lib/index';
import { silentLogger, type Logger } from '../../../lib/logger';

/** A camera in this state. */
export function fakeSource(
  cameraId: string,
  status: HealthStatus | (() => HealthStatus),
  metrics: Partial<SourceMetrics> = {},
): FrameSource {
  const health = (): Partial<SourceHealth> => {
    const now = typeof status === 'function' ? status() : status;
    return { healthy: now === 'flowing' || now === 'idle', status: now, reason: `is ${now}` };
  };
  return Object.assign(new EventEmitter(), {
    cameraId,
    health,
    getMetrics: () => ({ frames: 7, session: null, engine: null, ...metrics }),
  }) as unknown as FrameSource;
}

/** A camera whose source can't be asked. */
export function brokenSource(cameraId: string): FrameSource {
  const fail = (): never => {
    throw new Error('broken: https://x/y.m3u8?SessionToken=Secret~~');
  };
  return { cameraId, health: fail, getMetrics: fail } as unknown as FrameSource;
}

/** Keeps what is said. */
export function listeningLogger(): Logger & { said: string[] } {
  const said: string[] = [];
  const say = (...words: unknown[]): void => void said.push(words.map(String).join(' '));
  return { ...silentLogger, said, debug: say, info: say, warn: say, error: say };
}
