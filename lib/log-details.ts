import { types } from 'node:util';
import { FrameSourceError, withoutSecrets } from './errors.js';
import { redact } from './redact.js';

/** Names of what is not shown, whatever it is, unless it is a number or a fact. */
const SECRET_NAME =
  /token|secret|passw|passphrase|authorization|cookie|credential|signature|(?:api|access|private)[-_]?key/i;
/** Objects within objects that are looked into. */
const MAX_DEPTH = 5;
/** Values of one line that are looked at: a line is for people. */
const MAX_VALUES = 1000;
const HIDDEN = '…';
const UNREADABLE = '[unreadable]';

/** Copies details of a line; the originals stay as they are. */
class Copy {
  #left = MAX_VALUES;

  of(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'symbol') return redact(String(value));
    if (typeof value === 'function') return `[function ${redact(value.name)}]`;
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof FrameSourceError) return value;
    if (value instanceof Error || types.isNativeError(value)) return withoutSecrets(value);
    if (types.isDate(value)) return value;
    if (value instanceof URL) return redact(value.href);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[${value.byteLength} bytes]`;
    if (depth >= MAX_DEPTH || this.#left <= 0) return HIDDEN;
    if (Array.isArray(value)) return this.#list(value, depth);
    if (types.isMap(value)) return new Map(this.#entries(value, depth));
    if (types.isSet(value)) return new Set(this.#list(value, depth));
    return Object.fromEntries(this.#entries(Object.entries(value), depth));
  }

  #list(values: Iterable<unknown>, depth: number): unknown[] {
    const copies: unknown[] = [];
    for (const value of values) {
      if (this.#left-- <= 0) break;
      copies.push(this.of(value, depth + 1));
    }
    return copies;
  }

  #entries(entries: Iterable<[unknown, unknown]>, depth: number): [never, unknown][] {
    const copies: [never, unknown][] = [];
    for (const [name, value] of entries) {
      if (this.#left-- <= 0) break;
      const isShown = typeof name !== 'string' || !SECRET_NAME.test(name) || isFact(value);
      copies.push([this.of(name, depth + 1) as never, isShown ? this.of(value, depth + 1) : HIDDEN]);
    }
    return copies;
  }
}

/** What can't be a secret by itself. */
function isFact(value: unknown): boolean {
  return value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean';
}

/**
 * What may be logged of a line's details: copies without secrets. Errors keep name, message, code, stack and causes, objects
 * their own enumerable properties, five deep and a thousand in all; values under names such as `secretAccessKey` are not
 * shown, of bytes there is only the number, and of what throws when it is read, that it does.
 */
export function safeDetails(details: readonly unknown[]): unknown[] {
  const copy = new Copy();
  return details.map((detail) => {
    try {
      return copy.of(detail);
    } catch {
      // A getter of its own that throws. The line is worth more than what it is about.
      return UNREADABLE;
    }
  });
}
