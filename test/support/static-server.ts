import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

export interface StaticServer {
  url: string;
  close(): Promise<void>;
}

/** Serves a folder over HTTP, byte ranges included. */
export async function serveFolder(folder: string): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(new URL(request.url ?? '/', 'http://x').pathname));
    readFile(path).then(
      (bytes) => {
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
        if (range === null) {
          response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
          return;
        }
        const first = Number(range[1]);
        const last = range[2] === '' ? bytes.length - 1 : Number(range[2]);
        const part = bytes.subarray(first, last + 1);
        response.writeHead(206, {
          'content-length': part.length,
          'content-range': `bytes ${first}-${last}/${bytes.length}`,
        });
        response.end(part);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
