import { describe, expect, it } from '@jest/globals';
import { parseTarget } from '../../../lib/http/target';

const path = (target: string): string => parseTarget(target).path;

describe('a request target', () => {
  it('is a decoded path and a query', () => {
    expect(path('/cameras')).toBe('/cameras');
    expect(path('/cameras/front%20door%2Fgate%C3%A9/picture.jpg')).toBe(
      '/cameras/front door/gateé/picture.jpg',
    );
    expect(parseTarget('/readyz?camera=a%26b&x').query.get('camera')).toBe('a&b');
    expect(parseTarget('/').query.size).toBe(0);
  });

  it('is decoded once', () => {
    expect(path('/%252e%252e/x')).toBe('/%2e%2e/x');
  });

  it.each([
    '',
    '*',
    'cameras',
    'http://127.0.0.1/cameras',
    '//example.com/x',
    '/../etc/passwd',
    '/a/./b',
    '/page/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..\\x',
    '/%5c..%5cx',
    '/a%00b',
    '/a%0d%0aSet-Cookie:x',
    '/%',
    '/%zz',
    '/%c0%ae',
    '/é',
    '/<script>',
    '/cameras?x=%',
    '/cameras?é',
    '/cameras#x',
  ])('is refused as malformed: %j', (target) => {
    expect(() => parseTarget(target)).toThrow(expect.objectContaining({ status: 400 }));
  });
});
