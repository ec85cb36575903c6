import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import {
  incompleteSignature,
  invalidSignature,
  missingAuthentication,
  requestExpired,
  unrecognizedClient,
} from './errors.js';
import type { SimulatorRequest } from './exchange.js';

/** The keys that a simulator expects calls to be signed with. */
export interface SimulatorCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Present: calls must carry it as `x-amz-security-token`. */
  sessionToken?: string;
}

const service = 'kinesisvideo';
const maxSkewMs = 15 * 60_000;

/**
 * Checks that a control call is signed the way AWS wants: algorithm, scope, signed headers. With
 * `credentials`, also that it was signed with these, and lately. Throws `ServiceError`.
 */
export function checkSignature(
  request: SimulatorRequest,
  region: string,
  credentials: SimulatorCredentials | null,
): void {
  const header = request.headers.authorization;
  if (header === undefined || header === '') throw missingAuthentication();
  if (!header.startsWith('AWS4-HMAC-SHA256 ')) throw incompleteSignature("the algorithm 'AWS4-HMAC-SHA256'");
  const credential = part(header, 'Credential');
  const signedHeaders = part(header, 'SignedHeaders').split(';');
  const signature = part(header, 'Signature');
  const sentAt = request.headers['x-amz-date'];
  if (typeof sentAt !== 'string' || !/^\d{8}T\d{6}Z$/.test(sentAt)) {
    throw incompleteSignature("an 'X-Amz-Date' header");
  }
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incompleteSignature('a signature of 64 hexadecimal digits');
  for (const name of ['host', 'x-amz-date']) {
    if (!signedHeaders.includes(name)) throw invalidSignature(`'${name}' must be a signed header.`);
  }
  const [accessKeyId = '', date, scopeRegion, scopeService, terminator, ...rest] = credential.split('/');
  if (rest.length > 0 || terminator !== 'aws4_request' || accessKeyId === '') {
    throw incompleteSignature("a 'Credential' of five parts ending in aws4_request");
  }
  if (date !== sentAt.slice(0, 8)) {
    throw invalidSignature(`Date in Credential scope does not match ${sentAt.slice(0, 8)} from X-Amz-Date.`);
  }
  if (scopeRegion !== region) {
    throw invalidSignature(`Credential should be scoped to a valid region, not '${scopeRegion}'.`);
  }
  if (scopeService !== service) {
    throw invalidSignature(`Credential should be scoped to correct service: '${service}'.`);
  }
  if (credentials === null) return;

  const sentToken = request.headers['x-amz-security-token'];
  if (accessKeyId !== credentials.accessKeyId || sentToken !== credentials.sessionToken) {
    throw unrecognizedClient();
  }
  if (Math.abs(request.receivedAtMs - unixMs(sentAt)) > maxSkewMs) throw requestExpired();
  const scope = [date, scopeRegion, scopeService, terminator];
  const canonical = canonicalRequest(request, signedHeaders);
  const toSign = ['AWS4-HMAC-SHA256', sentAt, scope.join('/'), sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${credentials.secretAccessKey}`);
  for (const piece of [...scope, toSign]) key = createHmac('sha256', key).update(piece).digest();
  if (!timingSafeEqual(key, Buffer.from(signature, 'hex'))) {
    throw invalidSignature(
      'The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method.',
    );
  }
}

function part(header: string, name: string): string {
  const value = new RegExp(`[ ,]${name}=([^,\\s]+)`).exec(header)?.[1];
  if (value === undefined) throw incompleteSignature(`'${name}' parameter`);
  return value;
}

function unixMs(stamp: string): number {
  return Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function canonicalRequest(request: SimulatorRequest, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map((name) => {
    const value = request.headers[name];
    return `${name}:${String(value ?? '')
      .trim()
      .replace(/\s+/g, ' ')}\n`;
  });
  const query = request.rawQuery === '' ? '' : request.rawQuery.split('&').sort().join('&');
  return [
    request.method,
    request.path,
    query,
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
