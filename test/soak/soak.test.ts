import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { runNode } from '../support/child';
import type { SoakResult } from './soak';

const MINUTES = 3;
/** The clips are made first, and what was begun by the clock is waited for. */
const WITHIN_MS = (MINUTES + 4) * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-soak-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(
  'every frame comes once, what is missing is in the ledger, and nothing grows, whatever fails meanwhile',
  async () => {
    const out = join(folder, 'soak.json');
    const { code, stderr } = await runNode(['scripts/soak.mjs', String(MINUTES), '--out', out]);
    // Whatever stops it from coming to its end.
    expect(stderr).toBe('');
    const { violations, seed } = JSON.parse(readFileSync(out, 'utf8')) as SoakResult;
    expect({ seed, violations }).toEqual({ seed, violations: [] });
    expect(code).toBe(0);
  },
  WITHIN_MS,
);
