import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DemoCamera } from '../../../lib/cli/demo-cameras';
import { Uplink } from '../../../lib/cli/demo-cameras';
import { DemoFaults } from '../../../lib/cli/demo-faults';
import type { CameraFragment } from '../../../lib/simulator/camera';
import { FakeClock } from '../../support/fake-clock';

/** A camera that only writes down what is done to it. */
function notedCamera(cameraId: string, notes: string[]): DemoCamera {
  const note = (what: string): void => void notes.push(`${cameraId} ${what}`);
  const camera = {
    cameraId,
    simulator: {
      setFaults: (script: { name: string } | null) => note(`faults ${script?.name ?? 'none'}`),
      sessions: [{ expire: () => note('expire 1') }, { expire: () => note('expire 2') }],
    },
    stream: {
      stopCamera: () => Promise.resolve(note('stop')),
      startCamera: () => Promise.resolve(note('start')),
    },
    uplink: { loseFragment: () => note('lose') },
    show: (which: string) =>
      cameraId === 'broken'
        ? Promise.reject(new Error('no pictures'))
        : Promise.resolve(note(`show ${which}`)),
  };
  return camera as unknown as DemoCamera;
}

describe('the buttons of the demo', () => {
  let notes: string[];
  let clock: FakeClock;
  let faults: DemoFaults;

  beforeEach(() => {
    notes = [];
    clock = new FakeClock();
    faults = new DemoFaults(
      ['door', 'yard', 'broken'].map((cameraId) => notedCamera(cameraId, notes)),
      {
        onBegin: (cameraId, { id }) => void notes.push(`${cameraId} = ${id}`),
        onEnd: (cameraId, { id }) => void notes.push(`${cameraId} without ${id}`),
        onError: (cameraId, error) => void notes.push(`${cameraId} error ${String(error)}`),
      },
      clock,
    );
  });

  it.each([
    ['sleep', 20_000, ['door stop'], ['door start']],
    ['throttle', 15_000, ['door faults throttle'], ['door faults none']],
    ['cut-network', 12_000, ['door faults cut-network'], ['door faults none']],
    ['change-resolution', 15_000, ['door show changed'], ['door show usual']],
    ['expire-session', 3_000, ['door expire 1', 'door expire 2'], []],
    ['drop-fragment', 3_000, ['door lose'], []],
  ])('%s is undone by itself', async (action, forMs, begun, ended) => {
    await faults.apply('door', action);
    expect(notes).toEqual([`door = ${action}`, ...begun]);
    expect(faults.active('door')).toBe(action);
    expect(faults.active('yard')).toBeNull();
    await clock.advance(forMs - 1);
    expect(faults.active('door')).toBe(action);
    await clock.advance(1);
    await faults.close();
    expect(notes).toEqual([`door = ${action}`, ...begun, `door without ${action}`, ...ended]);
    expect(faults.active('door')).toBeNull();
  });

  it('ends what is under way when another one begins, and gives that its full time', async () => {
    await faults.apply('door', 'cut-network');
    await clock.advance(11_000);
    await faults.apply('door', 'sleep');
    expect(notes.slice(2)).toEqual([
      'door without cut-network',
      'door faults none',
      'door = sleep',
      'door stop',
    ]);
    await clock.advance(19_999);
    expect(faults.active('door')).toBe('sleep');
    await clock.advance(1);
    expect(faults.active('door')).toBeNull();
  });

  it('does one thing after the other, also when asked for both at once', async () => {
    await Promise.all([faults.apply('door', 'sleep'), faults.apply('door', 'throttle')]);
    expect(notes).toEqual([
      'door = sleep',
      'door stop',
      'door without sleep',
      'door start',
      'door = throttle',
      'door faults throttle',
    ]);
    expect(clock.pending).toBe(1);
  });

  it('names what there is to whoever asks for something else', async () => {
    await expect(faults.apply('gate', 'sleep')).rejects.toThrow(
      'Expected a camera out of door, yard, broken but received "gate"',
    );
    await expect(faults.apply('door', 'snow')).rejects.toThrow(
      /Expected an action out of expire-session, .*"snow"/,
    );
    expect(faults.actions.map(({ id }) => id)).toEqual([
      'expire-session',
      'sleep',
      'throttle',
      'cut-network',
      'change-resolution',
      'drop-fragment',
    ]);
  });

  it('tells what could not be begun, and what could not be undone', async () => {
    await expect(faults.apply('broken', 'change-resolution')).rejects.toThrow('no pictures');
    expect(faults.active('broken')).toBeNull();
    expect(notes.at(-1)).toBe('broken error Error: no pictures');
  });

  it('leaves no timer behind', async () => {
    await faults.apply('door', 'sleep');
    await faults.close();
    expect(clock.pending).toBe(0);
    await faults.apply('yard', 'sleep');
    expect(notes.filter((note) => note.startsWith('yard'))).toEqual([]);
  });
});

describe('the uplink of a demo camera', () => {
  it('loses the next fragment, and no other', () => {
    const published: number[] = [];
    let send = (_index: number): void => {};
    const uplink = new Uplink();
    const camera = uplink.of({
      open: (context) => {
        send = (index) => context.publish({ frames: index } as CameraFragment);
        return { stampEpochMs: 0, start: () => Promise.resolve(), stop: () => Promise.resolve() };
      },
    });
    camera.open({
      clock: new FakeClock(),
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      ingestDelayMs: 0,
      publish: ({ frames }) => void published.push(frames),
      ended: () => {},
    });
    send(1);
    uplink.loseFragment();
    send(2);
    send(3);
    expect(published).toEqual([1, 3]);
  });
});
