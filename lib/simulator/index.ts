/** A local Kinesis Video Streams for development and tests; see {@link startSimulator}. */
export { startSimulator } from './simulator.js';
export type { Simulator, SimulatorOptions } from './simulator.js';
export type { CameraState, FragmentInfo, SimulatedStream, StreamOptions, Timeline } from './stream.js';
export type { SessionInfo } from './session.js';
export type { SessionParameters } from './session-parameters.js';
export type { RequestCounts, RequestRecord } from './request-log.js';
export type { Delivery } from './delivery.js';
export { faultByName, faultCatalogue } from './faults/catalogue/catalogue.js';
export type { CatalogueFault, FaultGroup } from './faults/catalogue/entry.js';
export { faultResources } from './faults/script.js';
export type {
  FaultDeed,
  FaultResource,
  FaultRow,
  FaultScript,
  FaultWindow,
  MomentCondition,
  RequestCondition,
  ResponseEffect,
  Span,
} from './faults/script.js';
export type { FragmentDamage } from './faults/fragment-damage.js';
export type { InitDamage } from './faults/init-damage.js';
export type { PlaylistEdit, TextEdit, WindowEdit } from './faults/playlist-edit.js';
export type { RequestKind, SimulatorRequest, SimulatorResponse } from './exchange.js';
export type { SimulatorCredentials } from './sigv4.js';
export type { Camera, CameraContext, CameraFeed, CameraFragment } from './camera.js';
export { CameraError } from './ffmpeg.js';
export { testCamera } from './test-camera.js';
export type { TestCameraOptions, TestPictureOptions, TestScene } from './test-camera.js';
export { fileCamera } from './file-camera.js';
export type { FileCameraOptions } from './file-camera.js';
export { clipCamera } from './clip-camera.js';
export type { ClipCameraOptions } from './clip-camera.js';
export { parseClip, prepareClip } from './clip.js';
export type { Clip, ClipFragment, ClipOptions } from './clip.js';
export { minStampedHeight, minStampedWidth, readStamp, stampCellPixels } from './stamp.js';
export type { Stamp } from './stamp.js';
