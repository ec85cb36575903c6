import type { Registry } from 'prom-client';
import type { FrameSource } from '../frame-source.js';
import type { Logger } from '../logger.js';
import { sendJson, sendText } from './answer.js';
import { ask, reportOf } from './camera-report.js';
import { readinessOf, type ReadyReport } from './readiness.js';
import type { Route } from './route.js';

export interface OwnRoutesParts {
  readonly sources: () => FrameSource[];
  readonly registry: Registry;
  readonly logger: Logger;
  readonly isClosing: () => boolean;
}

/** What is served with the page and without. */
export function ownRoutes({ sources, registry, logger, isClosing }: OwnRoutesParts): Route[] {
  let scrape: Promise<string> | undefined;
  return [
    {
      method: 'GET',
      path: '/metrics',
      async handle(_request, response) {
        // Who asks while another waits gets the same: many askers cost no more than one.
        scrape ??= registry.metrics().finally(() => (scrape = undefined));
        sendText(response, 200, await scrape, registry.contentType);
      },
    },
    {
      method: 'GET',
      path: '/healthz',
      isOpen: true,
      handle: (_request, response) => sendText(response, 200, 'ok'),
    },
    {
      method: 'GET',
      path: '/readyz',
      isOpen: true,
      handle({ query, isTrusted }, response) {
        const camera = query.get('camera');
        const asked = sources().filter(({ cameraId }) => camera === null || cameraId === camera);
        const judged = asked.map((source) => ({
          cameraId: source.cameraId,
          health: ask(source, (one) => one.health(), logger),
        }));
        const { notFlowing, ...counts } = readinessOf(judged, {
          isClosing: isClosing(),
          isNamed: camera !== null,
        });
        const report: ReadyReport = isTrusted ? { ...counts, notFlowing } : counts;
        sendJson(response, report.ready ? 200 : 503, report);
      },
    },
    {
      method: 'GET',
      path: '/cameras',
      handle(_request, response) {
        const reports = sources().map((source) => reportOf(source, logger));
        sendJson(response, 200, reports);
      },
    },
  ];
}
