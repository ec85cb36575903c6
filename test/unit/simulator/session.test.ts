import { describe, expect, test } from '@jest/globals';

import { sessionToken } from '../../../lib/simulator/session.js';

describe('A session token', () => {
  test('has the shape of the ones that AWS gives out', () => {
    const token = sessionToken();
    expect(token).toMatch(/^Ci[A-Za-z0-9_-]{149}~$/);
    const bytes = Buffer.from(token.slice(0, -1), 'base64url');
    expect(bytes).toHaveLength(113);
    expect([bytes[0], bytes[1], bytes[34], bytes[35]]).toEqual([0x0a, 32, 0x12, 16]);
    expect([bytes[52], bytes[53], bytes[79], bytes[80]]).toEqual([0x1a, 25, 0x22, 32]);
  });

  test('is another one each time, and goes through a URL unchanged', () => {
    const token = sessionToken();
    expect(sessionToken()).not.toBe(token);
    expect(new URL(`http://localhost/?SessionToken=${token}`).href).toContain(token);
  });
});
