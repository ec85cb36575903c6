import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { HttpRequest, Route } from '../http/route.js';

/** Beside the sources: `lib/` and the `dist/` that mirrors it lie next to each other. */
const FOLDER = join(__dirname, '..', '..', 'lib', 'monitor', 'page');

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/** All that may be asked for, apart from the page itself. */
const FILES = [
  'camera-view.js',
  'chart.css',
  'chart.js',
  'columns.js',
  'dialog.css',
  'dialog.js',
  'dom.js',
  'feed.js',
  'grid.js',
  'icon.svg',
  'main.js',
  'page.css',
  'pictures.js',
  'store.js',
  'strip.js',
  'summary.js',
  'tile.css',
  'words.js',
] as const;

interface PageFile {
  body: Buffer;
  etag: string;
}

/** The routes of the page and its files. */
export function pageRoutes(): Route[] {
  const route = (path: string, name: string): Route => {
    let file: Promise<PageFile> | undefined;
    return {
      method: 'GET',
      path,
      handle: async (request, response) => {
        file ??= load(name).catch((error: unknown) => {
          // What could not be read now may be readable later.
          file = undefined;
          throw error;
        });
        send(request, response, name, await file);
      },
    };
  };
  return [route('/', 'index.html'), ...FILES.map((name) => route(`/page/${name}`, name))];
}

async function load(name: string): Promise<PageFile> {
  const body = await readFile(join(FOLDER, name));
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function send({ headers }: HttpRequest, response: ServerResponse, name: string, file: PageFile): void {
  // Without a change it is not sent again; what else pages must have all answers have.
  const common = { etag: file.etag, 'cache-control': 'no-cache' };
  if (headers['if-none-match'] === file.etag) {
    response.writeHead(304, common).end();
    return;
  }
  const ending = name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES;
  response.writeHead(200, {
    ...common,
    'content-type': TYPES[ending],
    'content-length': file.body.length,
  });
  response.end(file.body);
}
