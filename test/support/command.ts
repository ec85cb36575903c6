import { join } from 'node:path';
import { ROOT, runNode, type ChildOptions, type ChildResult } from './child';

/** The compiled command. */
export const MAIN = join(ROOT, 'dist', 'cli', 'main.js');

/** Runs `kvs-frames` with these arguments to its end. */
export const cli = (args: string[], options?: ChildOptions): Promise<ChildResult> =>
  runNode([MAIN, ...args], options);

/** A line of `--json`. */
export interface Told extends Record<string, unknown> {
  type: string;
  cameraId?: string;
}

/** What was told with whole lines so far. */
export const told = (text: string): Told[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Told);
