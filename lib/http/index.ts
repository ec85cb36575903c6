export { serveHttp } from './serve.js';
export type { HttpOptions, HttpServer, Shown } from './server.js';
export type { CameraNumbers, CameraReport } from './camera-report.js';
export type { ReadyReport } from './readiness.js';
