import { ConfigError } from '../errors.js';
import { invalidArgument, invalidMember, streamNotFound } from './errors.js';
import { type KvsStream, streamNamePattern } from './stream.js';

const arnPattern = /^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/;
const maxArnLength = 1024;

/** The streams of a simulator, by name. */
export class Streams {
  readonly #byName = new Map<string, KvsStream>();

  get all(): KvsStream[] {
    return [...this.#byName.values()];
  }

  add(stream: KvsStream): void {
    if (this.#byName.has(stream.name)) throw new ConfigError(`The stream ${stream.name} is there twice`);
    this.#byName.set(stream.name, stream);
  }

  get(name: string): KvsStream | undefined {
    return this.#byName.get(name);
  }

  /** The stream that a request names by `StreamName` or `StreamARN`. Throws `ServiceError`. */
  named(body: Readonly<Record<string, unknown>>): KvsStream {
    const name = body['StreamName'] ?? null;
    const arn = body['StreamARN'] ?? null;
    if (name === null && arn === null) throw invalidArgument('Either StreamName or StreamARN must be given.');
    if (name !== null && (typeof name !== 'string' || !streamNamePattern.test(name))) {
      throw invalidMember('streamName', name, 'satisfy regular expression pattern: [a-zA-Z0-9_.-]+');
    }
    if (arn !== null && (typeof arn !== 'string' || arn.length > maxArnLength || !arnPattern.test(arn))) {
      throw invalidMember(
        'streamARN',
        arn,
        `satisfy regular expression pattern: ${arnPattern.source.slice(1, -1)}`,
      );
    }
    const stream = name === null ? this.all.find((known) => known.arn === arn) : this.#byName.get(name);
    if (stream === undefined || (arn !== null && stream.arn !== arn)) throw streamNotFound();
    return stream;
  }
}
