import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Ledger, type LedgerFragment } from '../../../lib/policy/ledger.js';
import {
  advance,
  initialState,
  MAX_RETRY_AFTER_MS,
  OFFLINE_POLL_MS,
  type SupervisorEvent,
  type SupervisorStep,
} from '../../../lib/policy/supervisor.js';
import { settings } from '../../support/property.js';

const FAULTS = [
  ...(['expired', 'offline', 'throttled', 'network', 'media', 'credentials'] as const),
  ...(['denied', 'misconfigured', 'defect'] as const),
];

const event: fc.Arbitrary<SupervisorEvent> = fc.oneof(
  fc.constantFrom<SupervisorEvent>({ kind: 'start' }, { kind: 'frame' }, { kind: 'end' }, { kind: 'stop' }),
  fc.record({
    kind: fc.constant('fault' as const),
    fault: fc.constantFrom(...FAULTS),
    retryAfterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e15, noNaN: true })),
  }),
);
const policy = fc.record({
  delayMs: fc.integer({ min: 1, max: 600_000 }),
  maxDelayMs: fc.integer({ min: 1, max: 3_600_000 }),
  multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
  maxConsecutiveErrors: fc.integer({ min: 1, max: 10 }),
});

describe('the supervisor, whatever happens in whatever order', () => {
  test('waits within its bounds, and gives up exactly where it must', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const plan = fc.array(fc.tuple(event, random), { maxLength: 300 });
    fc.assert(
      fc.property(policy, plan, (rules, events) => {
        let last: SupervisorStep = { state: initialState, action: { kind: 'none' } };
        for (const [next, chance] of events) {
          const before = last.state;
          last = advance(before, next, rules, () => chance);
          const { state, action } = last;
          expect(state.consecutiveErrors).toBeLessThanOrEqual(before.consecutiveErrors + 1);
          expect(state.attempts).toBeLessThanOrEqual(before.attempts + 1);
          expect(state.phase === 'failed').toBe(action.kind === 'give-up');
          if (next.kind === 'stop' || next.kind === 'end') expect(state).toEqual(initialState);
          if (next.kind === 'frame') expect([state.phase, state.consecutiveErrors]).toEqual(['connected', 0]);
          if (next.kind !== 'fault') continue;
          expect(action.kind).not.toBe('none');
          if (action.kind !== 'connect') continue;
          expect(state.hadFrame || state.phase !== 'reconnecting').toBe(true);
          expect(state.consecutiveErrors).toBeLessThan(rules.maxConsecutiveErrors + before.consecutiveErrors);
          const longestMs = 1.2 * Math.max(rules.maxDelayMs, OFFLINE_POLL_MS, 1000);
          const askedMs = Math.min(next.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
          expect(action.afterMs).toBeGreaterThanOrEqual(next.fault === 'expired' ? 0 : askedMs);
          expect(action.afterMs).toBeLessThanOrEqual(Math.max(longestMs, askedMs));
        }
      }),
      settings(300),
    );
  });
});

const PICTURE_MS = 100;
const PICTURES = 20;

/** What becomes of one fragment of a camera that never pauses. */
type Fate = 'played' | 'in part' | 'dropped' | 'undecodable' | 'lost' | 'refused';
const fate = fc.record({
  kind: fc.constantFrom<Fate>(
    'played',
    'played',
    'played',
    'in part',
    'dropped',
    'undecodable',
    'lost',
    'refused',
  ),
  missing: fc.uniqueArray(fc.nat({ max: PICTURES - 1 }), { maxLength: PICTURES - 1 }),
  cause: fc.constantFrom('window-slid' as const, 'outage' as const, 'media' as const, 'policy' as const),
  isAdjacent: fc.boolean(),
  isNewSession: fc.boolean(),
});

describe('the ledger, whatever becomes of fragments', () => {
  test('delivered, dropped and missing time add up to what the camera has produced', () => {
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 60 }), fc.boolean(), (fates, isDated) => {
        const ledger = new Ledger();
        const [T0, LENGTH_MS] = [1_800_000_000_000, PICTURES * PICTURE_MS];
        let lost: LedgerFragment['lost'] = null;
        let sessionId = 1;
        let toldMs = 0;
        const tell = (gap: { ms: number } | null): void => void (toldMs += gap?.ms ?? 0);
        // The first is whole: the time line begins with its first picture.
        const plan = [
          {
            kind: 'played' as Fate,
            missing: [],
            cause: 'media' as const,
            isAdjacent: true,
            isNewSession: false,
          },
          ...fates,
        ];
        plan.forEach(({ kind, missing, cause, isAdjacent, isNewSession }, i) => {
          if (isNewSession) sessionId += 1;
          if (kind === 'lost') {
            lost = { count: (lost?.count ?? 0) + 1, ms: (lost?.ms ?? 0) + LENGTH_MS, cause };
            return;
          }
          const dateMs = isDated ? T0 + i * LENGTH_MS : null;
          const fragment: LedgerFragment = {
            dateMs,
            durationMs: LENGTH_MS,
            sessionId,
            isAdjacent,
            lost,
            aheadMs: -1000,
            elapsedMs: null,
          };
          lost = null;
          ledger.push(fragment);
          if (kind === 'refused') ledger.refused(fragment, 'format');
          if (kind === 'undecodable' || kind === 'refused') return;
          ledger.measured(fragment, LENGTH_MS);
          const gone = kind === 'in part' ? missing : [];
          for (let picture = 0; picture < PICTURES; picture++) {
            if (gone.includes(picture)) continue;
            const offsetMs = picture * PICTURE_MS;
            if (kind === 'dropped') tell(ledger.dropped(fragment, offsetMs, PICTURE_MS, 1, 'age'));
            else tell(ledger.frame(fragment, offsetMs, PICTURE_MS));
          }
        });
        tell(ledger.end(lost));
        expect(ledger.gapMs).toBeCloseTo(toldMs, 3);
        const { deliveredMs, droppedMs, gapMs } = ledger;
        expect(deliveredMs + droppedMs + gapMs).toBeCloseTo(plan.length * LENGTH_MS, 3);
      }),
      settings(300),
    );
  });
});
