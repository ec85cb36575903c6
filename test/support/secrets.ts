// What nobody may see, and a search for it in everything that can be seen.
import { inspect } from 'node:util';

/** Pieces of a secret that are as bad as all of it. */
const PIECE_LENGTH = 12;

/** The ways in which a text may be written. A secret in base64 depends on where in its text it begins. */
function formsOf(secret: string): string[] {
  const encoded = encodeURIComponent(secret);
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Ends share their characters with what stands beside.
    return text.slice(before === 0 ? 0 : before + 1, -2);
  });
  const base64Url = base64.map((text) => text.replace(/\+/g, '-').replace(/\//g, '_'));
  const hex = bytes.toString('hex');
  return [
    secret,
    encoded,
    encoded.toLowerCase(),
    encodeURIComponent(encoded),
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    ...base64,
    ...base64Url,
    hex,
    hex.toUpperCase(),
    bytes.join(','),
    bytes.join(', '),
    secret.slice(0, PIECE_LENGTH),
    secret.slice(-PIECE_LENGTH),
  ];
}

/** Without line breaks, and what printers of values put around these. */
const inOneLine = (text: string): string =>
  text.replace(/['"`]\s*\+\s*\n\s*['"`]|\\+[nr]\s*|\s*[\r\n]+\s*/g, '');

/** Secrets, each with a name by which a test may speak of it. */
export class Secrets {
  /** By their first characters: a text is gone through once, however many there are. */
  readonly #forms = new Map<string, { name: string; form: string }[]>();

  /** @param value of 16 characters at least, so that a piece of it is no accident */
  add(name: string, value: string): this {
    if (value.length < 16) throw new Error(`${name} is too short to be told from other words`);
    for (const form of new Set(formsOf(value))) {
      const start = form.slice(0, PIECE_LENGTH);
      this.#forms.set(start, [...(this.#forms.get(start) ?? []), { name, form }]);
    }
    return this;
  }

  addAll(others: Secrets): this {
    for (const [start, forms] of others.#forms)
      this.#forms.set(start, [...(this.#forms.get(start) ?? []), ...forms]);
    return this;
  }

  /** Each secret that is in the text, in whatever form, with what stands around it. */
  findIn(text: string): string[] {
    const found = new Map<string, string>();
    for (const one of new Set([text, inOneLine(text)])) {
      for (let at = 0; at <= one.length - PIECE_LENGTH; at++) {
        for (const { name, form } of this.#forms.get(one.slice(at, at + PIECE_LENGTH)) ?? []) {
          if (!found.has(name) && one.startsWith(form, at))
            found.set(name, `${name}: ${one.slice(Math.max(0, at - 60), at + form.length + 20)}`);
        }
      }
    }
    return [...found.values()];
  }
}

/** Values that are looked into at most; what a program can reach from a source is far less. */
const MAX_VALUES = 300_000;
/** Bytes of one buffer that are read as text: messages and files, not pictures, whose slots the engine writes meanwhile. */
const MAX_BYTES = 1 << 16;
/** What all programs have. */
const KNOWN = new Set<unknown>([globalThis, process, process.env]);

/** What accessors of a thing's prototypes answer; those that everything has are left out. */
function accessorsOf(one: object): (() => unknown)[] {
  const answers: (() => unknown)[] = [];
  if (typeof one === 'function') return answers;
  let owner = Object.getPrototypeOf(one) as object | null;
  while (owner !== null && Object.getPrototypeOf(owner) !== null) {
    for (const { get } of Object.values(Object.getOwnPropertyDescriptors(owner)))
      if (get !== undefined) answers.push(() => get.call(one) as unknown);
    owner = Object.getPrototypeOf(owner) as object | null;
  }
  return answers;
}

/**
 * Everything that can be reached from a value, as text: own properties, enumerable or not, symbols, what accessors answer (those of
 * prototypes too), entries of maps and sets, bytes, and what printers make of it.
 *
 * @param except values that are not looked into
 */
export function everythingOf(value: unknown, except: readonly unknown[] = []): string {
  const seen = new Set<unknown>([...KNOWN, ...except]);
  const texts: string[] = [];
  const waiting: unknown[] = [value];
  const reach = (next: () => unknown): void => {
    try {
      waiting.push(next());
    } catch (error) {
      waiting.push(error);
    }
  };
  while (waiting.length > 0 && seen.size < MAX_VALUES) {
    const one = waiting.pop();
    if (typeof one !== 'object' && typeof one !== 'function') {
      if (one !== undefined) texts.push(typeof one === 'string' ? one : inspect(one));
      continue;
    }
    if (one === null || seen.has(one)) continue;
    seen.add(one);
    if (ArrayBuffer.isView(one)) {
      if (one.byteLength <= MAX_BYTES)
        texts.push(Buffer.from(one.buffer, one.byteOffset, one.byteLength).toString('latin1'));
      continue;
    }
    if (one instanceof Map) waiting.push(...one.keys(), ...one.values());
    if (one instanceof Set) waiting.push(...one);
    for (const name of Reflect.ownKeys(one)) {
      // The class of a thing is the same for all of them.
      if (name === 'constructor' || (name === 'prototype' && typeof one === 'function')) continue;
      texts.push(String(name));
      reach(() => (one as Record<PropertyKey, unknown>)[name]);
    }
    for (const answer of accessorsOf(one)) reach(answer);
  }
  return texts.join('\n');
}

/** What printers, and copies on their way to another thread, show of a value. */
export function printsOf(value: unknown): string {
  const ways: (() => string)[] = [
    () => inspect(value, { depth: Infinity, showHidden: true, getters: true, maxStringLength: 1e6 }),
    () => inspect(value),
    () => JSON.stringify(value) ?? '',
    () => String(value),
    () => everythingOf(structuredClone(value)),
  ];
  const texts = ways.map((way) => {
    try {
      return way();
    } catch (error) {
      // What can't be printed or copied shows nothing, but its failure may.
      return String(error);
    }
  });
  return texts.join('\n');
}
