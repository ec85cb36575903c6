export { HlsFrameSource, KvsHlsFrameSource } from './source.js';
export { FrameSource } from './frame-source.js';
export type { FramesOptions, ReadOptions } from './read-options.js';
export {
  presets,
  type FrameSourceOptions,
  type HlsFrameSourceOptions,
  type KvsHlsFrameSourceOptions,
} from './options.js';
export { Frame, type FrameFragment, type TimestampSource } from './frames/frame.js';
export type { PictureFormat } from './frames/engine.js';
export type { RingMemory } from './frames/ring.js';
export { ConnectionState, type SourcePhase } from './policy/supervisor.js';
export type { Gap, GapCause, GapTotals } from './policy/gap.js';
export type { FrameSourceEvents, MediaFault, Reconnect, SessionStart, StateChange } from './events.js';
export type { HealthStatus, SourceHealth } from './health.js';
export type { SourceMetrics } from './metrics.js';
export {
  ConfigError,
  FrameSourceError,
  HlsStreamError,
  KvsConnectionError,
  type FrameSourceErrorCode,
  type FrameSourceErrorDetails,
} from './errors.js';
export type { Logger } from './logger.js';
