export { HlsFrameSource, KvsHlsFrameSource } from './source.js';
export { FrameSource } from './frame-source.js';
export { FrameSourceGroup, type GroupEvents } from './frame-source-group.js';
export type { FrameSourceGroupOptions, GroupBatchesOptions, GroupRemoveOptions } from './group-options.js';
export type { GroupLeave } from './group-roster.js';
export type { BatchesOptions } from './batches.js';
export { FrameBatch } from './frames/batch.js';
export type { FramesOptions, ReadOptions } from './read-options.js';
export { presets, type HlsFrameSourceOptions, type KvsHlsFrameSourceOptions } from './options.js';
export type { FrameSourceOptions } from './frame-source-options.js';
export type { SourceLimits } from './limits.js';
export type { OutputOptions } from './output-options.js';
export type { Box, Framing, PixelFormat } from './frames/layout.js';
export type { Drop, DropCause, DropTotals } from './policy/drop.js';
export { Frame, type FrameFragment, type TimestampSource } from './frames/frame.js';
export type { PictureFormat } from './frames/engine.js';
export type { JpegOptions } from './frames/image.js';
export type { Picture } from './frames/picture.js';
export type { FrameHandle, ShareOptions } from './frames/sharing.js';
export type { RingMemory } from './frames/ring.js';
export { ConnectionState, type SourcePhase } from './policy/supervisor.js';
export type { Gap, GapCause, GapTotals } from './policy/gap.js';
export type {
  DecoderNews,
  FrameSourceEvents,
  MediaFault,
  Reconnect,
  SessionStart,
  StateChange,
} from './events.js';
export type { FragmentRhythm, HealthStatus, PlannedStep, SourceHealth } from './health.js';
export type {
  ChannelMessages,
  FaultMessage,
  FragmentMessage,
  FrameMessage,
  PlaylistMessage,
  SessionMessage,
} from './channels.js';
export type { CallCount } from './session/call-counts.js';
export type { FaultClass } from './policy/fault.js';
export type { VariantInfo } from './hls/fragment.js';
export type { SourceMetrics } from './source-metrics.js';
export {
  ConfigError,
  FrameSourceError,
  HlsStreamError,
  KvsConnectionError,
  type FrameSourceErrorCode,
  type FrameSourceErrorDetails,
} from './errors.js';
export type { Logger } from './logger.js';
