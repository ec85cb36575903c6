import { expect, test } from '@jest/globals';
import { accountOf } from '../../../lib/session/account.js';

test('an account is that of the ARN, else of the identity, else it is known by the key', () => {
  expect(accountOf({ accessKeyId: 'A', accountId: '222' }, '111')).toBe('111');
  expect(accountOf({ accessKeyId: 'B', accountId: '222' }, undefined)).toBe('222');
  expect(accountOf({ accessKeyId: 'C' }, undefined)).toBe('C');
});

test('what was learned of a key is remembered for those who know no more than the key', () => {
  accountOf({ accessKeyId: 'D' }, '111');
  expect(accountOf({ accessKeyId: 'D' }, undefined)).toBe('111');
  expect(accountOf({ accessKeyId: 'E' }, undefined)).toBe('E');
});

test('keys that change do not add up: those that were not seen for long are forgotten', () => {
  accountOf({ accessKeyId: 'old' }, '111');
  accountOf({ accessKeyId: 'kept' }, '111');
  for (let i = 0; i < 998; i++) accountOf({ accessKeyId: `key ${i}` }, '111');
  accountOf({ accessKeyId: 'kept' }, '111');
  accountOf({ accessKeyId: 'new' }, '111');
  expect(['old', 'kept', 'key 0', 'new'].map((accessKeyId) => accountOf({ accessKeyId }, undefined))).toEqual(
    ['old', '111', '111', '111'],
  );
});
