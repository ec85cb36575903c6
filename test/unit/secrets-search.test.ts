import { describe, expect, it } from '@jest/globals';
import { EverythingSeen } from '../support/everything-seen';
import { everythingOf, printsOf, Secrets } from '../support/secrets';

describe('the search for secrets', () => {
  const SECRET = 'CiA3canary"secret\\with~all/sorts+of=characters';
  const secrets = new Secrets().add('canary', SECRET);
  const hidden = Object.create({
    get inherited() {
      return SECRET;
    },
  }) as object;
  Object.defineProperty(hidden, 'quiet', { value: SECRET, enumerable: false });
  class Private {
    readonly #secret = SECRET;
    isKept(): boolean {
      return this.#secret.length > 0;
    }
  }

  it.each([
    ['as it is', `a ${SECRET} b`],
    ['in a URL', `?a=${encodeURIComponent(SECRET)}`],
    ['in a URL in a URL', encodeURIComponent(`?a=${encodeURIComponent(SECRET)}`)],
    ['in JSON', JSON.stringify({ a: SECRET })],
    ['in JSON in JSON', JSON.stringify({ a: JSON.stringify({ b: SECRET }) })],
    ['in base64', Buffer.from(`user:${SECRET}`).toString('base64')],
    ['in base64 from elsewhere on', Buffer.from(`me:${SECRET}.`).toString('base64')],
    ['in base64 for URLs', Buffer.from(SECRET).toString('base64url')],
    ['in hexadecimal digits', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['as bytes', JSON.stringify(Buffer.from(SECRET))],
    ['over two lines', `a ${SECRET.slice(0, 20)}\n   ${SECRET.slice(20)}`],
    ['as a printer breaks it', `'${SECRET.slice(0, 20)}' +\n  '${SECRET.slice(20)}'`],
    ['by its beginning', `${SECRET.slice(0, 12)}…`],
    ['by its end', `…${SECRET.slice(-12)}`],
  ])('finds it %s', (_, text) => {
    expect(secrets.findIn(text)).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['a message', new Error(SECRET)],
    ['a cause', new Error('a', { cause: new Error(SECRET) })],
    ['a symbol', { [Symbol('a')]: SECRET }],
    ['a name', { [SECRET]: 1 }],
    ['what is not enumerable', hidden],
    ['an accessor of a prototype', hidden],
    ['a map', new Map([[{ a: 1 }, new Set([[SECRET]])]])],
    ['bytes', { a: Buffer.from(`x${SECRET}`) }],
    ['a function', Object.assign(() => 1, { secret: SECRET })],
    [
      'what is thrown',
      {
        get a(): string {
          throw new Error(SECRET);
        },
      },
    ],
    ['depth', JSON.parse(`${'{"a":'.repeat(60)}${JSON.stringify(SECRET)}${'}'.repeat(60)}`)],
  ])('finds it in %s', (_, value) => {
    expect(secrets.findIn(everythingOf(value))).toHaveLength(1);
  });

  it('finds it in what is printed, and nothing where there is nothing', () => {
    expect(secrets.findIn(printsOf({ a: [{ b: SECRET }] }))).toHaveLength(1);
    const kept = new Private();
    expect(kept.isKept()).toBe(true);
    expect(secrets.findIn(printsOf(kept) + everythingOf(kept))).toEqual([]);
    expect(secrets.findIn('CiA3canary CiA4canary"secr of=characte')).toEqual([]);
  });

  it('finds what a source, a logger and the console are made to tell', () => {
    const seen = new EverythingSeen();
    seen.logger.warn('words', { secret: SECRET });
    expect(secrets.findIn(seen.end())).toHaveLength(1);
    const other = new EverythingSeen();
    process.emitWarning(SECRET);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      expect(secrets.findIn(other.end())).toHaveLength(1);
    });
  });
});
