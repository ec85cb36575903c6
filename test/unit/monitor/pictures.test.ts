import { request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { channels } from '../../../lib/channels';
import { ConfigError } from '../../../lib/errors';
import type { FrameSource } from '../../../lib/frame-source';
import type { Frame } from '../../../lib/frames/frame';
import type { JpegOptions } from '../../../lib/frames/image';
import { FakeClock, FakeSource, serve, settled, type Served } from './watched';

/** A frame that is encoded when the test says so. */
class FakeFrame {
  readonly asked: JpegOptions[] = [];
  #settle: ((jpeg: Buffer | Error) => void)[] = [];

  constructor(readonly timestampMs = 1000) {}

  toJpeg(options: JpegOptions): Promise<Buffer> {
    this.asked.push(options);
    return new Promise((resolve, reject) => {
      this.#settle.push((jpeg) => (jpeg instanceof Error ? reject(jpeg) : resolve(jpeg)));
    });
  }

  async encoded(jpeg: string | Error = 'jpeg'): Promise<void> {
    for (const settle of this.#settle.splice(0)) settle(jpeg instanceof Error ? jpeg : Buffer.from(jpeg));
    await settled();
  }
}

/** The sources that are shown, by id. */
const shown = new Map<string, FrameSource>();

function publish(cameraId: string, frame = new FakeFrame()): FakeFrame {
  channels.frame.publish({ cameraId, source: shown.get(cameraId), frame: frame as unknown as Frame });
  return frame;
}

/** Resolves when the request has reached the desk: it is subscribed for it. */
async function untilWanted(): Promise<void> {
  while (!channels.frame.hasSubscribers) await settled();
}

async function served(...ids: string[]): Promise<Served> {
  const clock = new FakeClock();
  const sources = ids.map((id) => new FakeSource(id, clock).asSource);
  shown.clear();
  for (const source of sources) shown.set(source.cameraId, source);
  return serve({ sources: () => sources, clock });
}

const ask = ({ url }: Served, id: string, query = ''): Promise<Response> =>
  fetch(`${url}/picture.jpg?camera=${encodeURIComponent(id)}${query.replace('?', '&')}`);

describe('pictures of the live page', () => {
  it('cost nothing while nobody asks for one: nobody is subscribed to frames', async () => {
    const monitor = await served('front-door');
    expect(channels.frame.hasSubscribers).toBe(false);
    const response = ask(monitor, 'front-door');
    await untilWanted();
    const frame = publish('front-door', new FakeFrame(123_456));
    expect(frame.asked).toEqual([{ quality: 70, maxWidth: 480 }]);
    await frame.encoded('a picture');
    expect(channels.frame.hasSubscribers).toBe(false);
    const picture = await response;
    expect(picture.status).toBe(200);
    expect(picture.headers.get('content-type')).toBe('image/jpeg');
    expect(picture.headers.get('x-captured-ms')).toBe('123456');
    expect(picture.headers.get('cache-control')).toContain('no-store');
    expect(await picture.text()).toBe('a picture');
  });

  it('are made of one frame for each that is asked for, and only of that camera', async () => {
    const monitor = await served('front-door', 'yard');
    const response = ask(monitor, 'front-door');
    await untilWanted();
    expect(publish('yard').asked).toEqual([]);
    const first = publish('front-door');
    expect(first.asked).toHaveLength(1);
    expect(publish('front-door').asked).toEqual([]);
    await first.encoded();
    expect((await response).status).toBe(200);
    expect(publish('front-door').asked).toEqual([]);
  });

  it('are answered from memory to others who look at the same moment', async () => {
    const monitor = await served('front-door');
    const responses = [ask(monitor, 'front-door'), ask(monitor, 'front-door')];
    await untilWanted();
    await publish('front-door').encoded('shared');
    for (const response of responses) expect(await (await response).text()).toBe('shared');
    monitor.clock.step(399);
    expect(await (await ask(monitor, 'front-door')).text()).toBe('shared');
    expect(channels.frame.hasSubscribers).toBe(false);
    monitor.clock.step(2);
    const later = ask(monitor, 'front-door');
    await untilWanted();
    await publish('front-door').encoded('next');
    expect(await (await later).text()).toBe('next');
  });

  it('are new to who says which one it has', async () => {
    const monitor = await served('front-door');
    const response = ask(monitor, 'front-door');
    await untilWanted();
    await publish('front-door').encoded('first');
    const serial = (await response).headers.get('x-serial');
    const next = ask(monitor, 'front-door', `?after=${serial}`);
    await untilWanted();
    monitor.clock.step(400);
    await publish('front-door').encoded('second');
    expect(await (await next).text()).toBe('second');
  });

  it('are no more than one in 400 ms, however many ask how often', async () => {
    const monitor = await served('front-door');
    const first = ask(monitor, 'front-door');
    await untilWanted();
    await publish('front-door').encoded();
    let serial = (await first).headers.get('x-serial');
    for (let round = 0; round < 3; round++) {
      const waiting = Array.from({ length: 5 }, () => ask(monitor, 'front-door', `?after=${serial}`));
      await untilWanted();
      let taken = 0;
      for (let ms = 40; ms <= 400; ms += 40) {
        monitor.clock.step(40);
        const frame = publish('front-door');
        if (ms < 400) expect([ms, frame.asked.length]).toEqual([ms, 0]);
        taken += frame.asked.length;
        await frame.encoded();
      }
      expect(taken).toBe(1);
      const serials = new Set<string | null>();
      for (const response of waiting) serials.add((await response).headers.get('x-serial'));
      expect(serials.size).toBe(1);
      expect(serials).not.toContain(serial);
      [serial = null] = serials;
    }
  });

  it('are those of their own source, where two have one name', async () => {
    const clock = new FakeClock();
    const sources = [new FakeSource('door', clock).asSource, new FakeSource('door', clock).asSource];
    const monitor = await serve({ sources: () => sources, clock });
    const send = (source: FrameSource): FakeFrame => {
      const frame = new FakeFrame();
      channels.frame.publish({ cameraId: 'door', source, frame: frame as unknown as Frame });
      return frame;
    };
    const second = ask(monitor, 'door (2)');
    await untilWanted();
    expect(send(sources[0]!).asked).toEqual([]);
    await send(sources[1]!).encoded('of the second');
    expect(await (await second).text()).toBe('of the second');
    const first = ask(monitor, 'door');
    await untilWanted();
    expect(send(sources[1]!).asked).toEqual([]);
    await send(sources[0]!).encoded('of the first');
    expect(await (await first).text()).toBe('of the first');
  });

  it('that are not there in time are answered with nothing, and are there the next time', async () => {
    const monitor = await served('front-door');
    const none = ask(monitor, 'front-door', '?waitMs=250');
    await untilWanted();
    monitor.clock.step(250);
    expect((await none).status).toBe(204);
    // The burst of a fragment comes between two requests.
    await publish('front-door').encoded('late');
    expect(channels.frame.hasSubscribers).toBe(false);
    expect(await (await ask(monitor, 'front-door', '?after=0&waitMs=0')).text()).toBe('late');
  });

  it('of a silent camera are waited for three seconds at most, and then not wanted any more', async () => {
    const monitor = await served('front-door');
    const none = ask(monitor, 'front-door', '?waitMs=900000');
    await untilWanted();
    monitor.clock.step(2999);
    expect(channels.frame.hasSubscribers).toBe(true);
    monitor.clock.step(1001);
    expect((await none).status).toBe(204);
    expect(channels.frame.hasSubscribers).toBe(false);
  });

  it('that were seen are shown again while no newer one comes, and forgotten when nobody asks', async () => {
    const monitor = await served('front-door');
    const response = ask(monitor, 'front-door');
    await untilWanted();
    await publish('front-door').encoded('last');
    await response;
    monitor.clock.step(8000);
    expect(await (await ask(monitor, 'front-door', '?waitMs=0')).text()).toBe('last');
    monitor.clock.step(11_000);
    expect((await ask(monitor, 'front-door', '?waitMs=0')).status).toBe(204);
  });

  it('are encoded a few at a time, and the others from later frames', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const monitor = await served(...ids);
    const responses = ids.map((id) => ask(monitor, id));
    const frames: FakeFrame[] = [];
    // Requests arrive one by one.
    while (frames.length < 2) {
      for (const id of ids) {
        const frame = publish(id);
        if (frame.asked.length > 0) frames.push(frame);
      }
      await settled();
    }
    for (const id of ids) expect(publish(id).asked).toEqual([]);
    for (const frame of frames) await frame.encoded();
    let answered = 0;
    for (const response of responses) void response.then(() => (answered += 1));
    while (answered < ids.length) {
      for (const id of ids) await publish(id).encoded();
      await settled();
    }
    for (const response of responses) expect((await response).status).toBe(200);
  });

  it('can be had larger, apart from the small ones', async () => {
    const monitor = await served('front-door');
    const responses = [ask(monitor, 'front-door', '?size=large')];
    await untilWanted();
    const large = publish('front-door');
    expect(large.asked).toEqual([{ quality: 70, maxWidth: 1280 }]);
    await large.encoded('large');
    responses.push(ask(monitor, 'front-door'));
    await untilWanted();
    await publish('front-door').encoded('small');
    expect(await Promise.all(responses.map(async (one) => (await one).text()))).toEqual(['large', 'small']);
  });

  it('of access units can not be: the answer says why', async () => {
    const monitor = await served('front-door');
    const response = ask(monitor, 'front-door');
    await untilWanted();
    const words = 'Expected a frame of pixels for a JPEG but received an access unit';
    await publish('front-door').encoded(new ConfigError(words));
    const refused = await response;
    expect(refused.status).toBe(415);
    expect(await refused.text()).toBe(words);
    expect((await ask(monitor, 'front-door')).status).toBe(415);
    expect(channels.frame.hasSubscribers).toBe(false);
  });

  it('are not waited for by who has gone', async () => {
    const monitor = await served('front-door');
    const before = monitor.clock.pending;
    const gone = request(`${monitor.url}/picture.jpg?camera=front-door`);
    gone.on('error', () => {});
    gone.end();
    await untilWanted();
    expect(monitor.clock.pending).toBe(before + 1);
    gone.destroy();
    while (monitor.clock.pending > before) await settled();
    monitor.clock.step(4000);
    expect(channels.frame.hasSubscribers).toBe(false);
  });

  it('that are waited for are given up when the monitor closes', async () => {
    const monitor = await served('front-door');
    const response = ask(monitor, 'front-door');
    await untilWanted();
    await monitor.monitor.close();
    expect(channels.frame.hasSubscribers).toBe(false);
    expect((await response).status).toBe(204);
  });

  it('are found by whatever a camera is called', async () => {
    const ids = [
      '<script>alert(1)</script>',
      'a/b/picture.jpg',
      'Hof ä & 100 % #2?x=y',
      'Ünïcödé 相机',
      '..',
      '.',
      'a\nb',
    ];
    const monitor = await served(...ids);
    for (const id of ids) {
      const response = ask(monitor, id);
      await untilWanted();
      await publish(id).encoded(id);
      expect(await (await response).text()).toBe(id);
    }
    expect((await ask(monitor, 'elsewhere')).status).toBe(404);
    expect(channels.frame.hasSubscribers).toBe(false);
  });
});
