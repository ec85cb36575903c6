import { describe, expect, it } from '@jest/globals';
import { HlsStreamError, KvsConnectionError } from '../../../lib/errors';
import { classify, faultTable } from '../../../lib/policy/fault';

const hls = (
  status: number,
  resource: string,
  more: ConstructorParameters<typeof HlsStreamError>[2] = {},
): HlsStreamError => new HlsStreamError('HLS_STATUS', 'x', { status, resource, ...more });
const rejected = (errorName: string): KvsConnectionError =>
  new KvsConnectionError('KVS_REJECTED', 'x', { errorName });

describe('classify', () => {
  it.each([
    ['expired', new HlsStreamError('HLS_SESSION_EXPIRED', 'x', { status: 403 })],
    ['offline', new KvsConnectionError('KVS_NO_FRAGMENTS', 'x')],
    ['offline', new HlsStreamError('HLS_STALLED', 'x')],
    ['offline', hls(404, 'playlist', { errorName: 'ResourceNotFoundException' })],
    ['network', hls(404, 'playlist')],
    ['network', hls(404, 'fragment', { errorName: 'ResourceNotFoundException' })],
    ['network', hls(302, 'master')],
    ['network', hls(503, 'fragment')],
    ['throttled', hls(429, 'playlist')],
    ['throttled', hls(400, 'fragment', { errorName: 'ClientLimitExceededException' })],
    ['network', hls(400, 'fragment')],
    ['throttled', new KvsConnectionError('KVS_THROTTLED', 'x')],
    ['network', new HlsStreamError('HLS_TRUNCATED', 'x', { resource: 'playlist' })],
    ['media', new HlsStreamError('HLS_TRUNCATED', 'x', { resource: 'fragment' })],
    ['network', new HlsStreamError('HLS_TOO_LARGE', 'x', { resource: 'master' })],
    ['media', new HlsStreamError('HLS_TOO_LARGE', 'x', { resource: 'fragment' })],
    ['media', rejected('MissingCodecPrivateDataException')],
    ['misconfigured', rejected('InvalidArgumentException')],
    ['misconfigured', rejected('UnsupportedStreamMediaTypeException')],
    ['misconfigured', new KvsConnectionError('KVS_NO_RETENTION', 'x')],
    ['denied', new KvsConnectionError('KVS_DENIED', 'x', { errorName: 'AccessDeniedException' })],
    ['credentials', new KvsConnectionError('KVS_DENIED', 'x', { errorName: 'CredentialsProviderError' })],
    ['defect', new TypeError('a defect')],
  ])('says %s for %s', (expected, error) => {
    expect(classify(error)).toBe(expected);
  });

  it('reaches every row of its table', () => {
    for (const row of faultTable) {
      const found = faultTable.find(
        (one) =>
          one.code === row.code &&
          (one.errorName === undefined || one.errorName.source === row.errorName?.source) &&
          (one.resource === undefined || one.resource.source === row.resource?.source) &&
          (one.status === undefined || one.status[0] === row.status?.[0]),
      );
      expect(found).toBe(row);
    }
  });
});
