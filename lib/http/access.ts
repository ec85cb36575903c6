import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Compares in a time that tells nothing of where, or whether in length, they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Who has shown the token. Without one everybody counts as having shown it. */
export class Access {
  readonly #token: string | undefined;
  readonly #cookieName: string;
  readonly #cookieValue: string;

  /** The port is part of the cookie's name: browsers keep the cookies of all ports of a host in one place. */
  constructor(token: string | undefined, port: number) {
    this.#token = token;
    this.#cookieName = `kvs_frames_${port}`;
    // Made of the token alone: it outlives a restart, and a new token ends it.
    this.#cookieValue = createHmac('sha256', token ?? '')
      .update('kvs-frames page')
      .digest('hex');
  }

  /** Whether there is a token to be shown. */
  get isGuarded(): boolean {
    return this.#token !== undefined;
  }

  /** Whether this is the token. */
  isToken(text: string): boolean {
    return this.#token !== undefined && isSame(text, this.#token);
  }

  /** Whether a request with these headers may see everything. */
  admits({ authorization, cookie }: IncomingHttpHeaders): boolean {
    if (!this.isGuarded) return true;
    const bearer = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (bearer !== undefined) return this.isToken(bearer);
    const cookies = (cookie ?? '').split(';').map((one) => one.trim());
    const value = cookies.find((one) => one.startsWith(`${this.#cookieName}=`));
    return value !== undefined && isSame(value.slice(this.#cookieName.length + 1), this.#cookieValue);
  }

  /** The `Set-Cookie` header for who has shown the token. */
  get setCookie(): string {
    return `${this.#cookieName}=${this.#cookieValue}; Path=/; HttpOnly; SameSite=Strict`;
  }
}
