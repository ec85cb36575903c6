import { systemClock, type Clock } from '../clock.js';
import { limited } from '../log-limit.js';
import type { FaultControl } from '../monitor/fault-control.js';
import { Monitor } from '../monitor/monitor.js';
import { checkHttpOptions } from './options.js';
import { ownRoutes } from './own-routes.js';
import { RouteServer } from './route-server.js';
import type { HttpOptions, HttpServer } from './server.js';

/** What only this package's own programs give. */
export interface HttpExtra {
  /** Puts buttons on the page that break things. */
  faults?: FaultControl;
  clock?: Clock;
}

/** As {@link serveHttp}. */
export async function startHttp(options: HttpOptions, extra: HttpExtra = {}): Promise<HttpServer> {
  const { sources, registry, page, logger: given, ...place } = checkHttpOptions(options);
  const { faults, clock = systemClock } = extra;
  // What fails fails at each request.
  const logger = limited(given, clock);
  const monitor = page ? new Monitor({ sources, faults, clock, logger }) : undefined;
  const routes = ownRoutes({ sources, registry, logger, isClosing: () => server.isClosing });
  const server: RouteServer = new RouteServer({
    ...place,
    routes: [...routes, ...(monitor?.routes ?? [])],
    logger,
    clock,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await monitor?.close();
    logger.flush();
  };
  try {
    await server.listen();
  } catch (error) {
    await monitor?.close();
    throw error;
  }
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}

/**
 * Serves what an operator asks for: `/metrics` for Prometheus, `/healthz` (the program lives), `/readyz` (frames flow),
 * `/cameras` (each camera's health and numbers as JSON, see {@link CameraReport}), and with `page` the live page.
 *
 * ```ts
 * const server = await serveHttp({ sources: [source] });
 * process.once('SIGTERM', () => void server.close().then(() => source.stop()));
 * ```
 *
 * `/readyz` answers 200 while frames of at least one camera flow, or all cameras are merely silent; 503 before the first frame,
 * when none flow, and when no source is left. `/readyz?camera=ID` asks about one.
 *
 * The server keeps the process alive until it is closed. It installs no signal handlers and stops no source: the lines above do.
 * It speaks HTTP without TLS; who wants that puts a proxy in front, and its name in `allowedHosts`. Of more than
 * 128 connections at a time the oldest without a request under way is dropped; where all have one, the oldest whose request needs no
 * token, first of an address that holds more than half of them; where the token was needed for all, the one that comes.
 *
 * Throws `ConfigError` for a wrong option, an address or port that can't be had, and `page` without `token` on an address
 * that other machines reach.
 */
export function serveHttp(options: HttpOptions): Promise<HttpServer> {
  return startHttp(options);
}
