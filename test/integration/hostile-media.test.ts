import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { HlsFrameSource, type MediaFault, type Gap } from '../../lib/index';
import { boxesOf } from '../../lib/simulator/mp4-boxes';
import { Canaries } from '../support/canaries.js';
import { makeClip, type FragmentedClip } from '../support/fragments.js';
import { serveList, type ListEntry } from '../support/hls-list.js';

const T0 = Date.parse('2026-11-22T10:00:00.000Z');

let clip: FragmentedClip;
let folder: string;
let canaries: Canaries;

beforeAll(async () => {
  clip = makeClip({ width: 64, height: 64, seconds: 3, bFrames: 0 });
  folder = mkdtempSync(join(tmpdir(), 'kvs-frames-hostile-'));
  canaries = await Canaries.beside(0);
});

afterAll(async () => {
  await canaries[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function word(value: number, bytes: 2 | 4 = 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeUInt32BE(value);
  else buffer.writeUInt16BE(value);
  return buffer;
}

function box(type: string, ...parts: Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  return Buffer.concat([word(8 + payload.length), Buffer.from(type, 'latin1'), payload]);
}

/** The same boxes with another one in place of each that has this type, at any depth. */
function replaced(data: Buffer, type: string, by: Buffer): Buffer {
  const containers = ['moov', 'trak', 'mdia', 'minf', 'dinf'];
  return Buffer.concat(
    boxesOf(data).map((one) => {
      const bytes = data.subarray(one.start, one.end);
      if (one.type === type) return by;
      return containers.includes(one.type) ? box(one.type, replaced(bytes.subarray(8), type, by)) : bytes;
    }),
  );
}

/** A data reference (ISO/IEC 14496-12, 8.7.2) to media that is not in the file itself: flags 0. */
const dref = (...entries: Buffer[]): Buffer => box('dref', word(0), word(entries.length), ...entries);
const url = (location: string): Buffer => box('url ', word(0), Buffer.from(`${location}\0`));
const urn = (location: string): Buffer => box('urn ', word(0), Buffer.from(`name\0${location}\0`));

/** QuickTime's alias of a file: what libav's demuxer makes a path of. */
function alias(path: string): Buffer {
  const text = Buffer.from(`V${path.replaceAll('/', ':')}`);
  const padded = text.length % 2 === 0 ? text : Buffer.concat([text, Buffer.alloc(1)]);
  const [volume, name] = [Buffer.alloc(28), Buffer.alloc(64)];
  volume.write('\x01V', 'latin1');
  name.write('\x01c', 'latin1');
  const levels = Buffer.concat([word(1, 2), word(1, 2)]);
  const paths = Buffer.concat([word(2, 2), word(text.length, 2), padded, word(0xffff, 2), word(0, 2)]);
  const head = [Buffer.alloc(10), volume, Buffer.alloc(12), name, Buffer.alloc(16), levels, Buffer.alloc(16)];
  return box('alis', word(0), ...head, paths);
}

/** A named pipe that nobody writes to: whoever opens it to read hangs, and can be seen to have it open. */
function pipe(name: string): { path: string; isOpen: () => boolean } {
  const path = join(folder, name);
  const { status } = spawnSync('mkfifo', [path]);
  expect(status).toBe(0);
  const isOpen = (): boolean => {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENXIO' });
      return false;
    }
  };
  return { path, isOpen };
}

interface Told {
  frames: number;
  gaps: Gap[];
  faults: MediaFault[];
  error: unknown;
}

async function read(entries: readonly ListEntry[]): Promise<Told & { requests: string[] }> {
  await using list = await serveList(entries);
  await using source = new HlsFrameSource({
    url: list.url,
    registry: new Registry(),
    maxConsecutiveErrors: 1,
  });
  const told: Told = { frames: 0, gaps: [], faults: [], error: undefined };
  source.on('gap', (gap) => told.gaps.push(gap));
  source.on('fault', (fault) => told.faults.push(fault));
  try {
    for await (const frame of source) {
      told.frames += 1;
      frame.release();
    }
  } catch (error) {
    told.error = error;
  }
  return { ...told, requests: list.requests };
}

const entries = (init: Buffer, media: readonly Buffer[] = clip.fragments): ListEntry[] =>
  media.map((bytes, i) => ({ init, media: bytes, seconds: 1, dateMs: T0 + i * 1000 }));

describe('an init section whose media is said to be elsewhere', () => {
  test('names files and hosts that nobody opens', async () => {
    const canary = pipe('data-reference');
    const references = [
      dref(url(`file://${canary.path}`)),
      dref(url(canary.path)),
      dref(url(`${canaries.origin}/media.mp4`)),
      dref(urn(`${canaries.origin}/media.mp4`)),
      dref(url(`concat:${canary.path}|${canary.path}`)),
    ];
    const [first] = entries(clip.init);
    const list = references.map((reference, i) => ({
      ...first!,
      init: replaced(clip.init, 'dref', reference),
      dateMs: T0 + i * 1000,
    }));
    // libav takes these for what is in the file.
    expect(await read(list)).toMatchObject({
      frames: 25 * references.length,
      gaps: [],
      faults: [],
      error: undefined,
    });
    expect(canary.isOpen()).toBe(false);
    expect(canaries.requests).toEqual([]);
  });

  test('by the only kind of reference that libav follows at all loses its fragments, in one gap', async () => {
    const canary = pipe('alias');
    const evil = replaced(clip.init, 'dref', dref(alias(canary.path)));
    const [first, second, third] = entries(clip.init);
    const told = await read([first!, { ...second!, init: evil }, third!]);
    expect(told).toMatchObject({
      frames: 50,
      gaps: [{ cause: 'media', ms: 1000, fragments: 1 }],
      faults: [{ stage: 'demux', message: 'the fragment has no packet of its video track' }],
      error: undefined,
    });
    expect(told.faults[0]!.log.join()).toMatch(/Skipped opening external track/);
    expect(canary.isOpen()).toBe(false);
    const all = await read(entries(evil));
    expect(all).toMatchObject({ frames: 0, gaps: [{ cause: 'media', ms: 3000, fragments: 3 }] });
    expect(all.error).toMatchObject({ code: 'HLS_UNSUPPORTED' });
    expect(canary.isOpen()).toBe(false);
  });

  test('would be seen to be opened', () => {
    const canary = pipe('opened');
    const reader = openSync(canary.path, constants.O_RDONLY | constants.O_NONBLOCK);
    expect(canary.isOpen()).toBe(true);
    closeSync(reader);
    expect(canary.isOpen()).toBe(false);
  });
});

test('a fragment that is a list of other places is lost, and none of them is asked', async () => {
  const canary = pipe('listed');
  const texts = [
    `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${canary.path}\n#EXT-X-ENDLIST\n`,
    `#EXTM3U\n#EXTINF:1,\n${canaries.origin}/f.ts\n#EXT-X-ENDLIST\n`,
    `ffconcat version 1.0\nfile '${canary.path}'\n`,
    `<?xml version="1.0"?><MPD><BaseURL>${canaries.origin}/</BaseURL></MPD>`,
    `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video ${canaries.port} RTP/AVP 96\r\n`,
    `RTSPtext\r\nrtsp://127.0.0.1:${canaries.port}/\r\n`,
  ];
  // As it is, and as boxes that are whole.
  const evil = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    return [bytes, Buffer.concat([box('moof', bytes), box('mdat', bytes)])];
  });
  const good = clip.fragments[0]!;
  const told = await read(entries(clip.init, [...evil.flatMap((bytes) => [good, bytes]), good]));
  expect(told).toMatchObject({ frames: 25 * (evil.length + 1), error: undefined });
  const isOne = { cause: 'media', ms: 1000, fragments: 1 };
  expect(told.gaps).toMatchObject(evil.map(() => isOne));
  expect(canary.isOpen()).toBe(false);
  expect(canaries.requests).toEqual([]);
});

test('a source whose playlist leads elsewhere ends, and says where it would have gone', async () => {
  const lists = [
    { url: `${canaries.origin}/f.m4s`, host: `127.0.0.1:${canaries.port}` },
    { url: 'http://169.254.169.254/latest/meta-data/', host: '169.254.169.254' },
    { url: `file://${folder}/canary`, host: 'file://' },
  ];
  for (const { url: there, host } of lists) {
    await using list = await serveList(entries(clip.init), (text) => text.replace('1.m4s', there));
    await using source = new HlsFrameSource({ url: `${list.url}?Token=SECRET`, registry: new Registry() });
    const reading = async (): Promise<void> => {
      for await (const frame of source) frame.release();
    };
    const error = await reading().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'HLS_FOREIGN_ORIGIN', message: expect.stringContaining(host) });
    expect(inspect(error)).not.toContain('SECRET');
    expect(source.getMetrics()).toMatchObject({ frames: 25, phase: 'failed' });
    expect(list.requests.filter((file) => file.startsWith('2'))).toEqual([]);
  }
  expect(canaries.requests).toEqual([]);
});
