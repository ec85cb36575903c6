import { describe, expect, it } from '@jest/globals';
import { FrameSourceError, HlsStreamError, KvsConnectionError } from '../../lib/errors';
import { ConnectionState } from '../../lib/policy/supervisor';
import { expired, offline, reset, Stage } from '../support/session-stage';

describe('the session loop', () => {
  it('hands on fragments and ends with the stream', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    await stage.feed('end');
    expect(await stage.result).toBeUndefined();
    expect(stage.log).toEqual([
      'stopped 0>1 connecting',
      'session 1',
      'fragment 0',
      'connecting 1>2 connected',
      'connected 2>0 stopped',
    ]);
    expect(stage.clock.pending).toBe(0);
  });

  it('opens a new session at once when the old one is refused, where the last fragment was', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 5000 });
    await stage.feed(expired());
    await stage.clock.advance(0);
    expect(stage.requests).toEqual([{}, { resumeAtMs: 5000 }]);
    expect(stage.log).toContain('reconnect 0');
    expect(stage.loop.session?.id).toBe(2);
    expect(stage.loop.state.connection).toBe(ConnectionState.RECONNECTING);
    await stage.feed({ sequence: 0, sessionId: 1 });
    expect(stage.loop.state.connection).toBe(ConnectionState.RECONNECTING);
    await stage.feed({ sequence: 1 });
    expect(stage.loop.state.connection).toBe(ConnectionState.CONNECTED);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('backs off after failures and gives up with the last one as the cause', async () => {
    const stage = new Stage();
    stage.acquireErrors = [reset(), reset(), reset()];
    await stage.clock.advance(10_000);
    const error = await stage.result;
    expect(error).toMatchObject({ code: 'TOO_MANY_ERRORS', cause: { code: 'HLS_NETWORK' } });
    expect(stage.log.filter((line) => line.startsWith('reconnect'))).toEqual([
      'reconnect 1000',
      'reconnect 2000',
    ]);
    expect(stage.loop.state.connection).toBe(ConnectionState.ERROR);
  });

  it('waits for a silent camera without giving up, with one line in the log when it falls silent and one when it sends', async () => {
    const stage = new Stage();
    stage.acquireErrors = Array.from({ length: 20 }, offline);
    await stage.clock.advance(119_000);
    expect(stage.told).toEqual(['cam: the camera sends nothing, waiting for it: silent']);
    expect(stage.requests).toHaveLength(20);
    expect(stage.loop.state.phase).toBe('offline');
    await stage.clock.advance(1_000);
    await stage.feed({ sequence: 0 });
    expect(stage.loop.state.connection).toBe(ConnectionState.CONNECTED);
    expect(stage.told.slice(1)).toEqual(['cam: the camera sends again']);
    expect(stage.log).not.toContain('KVS_NO_FRAGMENTS');
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('tells every failure with its class, those of renewals and the one that ends it too', async () => {
    const stage = new Stage();
    stage.acquireErrors = [reset(), offline()];
    await stage.clock.advance(10_000);
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [reset()];
    await stage.clock.advance(270_000);
    await stage.feed(expired());
    await stage.clock.advance(0);
    stage.loop.fail(new FrameSourceError('ENGINE_FAILED', 'broken'));
    stage.stopping.abort(new Error('broken'));
    await stage.result;
    expect(stage.faults).toEqual(['network', 'offline', 'network', 'expired', 'defect']);
  });

  it('says when it will connect again, and when it will renew', async () => {
    const stage = new Stage();
    stage.acquireErrors = [reset()];
    await stage.clock.advance(0);
    const nothing = { renewAtMs: null, connectAtMs: null, awaitedSinceMs: null };
    const noTrouble = { failures: 0, reason: '', isGivenUp: false };
    expect(stage.loop.plan).toEqual({
      ...nothing,
      connectAtMs: stage.clock.monotonic() + 1000,
      renewal: noTrouble,
    });
    await stage.clock.advance(1000);
    // 270 s, by chance 5 % earlier.
    const renewAtMs = stage.clock.monotonic() + 256_500;
    const awaitedSinceMs = stage.clock.monotonic();
    expect(stage.loop.plan).toEqual({ ...nothing, renewAtMs, awaitedSinceMs, renewal: noTrouble });
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [reset()];
    await stage.clock.advance(256_500);
    expect(stage.loop.plan).toMatchObject({
      renewAtMs: renewAtMs + 1000,
      renewal: { failures: 1, reason: 'reset', isGivenUp: false },
    });
    await stage.clock.advance(1000);
    expect(stage.loop.plan.renewal).toEqual(noTrouble);
    await stage.feed('end');
    await stage.result;
    expect(stage.loop.plan).toEqual({ ...nothing, renewal: noTrouble });
  });

  it('says that a renewal is given up, and that nobody waits for a fragment while there is no room', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    stage.acquireErrors = [new KvsConnectionError('KVS_DENIED', 'not allowed')];
    await stage.clock.advance(270_000);
    expect(stage.loop.plan).toMatchObject({
      renewAtMs: null,
      renewal: { failures: 1, reason: 'not allowed', isGivenUp: true },
    });
    expect(stage.loop.plan.awaitedSinceMs).not.toBeNull();
    stage.isFull = true;
    await stage.feed({ sequence: 0 });
    expect(stage.loop.plan.awaitedSinceMs).toBeNull();
    stage.stopping.abort(new Error('stop'));
  });

  it('renews before the end of the session, while it still plays', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 1 });
    // 270 s, by chance 5 % earlier.
    await stage.clock.advance(256_499);
    expect(stage.log).not.toContain('offer 2');
    await stage.clock.advance(1);
    expect(stage.log.slice(-2)).toEqual(['offer 2', 'session 2 renewed']);
    expect(stage.loop.state.connection).toBe(ConnectionState.CONNECTED);
    await stage.clock.advance(256_500);
    expect(stage.log.slice(-1)).toEqual(['session 3 renewed']);
    expect(stage.log.filter((line) => line.startsWith('reconnect'))).toEqual([]);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
    expect(stage.clock.pending).toBe(0);
  });

  it.each([
    ['back an hour', -3_600_000],
    ['forward an hour', 3_600_000],
    ['forward by years', 5e11],
  ])(
    "renews when it would have, neither early nor again and again, though the host's clock is set %s",
    async (_, ms) => {
      const stage = new Stage();
      // Between the call that opened the session and its use, while it plays, and right before its renewal.
      stage.onAcquired = () => stage.clock.set(ms);
      await stage.clock.advance(0);
      stage.onAcquired = () => {};
      await stage.feed({ sequence: 0, dateMs: 1 });
      stage.clock.set(-ms);
      await stage.clock.advance(256_499);
      stage.clock.set(ms);
      expect(stage.requests).toHaveLength(1);
      await stage.clock.advance(1);
      expect(stage.log.slice(-2)).toEqual(['offer 2', 'session 2 renewed']);
      stage.clock.set(ms);
      await stage.clock.advance(256_499);
      expect(stage.requests).toHaveLength(2);
      await stage.clock.advance(1);
      expect(stage.requests).toHaveLength(3);
      stage.stopping.abort(new Error('stop'));
      await stage.result;
    },
  );

  it("waits as long as the back-off says though the host's clock is set meanwhile", async () => {
    const stage = new Stage();
    stage.acquireErrors = [reset()];
    await stage.clock.advance(0);
    stage.clock.set(-3_600_000);
    await stage.clock.advance(999);
    expect(stage.requests).toHaveLength(1);
    await stage.clock.advance(1);
    expect(stage.requests).toHaveLength(2);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('says at each look what tells that the camera is silent, also after its list stood still', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [offline()];
    await stage.feed(new HlsStreamError('HLS_STALLED', 'stands still'));
    await stage.clock.advance(0);
    expect(stage.log.filter((line) => line.startsWith('offline'))).toEqual([
      'offline HLS_STALLED',
      'offline KVS_NO_FRAGMENTS',
    ]);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('tells a silence once, also if something else fails meanwhile', async () => {
    const stage = new Stage();
    stage.acquireErrors = [offline(), reset(), offline(), reset()];
    await stage.clock.advance(30_000);
    await stage.feed({ sequence: 0 });
    expect(stage.told.filter((line) => /camera sends/.test(line))).toEqual([
      'cam: the camera sends nothing, waiting for it: silent',
      'cam: the camera sends again',
    ]);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('takes frames of a recording that was opened since for a sign that all is well', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, sessionId: 7 });
    expect(stage.loop.state.phase).toBe('connected');
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('tells what is lost behind the last fragment', async () => {
    const stage = new Stage();
    stage.lost = { count: 2, ms: 4000, cause: 'window-slid' };
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    await stage.feed('end');
    await stage.result;
    expect(stage.log).toContain('lost 4000');
  });

  it('makes no more of a refused or a silent session than the policy does when it renews', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [offline()];
    stage.offerErrors = [expired()];
    await stage.clock.advance(256_500);
    // Silent: looked for again after 6 s; refused: a new one at once.
    await stage.clock.advance(6_000);
    expect(stage.log.slice(-3)).toEqual(['offer 2', 'offer 3', 'session 3 renewed']);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('gives a renewal up that nothing can help, and plays the session to its end', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    const denied = new KvsConnectionError('KVS_DENIED', 'no');
    stage.acquireErrors = [denied, denied];
    await stage.clock.advance(290_000);
    expect(stage.requests).toHaveLength(2);
    await stage.feed({ sequence: 1 });
    await stage.feed(expired());
    await stage.clock.advance(0);
    expect(await stage.result).toBe(denied);
  });

  it('tries a failed renewal again while the old session plays on', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [reset()];
    stage.offerErrors = [reset()];
    await stage.clock.advance(256_500);
    expect(stage.log.slice(-1)).toEqual(['HLS_NETWORK']);
    await stage.clock.advance(1000);
    expect(stage.log.slice(-2)).toEqual(['offer 2', 'HLS_NETWORK']);
    await stage.clock.advance(2000);
    expect(stage.log.slice(-1)).toEqual(['session 3 renewed']);
    expect(stage.loop.consecutiveErrors).toBe(0);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('goes on with a new session when the list ended before what was asked for', async () => {
    const stage = new Stage();
    stage.goesOn = true;
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 7000 });
    await stage.feed('end');
    await stage.clock.advance(0);
    stage.goesOn = false;
    await stage.feed({ sequence: 1, dateMs: 8000 });
    await stage.feed('end');
    expect(await stage.result).toBeUndefined();
    expect(stage.requests).toEqual([{}, { resumeAtMs: 7000 }]);
  });

  it.each(['waiting for a fragment', 'backing off'])(
    'stops at once while %s, leaving no timer',
    async (when) => {
      const stage = new Stage();
      if (when === 'backing off') stage.acquireErrors = [reset()];
      await stage.clock.advance(0);
      stage.stopping.abort(new Error('stop'));
      expect(await stage.result).toBeUndefined();
      expect(stage.loop.state.connection).toBe(ConnectionState.DISCONNECTED);
      expect(stage.clock.pending).toBe(0);
    },
  );

  it('ends with a defect of its own instead of hiding it in reconnections', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed(new TypeError('a defect'));
    expect(await stage.result).toBeInstanceOf(TypeError);
    expect(stage.loop.state.connection).toBe(ConnectionState.ERROR);
  });
});
