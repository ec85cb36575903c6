import { describe, expect, it } from '@jest/globals';
import { safeUsageError } from '../../../lib/cli/usage-error';

const SECRET = "https://u:p@h/l.m3u8?SessionToken=CiAb'Cd\n12";

describe('what is said of a wrong command line', () => {
  it.each([
    [`error: unknown command '${SECRET}'\n`, "error: unknown command '…'\n"],
    [
      "error: unknown command 'reed'\n(Did you mean read?)\n",
      "error: unknown command 'reed'\n(Did you mean read?)\n",
    ],
    [
      `error: unknown option '--ulr=${SECRET}'\n(Did you mean --url?)\n`,
      "error: unknown option '--ulr=…'\n(Did you mean --url?)\n",
    ],
    ["error: unknown option '--max-frame'\n", "error: unknown option '--max-frame'\n"],
    ["error: unknown option '-pCiAbcDef12345678'\n", "error: unknown option '…'\n"],
    [
      `error: option '--port <port>' argument '${SECRET}' is invalid. Expected an integer 0–65535.\n`,
      "error: option '--port <port>' argument '…' is invalid. Expected an integer 0–65535.\n",
    ],
    [
      "error: option '--port <port>' argument '70000' is invalid. Expected an integer 0–65535.\n",
      "error: option '--port <port>' argument '70000' is invalid. Expected an integer 0–65535.\n",
    ],
    ["error: option '--host <host>' argument missing\n", "error: option '--host <host>' argument missing\n"],
  ])('is %j without values that may be secret', (text, safe) => {
    expect(safeUsageError(text)).toBe(safe);
  });
});
