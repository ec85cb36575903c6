import { CALM, type Expectation, type Expectations, gaveUp, REFUSED_AT_OPENING } from './expectation';

const once = {
  does: 'Fetches it once more, and finds it whole.',
  means: 'It was spoilt on the way.',
  todo: 'Nothing.',
  phases: CALM,
  calls: [2, 3],
} as const;
const always = (cause: string): Expectation => ({
  ...gaveUp(cause),
  does: 'Fetches it again, also in other sessions, with back-off, and gives up after `maxConsecutiveErrors`.',
  means: 'The service keeps a spoilt init section for this stream: the camera sent bad codec data.',
  todo: "Restart the camera's producer; try `containerFormat: MPEG_TS`, which needs no init section.",
  phases: REFUSED_AT_OPENING,
  calls: [3, 8],
});
const changed = {
  means: 'Another encoder, or the same with other settings.',
  todo: 'Nothing, unless the program counts on one size: listen to `format`.',
} as const;

export const initExpectations: Expectations = {
  'init-missing': {
    does: 'Asks again, then for another session, with back-off.',
    means: 'The service does not have it yet, or has lost it.',
    todo: 'Nothing unless it stays.',
    calls: [2, 8],
    recoveryMs: 6_000,
  },
  'init-truncated': once,
  'init-truncated-always': always('HLS_TRUNCATED'),
  'init-empty': once,
  'init-empty-always': always('HLS_TRUNCATED'),
  'init-without-codec-data': once,
  'init-without-codec-data-always': always('HLS_UNDECODABLE'),
  'init-changed': {
    ...changed,
    does: 'Opens the decoder anew, tells `format`, makes another ring; leases of the old one stay valid.',
    silentMs: [0, 1_000],
  },
  'init-changed-under-same-url': {
    ...changed,
    does: 'Loads the init section anew at the discontinuity, although its URL is the old one.',
    silentMs: [0, 1_000],
  },
};
