// Servers that show in their answers what they were asked with.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatorRequest, SimulatorResponse } from '../../lib/simulator/index';

/** Secrets in URLs. */
export const USER = 'canary-user-5b1e7744';
export const PASSWORD = 'canary-passw0rd-93ad';
/** As a signature may be written: only what names, numbers and identifiers have in them, too. */
export const QUERY = 'c0ffee42aa17d00dfeed5b1e7744ba5eba11facade';

/** A control call's answer that shows what was asked, as AWS's to a wrong signature does, and proxies' do. */
export type Echo = (request: SimulatorRequest, response: SimulatorResponse) => SimulatorResponse;

const asked = ({ method, path, headers }: SimulatorRequest): string =>
  `${method} ${path}\n${Object.entries(headers)
    .map(([name, value]) => `${name}:${String(value)}`)
    .join('\n')} ${JSON.stringify(headers)} token ${String(headers['x-amz-security-token'])} is not valid`;

const refusal =
  (status: number, name: string): Echo =>
  (request) => ({
    status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': name,
      'x-amzn-requestid': String(request.headers['x-amz-security-token']),
    },
    body: Buffer.from(JSON.stringify({ __type: name, message: asked(request), Message: asked(request) })),
  });

export const ECHOES: Record<string, Echo> = {
  'wrong-signature': refusal(403, 'InvalidSignatureException'),
  'unknown-client': refusal(403, 'UnrecognizedClientException'),
  'not-valid': refusal(400, 'ValidationException'),
  'not-allowed': refusal(403, 'AccessDeniedException'),
  broken: refusal(500, 'InternalFailure'),
  'named-by-token': (request, response) =>
    refusal(400, String(request.headers['x-amz-security-token']))(request, response),
  page: (request) => ({
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: Buffer.from(asked(request)),
  }),
  'cut-in-token': (_, response) => ({
    ...response,
    body: response.body.subarray(0, response.body.length - 40),
  }),
  'no-quotes': (_, response) => ({
    ...response,
    body: Buffer.from(
      Buffer.from(response.body)
        .toString()
        .replace(/"(http[^"]*=)([^"]*)"/, '$2'),
    ),
  }),
  'other-scheme': (_, response) => ({
    ...response,
    body: Buffer.from(Buffer.from(response.body).toString().replace('http:', 'ftp:')),
  }),
  'no-host': (_, response) => ({
    ...response,
    body: Buffer.from(
      Buffer.from(response.body)
        .toString()
        .replace(/127\.0\.0\.1(:\d+)/, `${USER}:${PASSWORD}@nowhere.invalid$1`),
    ),
  }),
  'not-tls': (_, response) => ({
    ...response,
    body: Buffer.from(Buffer.from(response.body).toString().replace('http:', 'https:')),
  }),
};

/** An HLS server that shows what it was asked in all it answers. */
export const PAGES: Record<
  string,
  (request: IncomingMessage, response: ServerResponse, port: number) => void
> = {
  '403': ({ url }, response) =>
    response.writeHead(403, { 'x-amzn-errortype': QUERY, 'x-amzn-requestid': QUERY }).end(url),
  '404': ({ url }, response) => response.writeHead(404, { 'content-type': QUERY }).end(url),
  '500': ({ url }, response) => response.writeHead(500, { 'retry-after': QUERY }).end(url),
  redirect: ({ url }, response) =>
    response.writeHead(302, { location: `http://${USER}:${PASSWORD}@a/${url}` }).end(),
  compressed: ({ url }, response) => response.writeHead(200, { 'content-encoding': QUERY }).end(url),
  text: ({ url }, response) => response.end(url),
  cut: ({ url }, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write(`#EXTM3U\n#EXT-X-${url}`);
    setImmediate(() => response.destroy());
  },
  encrypted: ({ url }, response) =>
    response.end(`#EXTM3U\n#EXT-X-KEY:METHOD=${QUERY},URI="${url}"\n#EXTINF:1,\n${url}\n`),
  foreign: ({ url }, response) =>
    response.end(
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://${USER}:${PASSWORD}@${QUERY}.example${url}\n`,
    ),
  malformed: ({ url }, response) =>
    response.end(`#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://[${url}\n`),
  tags: ({ url }, response) =>
    response.end(
      `#EXTM3U\n#EXT-X-TARGETDURATION:${QUERY}\n#EXT-X-${QUERY}:${url}\n#EXT-X-MAP:URI=${QUERY}\n#EXTINF:${QUERY},${url}\n`,
    ),
  codecs: ({ url }, response) =>
    response.end(`#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="${QUERY},mp4a.40.2"\n${url}\n`),
  gone: ({ url }, response) => {
    const body = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfragment.ts${new URL(url!, 'http://a').search}\n#EXT-X-ENDLIST\n`;
    if (url!.includes('fragment')) response.writeHead(410, { 'x-amzn-errortype': QUERY }).end(url);
    else response.end(body);
  },
  damaged: ({ url }, response) =>
    response.end(
      url!.includes('fragment')
        ? Buffer.from(`G${url}`.repeat(400))
        : `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfragment.ts${new URL(url!, 'http://a').search}\n#EXT-X-ENDLIST\n`,
    ),
};
