import {
  CALM_OR_RECONNECTED,
  type Expectations,
  gaveUp,
  RECONNECTED,
  REFUSED_AT_OPENING,
} from './expectation';

const weather = 'Network weather, or a server that was replaced while it answered.';
const nothing = 'Nothing.';
const ifOften = 'Nothing. If it comes often: look at the uplink, the proxy, the load on this host.';
const again = 'Asks again at once, then with growing pauses, as long as the list has the fragment.';
const calls = [4, 4] as const;

export const connectionExpectations: Expectations = {
  'slow-first-byte': {
    does: 'Waits; fragments behind it come in a burst.',
    means: 'The service or the network is slow.',
    todo: ifOften,
  },
  'no-first-byte': {
    does: 'Gives the request up after 5 s and asks again.',
    means: 'A connection that is dead without having been closed: a router or NAT forgot it.',
    todo: ifOften,
  },
  'playlist-slow': {
    does: 'Waits; new fragments are seen later, and come in a burst.',
    means: 'The service or the network is slow.',
    todo: ifOften,
  },
  'playlist-never-answered': {
    does: 'Gives the request up after 5 s and asks again.',
    means: 'A connection that is dead without having been closed: a router or NAT forgot it.',
    todo: ifOften,
  },
  'body-stalls': {
    does: 'Gives the request up after 5 s without a byte and asks again.',
    means: 'A connection that died half-way without having been closed.',
    todo: ifOften,
  },
  'body-stalls-3s': { does: 'Waits; fragments behind it come in a burst.', means: weather, todo: nothing },
  'body-trickles': {
    does: 'Waits; fragments behind come in a burst, as long as the list keeps them.',
    means: 'The downlink is slower than the stream for a while.',
    todo: "If it stays: more bandwidth, or a lower bitrate at the camera. The ledger's `window-slid` tells what it costs.",
  },
  'body-cut': { does: again, means: weather, todo: nothing },
  'body-cut-chunked': { does: again, means: weather, todo: nothing },
  'body-cut-thrice': {
    does: again,
    means: 'Something between here and AWS cuts bodies short.',
    todo: 'If it stays: look for a proxy with a limit of size or time.',
  },
  'playlist-cut': { does: 'Asks again after a short pause.', means: weather, todo: nothing },
  'playlist-cut-chunked': { does: 'Asks again after short pauses.', means: weather, todo: nothing },
  'connection-reset': { does: again, means: weather, todo: nothing },
  'connection-reset-at-playlist': { does: 'Asks again after a short pause.', means: weather, todo: nothing },
  'connection-reset-storm': {
    does: 'Asks again a few times, then for another session, with back-off, and goes on behind the last fragment.',
    means: 'A firewall or a load balancer changes its mind.',
    todo: ifOften,
    phases: CALM_OR_RECONNECTED,
    calls: [0, 12],
    recoveryMs: 5_000,
  },
  'connection-refused-3s': {
    does: 'Asks again a few times, then for another session, with back-off, and goes on behind the last fragment.',
    means: 'Nobody listens where the session is: a deployment, a firewall.',
    todo: ifOften,
    phases: CALM_OR_RECONNECTED,
    calls: [0, 12],
    recoveryMs: 5_000,
  },
  'connection-refused-10s': {
    does: 'Asks for another session with back-off and goes on with what the list still has.',
    means: 'The network was away for longer than the list reaches back.',
    todo: '`catchUp` reads what is lost from the recording. A longer list (`maxMediaPlaylistFragmentResults`) helps as well.',
    phases: RECONNECTED,
    calls: [1, 20],
    lostMs: [0, 3_500],
    causes: ['outage', 'window-slid'],
    recoveryMs: 5_000,
  },
  'dns-failure': {
    does: 'Asks for the data endpoint again, with back-off.',
    means: 'The data endpoint has no address here: DNS, or a private network without the VPC endpoint.',
    todo: 'If it stays: resolve the host by hand; check DNS and the VPC endpoint.',
    calls,
  },
  'dns-failure-of-session-url': {
    does: 'Asks for another session, with back-off.',
    means: 'The session URL has no address here: DNS, or a private network without the VPC endpoint.',
    todo: 'If it stays: resolve the host by hand; check DNS and the VPC endpoint.',
    calls,
    recoveryMs: 4_000,
  },
  'dns-failure-forever': {
    ...gaveUp('KVS_CALL_FAILED'),
    does: 'Asks again with back-off, gives up after `maxConsecutiveErrors`.',
    means: 'The data endpoint has no address here: DNS, or a private network without the VPC endpoint.',
    todo: 'Resolve the host by hand; check DNS and the VPC endpoint.',
    phases: REFUSED_AT_OPENING,
    calls: [3, 6],
  },
  'tls-failure': {
    does: 'Asks for the data endpoint again, with back-off.',
    means: 'No TLS with the data endpoint: a proxy in between, old roots, a wrong clock.',
    todo: 'If it stays: `openssl s_client` from this host; check the clock and `NODE_EXTRA_CA_CERTS`.',
    calls,
  },
  'tls-failure-of-session-url': {
    does: 'Asks for another session, with back-off.',
    means: 'No TLS with the session URL: a proxy in between, old roots, a wrong clock.',
    todo: 'If it stays: `openssl s_client` from this host; check the clock and `NODE_EXTRA_CA_CERTS`.',
    calls,
    recoveryMs: 4_000,
  },
};
