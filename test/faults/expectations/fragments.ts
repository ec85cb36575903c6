import { SLOWNESS } from '../../support/sanitizer';
import { type Expectation, type Expectations, GAVE_UP, gaveUp } from './expectation';

const once = {
  does: 'Fetches it once more, and finds it whole.',
  means: 'It was spoilt on the way.',
  todo: 'Nothing.',
} as const;
const lost = (more: Partial<Expectation> = {}): Expectation => ({
  does: 'Fetches it once more, then goes on behind it and tells the hole.',
  means: 'It is spoilt where it is stored, or was sent so.',
  todo: 'Nothing for one. If it comes often: look at the camera, its encoder and its uplink.',
  lostMs: [500, 500],
  causes: ['media'],
  ...more,
});

export const fragmentExpectations: Expectations = {
  'fragment-missing': lost({
    does: 'Asks once more if the list still has it, then goes on behind it and tells the hole.',
    means: 'It was listed, but the service does not have it: it aged out, or a server is behind.',
    causes: ['window-slid'],
  }),
  'three-fragments-missing': lost({
    does: 'Asks once more for each, then goes on behind them and tells one hole.',
    means: 'They were listed, but the service does not have them: they aged out, or a server is behind.',
    lostMs: [1_500, 1_500],
    causes: ['window-slid'],
  }),
  'fragment-repeated': {
    does: 'Knows it again by its date and by what it holds, and leaves it out.',
    means: 'The producer sent it twice, as after a reconnection.',
    todo: 'Nothing.',
  },
  'fragment-truncated': once,
  'fragment-truncated-always': lost(),
  'fragment-bit-flipped': {
    ...once,
    does: 'The decoder notices; it is fetched once more and decoded afresh.',
  },
  'fragment-bit-flipped-always': {
    ...lost(),
    does: 'Fetches it once more, then shows what the decoder makes of it. What had to be concealed is marked `damaged`; pictures that lean on it may be spoilt too.',
    lostMs: [0, 500],
  },
  'fragment-without-pictures': {
    ...once,
    does: 'The decoder finds nothing; it is fetched once more and decoded afresh.',
  },
  'fragment-without-pictures-always': lost(),
  'fragment-empty': once,
  'fragment-empty-always': lost(),
  'fragment-only-moof': once,
  'fragment-only-moof-always': lost(),
  'fragments-undecodable-forever': {
    ...gaveUp('HLS_UNDECODABLE'),
    does: 'After three in a row asks for another session, then gives up after `maxConsecutiveErrors`.',
    means: 'The camera sends what is no video, or libav lacks the codec.',
    todo: 'Look at the `fault` events: they have what libav says. Look at the encoder of the camera.',
    phases: GAVE_UP,
    calls: [1, 4],
  },
  'fragment-50mb': {
    does: 'Reads it.',
    means: 'The largest fragment that KVS takes in.',
    todo: 'Shorter fragments or a lower bitrate at the camera.',
    recoveryMs: 6_000,
    // The live window goes on while a sanitizer's program walks through it.
    ...(SLOWNESS > 1 && { lostMs: [0, 6_000 * SLOWNESS], causes: ['window-slid'] }),
  },
  'fragment-70mb': lost({
    does: 'Refuses to read it, goes on behind it and tells the hole.',
    means: 'Not from KVS, which takes in 50 MB at most.',
    todo: 'Shorter fragments or a lower bitrate at the camera.',
    causes: ['policy'],
    recoveryMs: 6_000,
  }),
};
