import { describe, expect, it } from '@jest/globals';
import { HlsStreamError, KvsConnectionError } from '../../../lib/errors';
import { classify } from '../../../lib/policy/fault';

describe('classify', () => {
  it.each([
    ['expired', new HlsStreamError('HLS_SESSION_EXPIRED', 'x', { status: 403 })],
    ['offline', new KvsConnectionError('KVS_NO_FRAGMENTS', 'x')],
    ['offline', new HlsStreamError('HLS_STALLED', 'x')],
    ['offline', new HlsStreamError('HLS_STATUS', 'x', { status: 404, resource: 'playlist' })],
    ['network', new HlsStreamError('HLS_STATUS', 'x', { status: 404, resource: 'fragment' })],
    ['network', new HlsStreamError('HLS_STATUS', 'x', { status: 503, resource: 'fragment' })],
    ['throttled', new HlsStreamError('HLS_STATUS', 'x', { status: 429 })],
    [
      'throttled',
      new HlsStreamError('HLS_STATUS', 'x', { status: 400, errorName: 'ClientLimitExceededException' }),
    ],
    ['throttled', new KvsConnectionError('KVS_THROTTLED', 'x')],
    ['media', new HlsStreamError('HLS_TRUNCATED', 'x')],
    ['media', new KvsConnectionError('KVS_REJECTED', 'x', { errorName: 'MissingCodecPrivateDataException' })],
    ['fatal', new KvsConnectionError('KVS_REJECTED', 'x', { errorName: 'InvalidArgumentException' })],
    ['fatal', new KvsConnectionError('KVS_NO_RETENTION', 'x')],
    ['fatal', new TypeError('a defect')],
  ])('says %s for %s', (expected, error) => {
    expect(classify(error)).toBe(expected);
  });
});
