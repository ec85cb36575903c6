import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Endpoints, type Endpoint } from '../../../lib/session/endpoints';
import { FakeClock, settled } from '../../support/fake-clock';
import { ControlPlane, failure, request, SECRETS } from './control-plane';

const never = new AbortController().signal;
const reader = {};

describe('the endpoints of a process', () => {
  it('are asked for once by all who want one, and again when they are old or failed', async () => {
    const clock = new FakeClock();
    const endpoints = new Endpoints(clock);
    let asked = 0;
    const ask = (): Promise<Endpoint> =>
      Promise.resolve({ url: `http://plane-${++asked}`, refreshAtMs: clock.monotonic() + 1000 });
    const [first, second] = await Promise.all([
      endpoints.get('a', reader, never, ask),
      endpoints.get('a', reader, never, ask),
    ]);
    expect([first.endpoint.url, second.endpoint.url, first.isNew]).toEqual([
      'http://plane-1',
      'http://plane-1',
      true,
    ]);
    clock.step(999);
    expect(await endpoints.get('a', reader, never, ask)).toEqual({ endpoint: first.endpoint, isNew: false });
    clock.step(1);
    expect((await endpoints.get('a', reader, never, ask)).endpoint.url).toBe('http://plane-2');
    // The failure of one that was replaced already says nothing of the one in its place.
    endpoints.forget('a', 'http://plane-1');
    expect((await endpoints.get('a', reader, never, ask)).isNew).toBe(false);
    endpoints.forget('a', 'http://plane-2');
    expect((await endpoints.get('a', reader, never, ask)).endpoint.url).toBe('http://plane-3');
    expect((await endpoints.get('b', reader, never, ask)).endpoint.url).toBe('http://plane-4');
  });

  it('are forgotten when nobody reads the stream any more', async () => {
    const endpoints = new Endpoints(new FakeClock());
    const other = {};
    const ask = (): Promise<Endpoint> => Promise.resolve({ url: 'http://plane', refreshAtMs: Infinity });
    const isNew = async (user: object): Promise<boolean> =>
      (await endpoints.get('a', user, never, ask)).isNew;
    expect([await isNew(reader), await isNew(other)]).toEqual([true, false]);
    endpoints.leave(reader);
    expect(await isNew(reader)).toBe(false);
    endpoints.leave(reader);
    endpoints.leave(other);
    expect(await isNew(reader)).toBe(true);
    // An answer that comes when all have left is nobody's.
    const asking = endpoints.get('b', other, never, ask);
    endpoints.leave(other);
    await asking;
    expect((await endpoints.get('b', reader, never, ask)).isNew).toBe(true);
  });

  it('are not those of calls that failed', async () => {
    const endpoints = new Endpoints(new FakeClock());
    const fail = (): Promise<Endpoint> => Promise.reject(new Error('no'));
    await expect(endpoints.get('a', reader, never, fail)).rejects.toThrow('no');
    const answer = { url: 'http://plane', refreshAtMs: Infinity };
    expect((await endpoints.get('a', reader, never, () => Promise.resolve(answer))).isNew).toBe(true);
  });
});

describe('providers of one stream', () => {
  let plane: ControlPlane;
  beforeEach(async () => {
    plane = new ControlPlane();
    await plane.start();
  });
  afterEach(() => plane.stop());

  const endpointCalls = (): number => plane.paths().filter((path) => path === '/getDataEndpoint').length;

  it('share its data endpoint, whether they ask together or later', async () => {
    const providers = [plane.open(), plane.open(), plane.open()];
    await Promise.all(providers.map((provider) => provider.acquire(request())));
    await plane.open().acquire(request());
    expect(endpointCalls()).toBe(1);
    expect(plane.paths().filter((path) => path === '/getHLSStreamingSessionURL')).toHaveLength(4);
  });

  it('do not share it with other streams, accounts or regions', async () => {
    await plane.open().acquire(request());
    await plane.open({ streamName: 'back-door' }).acquire(request());
    await plane.open({ region: 'us-east-1' }).acquire(request());
    await plane.open({ credentials: { ...SECRETS, accountId: '210987654321' } }).acquire(request());
    expect(endpointCalls()).toBe(4);
  });

  it('ask anew when the one they were told of by another fails', async () => {
    await plane.open().acquire(request());
    const { sessionAnswer } = plane;
    plane.sessionAnswer = (call, response) => {
      plane.sessionAnswer = sessionAnswer;
      failure(400, 'InvalidEndpointException', 'moved')(call, response);
    };
    await plane.open().acquire(request());
    expect(endpointCalls()).toBe(2);
    await plane.open().acquire(request());
    expect(endpointCalls()).toBe(2);
  });

  it('ask themselves when the one that asked for all is closed over it', async () => {
    const { endpointAnswer } = plane;
    plane.endpointAnswer = () => {};
    const first = plane.open();
    const second = plane.open();
    const refused = first.acquire(request()).catch((error: unknown) => error);
    while (plane.calls.length === 0) await settled();
    const session = second.acquire(request());
    for (let i = 0; i < 10; i++) await settled();
    plane.endpointAnswer = endpointAnswer;
    first.close();
    expect(await refused).toMatchObject({ code: 'SOURCE_STOPPED' });
    expect((await session).url).toBe(plane.url);
    expect(endpointCalls()).toBe(2);
  });
});
