import type { Route } from '../../../lib/http/route';
import { RouteServer, type RouteServerOptions } from '../../../lib/http/route-server';
import { silentLogger } from '../../../lib/logger';

/** A header that is let in. */
export const HOST = 'Host: localhost';

/** A route that says what its pattern captured. */
export const text = (path: Route['path'], more: Partial<Route> = {}): Route => ({
  method: 'GET',
  path,
  handle: ({ parameters }, response) => void response.end(`here ${parameters.join('|')}`),
  ...more,
});

/** Makes servers of routes, on free ports of loopback, and closes them all. */
export function servers(): {
  serve: (routes: Route[], more?: Partial<RouteServerOptions>) => Promise<RouteServer>;
  close: () => Promise<void>;
} {
  const open: RouteServer[] = [];
  return {
    serve: async (routes, more = {}) => {
      const server = new RouteServer({
        host: '127.0.0.1',
        port: 0,
        token: undefined,
        allowedHosts: [],
        routes,
        logger: silentLogger,
        ...more,
      });
      await server.listen();
      open.push(server);
      return server;
    },
    close: async () => {
      await Promise.all(open.splice(0).map((server) => server.close()));
    },
  };
}
