import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mendingOf } from '../../lib/cli/mending';
import { HlsStreamError, KvsConnectionError } from '../../lib/errors';
import { Authority, type Identity } from '../support/certificates.js';
import { ROOT, runNode } from '../support/child.js';

/** An HTTPS server that counts the requests that reach it. */
interface Place {
  server: Server;
  origin: string;
  requests: string[];
}

const NAMES = ['self-signed', 'unknown', 'expired', 'wrong-host', 'good'] as const;
type Name = (typeof NAMES)[number];

let folder: string;
let authority: Authority;
let places: Record<Name, Place>;

/** A playlist that ends a source at once. */
const ENCRYPTED = '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF:1,\nf';

function serve(identity: Identity): Promise<Place> {
  const requests: string[] = [];
  const server = createServer(identity, (request, response) => {
    requests.push(`${request.method} ${request.url?.split('?', 1)[0]}`);
    if (request.method === 'GET') response.end(ENCRYPTED);
    else response.writeHead(404, { 'x-amzn-errortype': 'ResourceNotFoundException' }).end('{}');
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      resolve({ server, origin, requests });
    });
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-frames-tls-'));
  authority = new Authority(folder);
  const others = mkdtempSync(join(folder, 'others-'));
  const here = 'IP:127.0.0.1';
  const identities: Record<Name, Identity> = {
    'self-signed': authority.selfSigned('self-signed', here),
    unknown: new Authority(others).sign('unknown', here),
    expired: authority.sign('expired', here, -1),
    'wrong-host': authority.sign('wrong-host', 'DNS:camera.example,IP:127.0.0.2'),
    good: authority.sign('good', here),
  };
  const pairs = NAMES.map(async (name) => [name, await serve(identities[name])] as const);
  places = Object.fromEntries(await Promise.all(pairs)) as Record<Name, Place>;
});

afterAll(async () => {
  for (const { server } of Object.values(places)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true });
});

interface Told {
  code: string;
  message: string;
  errorName?: string;
}

/** What became of a stream at each place, by its name. */
async function readAll(kind: 'hls' | 'kvs', env: NodeJS.ProcessEnv): Promise<Record<Name, Told>> {
  for (const { requests } of Object.values(places)) requests.length = 0;
  const args = NAMES.map((name) => `${kind}=${places[name].origin}`);
  const { stdout, stderr, code } = await runNode([join(ROOT, 'test/support/tls-child.cjs'), ...args], {
    env,
  });
  expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining('SECRET')]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
  return Object.fromEntries(NAMES.map((name, i) => [name, lines[i]!])) as Record<Name, Told>;
}

const REASONS: Record<Exclude<Name, 'good'>, string> = {
  'self-signed': 'DEPTH_ZERO_SELF_SIGNED_CERT',
  unknown: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  expired: 'CERT_HAS_EXPIRED',
  'wrong-host': 'ERR_TLS_CERT_ALTNAME_INVALID',
};

describe.each([
  ['fragments', 'hls', 'HLS_NETWORK', 'HLS_UNSUPPORTED'],
  ['the control plane', 'kvs', 'KVS_CALL_FAILED', 'KVS_STREAM_NOT_FOUND'],
] as const)('whoever serves %s', (_, kind, refused, reached) => {
  const trusting = (): NodeJS.ProcessEnv => ({ NODE_EXTRA_CA_CERTS: authority.path });

  test.each([
    ['', {}],
    [', also where Node is told not to verify', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('has to prove who it is before it is asked anything%s', async (_title, more) => {
    const told = await readAll(kind, { ...trusting(), ...more });
    for (const name of NAMES) {
      const { code, message, errorName } = told[name];
      if (name === 'good') {
        expect(code).toBe(reached);
        expect(places.good.requests).toHaveLength(1);
        continue;
      }
      expect([name, code]).toEqual([name, refused]);
      expect(message).toContain(REASONS[name]);
      expect(message).toContain('NODE_EXTRA_CA_CERTS');
      expect(places[name].requests).toEqual([]);
      const [Class, subject] =
        kind === 'hls'
          ? [HlsStreamError, { urlOrigin: places[name].origin }]
          : [KvsConnectionError, { endpoint: places[name].origin }];
      const options = errorName === undefined ? {} : { errorName };
      expect(mendingOf(new Class(code as 'HLS_NETWORK', message, options), subject)?.why).toContain(
        'TLS certificate is not trusted',
      );
    }
  });

  test('does so by an authority that the host knows, and by no other', async () => {
    const told = await readAll(kind, {});
    expect(NAMES.map((name) => told[name].code)).toEqual(NAMES.map(() => refused));
    expect(NAMES.flatMap((name) => places[name].requests)).toEqual([]);
  });
});
