import { Session } from 'node:inspector';

interface Value {
  objectId?: string;
  subtype?: string;
  className?: string;
  type: string;
}
interface Property {
  name: string;
  value?: Value;
}
interface Properties {
  result: Property[];
  privateProperties?: Property[];
  internalProperties?: Property[];
}

/** Objects that hold nothing of ours, or what the test gave. */
const CLOSED =
  /^(\w*Array|Buffer|ArrayBuffer|SharedArrayBuffer|Agent|URL|Date|RegExp|Promise|WeakMap|WeakSet|AbortController|AbortSignal|\w*Error|FakeClock|PlannedLoader)$/;
/** Where the object lies for the inspector to find. */
const PLACE = '__contents__';
const MOST_OBJECTS = 50_000;

/** The inspector of this thread; within the thread it answers at once. */
class Inspector {
  readonly #session = new Session();
  readonly #contexts: number[] = [];

  constructor() {
    this.#session.connect();
    this.#session.on('Runtime.executionContextCreated', ({ params }) =>
      this.#contexts.push(params.context.id),
    );
    this.ask('Runtime.enable');
  }

  ask<T>(method: string, parameters: object = {}): T {
    let answer: unknown;
    this.#session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer as T;
  }

  /** What an expression is, in the first context where it is something: jest has one of its own for each file. */
  find(expression: string): Value {
    for (const contextId of this.#contexts) {
      const { result } = this.ask<{ result: Value }>('Runtime.evaluate', { expression, contextId });
      if (result.objectId !== undefined) return result;
    }
    throw new Error('The inspector does not see the object');
  }

  properties(of: Value): Properties {
    return this.ask('Runtime.getProperties', { objectId: of.objectId, ownProperties: true });
  }

  /** Whether an object was asked about before. */
  isKnown(value: Value, known: Value): boolean {
    const { result } = this.ask<{ result: { value: boolean } }>('Runtime.callFunctionOn', {
      objectId: value.objectId,
      functionDeclaration: 'function (known) { return known.has(this) || !known.add(this); }',
      arguments: [{ objectId: known.objectId }],
      returnByValue: true,
    });
    return result.value;
  }

  close(): void {
    this.#session.disconnect();
  }
}

/**
 * How many elements each array, map and set has that an object holds, directly or through others, private fields included: by
 * its path from the object, where one path stands for all elements of a collection and the largest counts.
 */
export function contentsOf(object: object): Map<string, number> {
  Object.assign(globalThis, { [PLACE]: { object, known: new WeakSet() } });
  const inspector = new Inspector();
  try {
    const known = inspector.find(`globalThis.${PLACE}?.known`);
    const sizes = new Map<string, number>();
    const queue = [{ value: inspector.find(`globalThis.${PLACE}?.object`), path: '' }];
    for (const { value, path } of queue) {
      if (queue.length > MOST_OBJECTS) throw new Error(`The object holds too much: ${path}`);
      if (inspector.isKnown(value, known)) continue;
      const { result, privateProperties = [], internalProperties = [] } = inspector.properties(value);
      const isCollection = ['array', 'map', 'set'].includes(value.subtype ?? '');
      const entries = internalProperties.find(({ name }) => name === '[[Entries]]')?.value;
      const held =
        entries === undefined ? [...result, ...privateProperties] : inspector.properties(entries).result;
      const elements = held.filter(({ name }) => /^\d+$/.test(name));
      if (isCollection) sizes.set(path, Math.max(elements.length, sizes.get(path) ?? 0));
      for (const { name, value: next } of isCollection ? elements : held) {
        if (next?.objectId === undefined || next.type === 'function' || name === '__proto__') continue;
        if (next.subtype !== 'array' && CLOSED.test(next.className ?? '')) continue;
        queue.push({ value: next, path: isCollection ? `${path}[]` : `${path}.${name}` });
      }
    }
    return sizes;
  } finally {
    inspector.close();
    Object.assign(globalThis, { [PLACE]: undefined });
  }
}
