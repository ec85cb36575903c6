import { CALM_OR_RECONNECTED, type Expectations, OFFLINE, RECONNECTED } from './expectation';

const asksAgain = 'Asks again after a short pause; nothing of what it has read is forgotten.';
const notKvs = 'Not what KVS sends: something between here and AWS answers in its place.';
const lookFor = 'If it stays: look for a proxy, a captive portal, a cache.';

export const playlistExpectations: Expectations = {
  'playlist-empty': { does: asksAgain, means: notKvs, todo: lookFor },
  'playlist-no-entries': {
    does: 'Waits for entries, as with a list that stands still.',
    means: 'The service forgot for a moment what it has.',
    todo: 'Nothing.',
  },
  'playlist-garbled': { does: asksAgain, means: notKvs, todo: lookFor },
  'playlist-html': { does: asksAgain, means: notKvs, todo: lookFor },
  'playlist-huge': {
    does: 'Refuses to read it, and asks for another session with back-off.',
    means: 'Not what KVS sends: with the list lengths it allows, lists are much smaller.',
    todo: lookFor,
    phases: RECONNECTED,
    calls: [3, 3],
    recoveryMs: 4_000,
  },
  'playlist-truncated': {
    does: 'Finds out by the refusal of the URL that was cut, and asks for another session.',
    means: notKvs,
    todo: lookFor,
    phases: CALM_OR_RECONNECTED,
    calls: [0, 1],
  },
  'playlist-stands-still-5s': {
    does: 'Goes on asking; what was listed meanwhile comes in a burst.',
    means: "The camera's uplink or the service paused.",
    todo: 'Nothing.',
  },
  'playlist-stands-still-20s': {
    does: 'Asks for another session after 10 s, takes the camera for silent, and looks for it every 6 s.',
    means: 'As for a camera that is asleep. If the camera says that it sends: the service does not list.',
    todo: 'Look at the camera first. What left the list before it moved again is lost; `catchUp` reads it.',
    phases: OFFLINE,
    calls: [1, 4],
    lostMs: [8_000, 13_000],
    causes: ['outage', 'window-slid'],
    recoveryMs: 9_000,
  },
  'playlist-goes-backwards': {
    does: 'Sees nothing new in an old copy, and waits.',
    means: 'A cache answers, or one of several servers is behind.',
    todo: 'Nothing. If it is a proxy of yours: it must not cache playlists.',
  },
  'playlist-skips-fragment': {
    does: 'Goes on behind it, and tells the time that is missing by the dates.',
    means:
      "As seen from here the camera did not send for that time: KVS lists what came in, and doesn't mend lists.",
    todo: 'Nothing. If it comes often: look at the uplink of the camera.',
    lostMs: [500, 500],
    causes: ['producer'],
    unlisted: true,
  },
  'playlist-window-slid': {
    does: 'Goes on with what the list still has, and tells the hole.',
    means: 'This reader was slower than the list: a stalled download, a slow consumer, or too short a list.',
    todo: 'A longer list (`maxMediaPlaylistFragmentResults`), a quicker consumer, or `catchUp`.',
    lostMs: [1_500, 5_000],
    causes: ['window-slid'],
  },
  'playlist-repeats-fragment': {
    does: 'Knows it again by its date and by what it holds, and leaves it out.',
    means: 'The producer sent it twice.',
    todo: 'Nothing.',
  },
  'playlist-out-of-order': {
    does: 'Follows the order of the list: tells a hole, and that it was filled when the late fragment comes.',
    means: 'Two producers send into one stream, or the producer sends out of order.',
    todo: 'One producer per stream. A program that needs order sorts by `timestampMs`.',
    causes: ['producer'],
    unlisted: true,
    reordered: true,
  },
  'playlist-no-dates': {
    does: 'Dates frames by when they arrived, and says so in `timestampSource`.',
    means: 'The session was made without `DisplayFragmentTimestamp: ALWAYS`, or the list is not KVS’s.',
    todo: 'Nothing for a moment. For good: do not set `displayFragmentTimestamp: NEVER`.',
    jumps: true,
  },
  'playlist-dated-1970': {
    does: 'Dates frames by when they arrived, and says so in `timestampSource`.',
    means: 'The camera has no clock yet, or sends relative time.',
    todo: 'Give the camera NTP; or `fragmentSelectorType: SERVER_TIMESTAMP`.',
    jumps: true,
  },
  'playlist-dates-off-1h': {
    does: 'Believes the dates, tells no hole: more time than went by can not be missing.',
    means: 'The clock of the camera was set.',
    todo: 'Give the camera NTP; or `fragmentSelectorType: SERVER_TIMESTAMP`.',
    jumps: true,
  },
  'playlist-endlist': {
    does: 'Reads what was listed, then asks for another session: a live stream has no end.',
    means: notKvs,
    todo: lookFor,
    phases: RECONNECTED,
    calls: [1, 2],
  },
  'playlist-without-map': {
    does: asksAgain,
    means: notKvs,
    todo: lookFor,
    phases: CALM_OR_RECONNECTED,
    calls: [0, 4],
    recoveryMs: 4_000,
  },
};
