import { Writable } from 'node:stream';
import { Output } from '../../lib/cli/output';

/** What a command wrote. */
export interface Written {
  output: Output;
  /** Everything so far. */
  text(): string;
  /** As lines of JSON. */
  objects(): Record<string, unknown>[];
}

/** Output into memory: JSON, or for people, or onto a terminal of that many columns. */
export function written(kind: 'json' | 'people' | { columns: number }): Written {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  }) as NodeJS.WriteStream;
  if (typeof kind === 'object') Object.assign(stream, { isTTY: true, columns: kind.columns });
  return {
    output: new Output(kind === 'json', stream, stream),
    text: () => text,
    objects: () =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
