import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { Registry } from 'prom-client';
import sharp from 'sharp';
import { DemoStage } from '../../lib/cli/demo-stage';
import { startHttp } from '../../lib/http/serve';
import type { HttpServer } from '../../lib/http/server';
import { silentLogger } from '../../lib/logger';
import { ROOT } from '../support/child';
import { ensureChromium } from '../support/debian';

/** KVS_FRAMES_SCREENSHOTS=docs renews those of the README. */
const SCREENSHOTS = join(ROOT, process.env.KVS_FRAMES_SCREENSHOTS ?? 'build/screenshots');
/** Those of the README show charts that have something to show. */
const HISTORY_MS = process.env.KVS_FRAMES_SCREENSHOTS === undefined ? 0 : 75_000;
/** All tiles at once: those that are out of sight are not drawn. */
const DESKTOP = { width: 1440, height: 1700 };
/** What a screenshot shows of it. */
const TOP = { x: 0, y: 0, width: DESKTOP.width, height: 900 };
const LAPTOP = { width: 1280, height: 800 };
const TABLET = { width: 1000, height: 800 };
const PHONE = { width: 390, height: 844 };
const SMALLEST = { width: 320, height: 640 };
/** The longest way back: throttled for 15 s, then the pause that was begun, then the next fragment. */
const RECOVERY_MS = 60_000;
const SOON_MS = 20_000;

/** A camera's picture as 8 × 8 colours; empty while there is none. Runs in the page. */
const coloursOf = (cameraId: string): string => `(() => {
  const picture = document.querySelector('[data-camera="${cameraId}"] img.picture');
  if (picture.naturalWidth === 0) return '';
  const canvas = new OffscreenCanvas(8, 8).getContext('2d');
  canvas.drawImage(picture, 0, 0, 8, 8);
  return canvas.getImageData(0, 0, 8, 8).data.join();
})()`;

/** Looks again and again until it is as it should be; says what it was at last if it never is. */
async function until<T>(
  what: () => T | Promise<T>,
  isRight: (seen: T) => boolean,
  withinMs: number,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await what();
    if (isRight(seen)) return seen;
    if (performance.now() > deadlineMs)
      throw new Error(`After ${withinMs} ms it is still ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a browser said and asked for that it should not have. */
class Witness {
  readonly complaints: string[] = [];
  readonly origins = new Set<string>();

  watch(page: Page): void {
    page.on('console', (message) => {
      if (message.type() !== 'log' && message.type() !== 'info') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('response', (response) => {
      if (response.status() >= 400) this.complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'blob:') this.origins.add(origin);
    });
    page.context().on('weberror', (error) => this.complaints.push(String(error.error())));
  }
}

describe('the live page in Chromium', () => {
  const witness = new Witness();
  let stage: DemoStage;
  let server: HttpServer;
  let browser: Browser;
  let page: Page;
  let reading: Promise<void>;

  const tile = (cameraId: string): Locator => page.locator(`article.tile[data-camera="${cameraId}"]`);
  const press = (cameraId: string, action: string): Promise<void> =>
    tile(cameraId).locator(`button[data-action="${action}"]`).click();
  const status = (cameraId: string): Promise<string | null> => tile(cameraId).getAttribute('data-status');
  const untilStatus = (cameraId: string, wanted: string, withinMs: number): Promise<string | null> =>
    until(
      () => status(cameraId),
      (seen) => seen === wanted,
      withinMs,
    );
  const gapsOf = (cameraId: string): Promise<string[]> =>
    tile(cameraId).locator('ol.gaps li').allTextContents();
  const screenshot = async (name: string, clip?: typeof TOP): Promise<void> => {
    const png = await page.screenshot({ animations: 'disabled', ...(clip && { clip }) });
    // A palette makes the files a third as large.
    await sharp(png).png({ palette: true, effort: 10 }).toFile(join(SCREENSHOTS, name));
  };

  beforeAll(async () => {
    const executablePath = await ensureChromium();
    mkdirSync(SCREENSHOTS, { recursive: true });
    const registry = new Registry();
    stage = await DemoStage.open({
      registry,
      logger: silentLogger,
      onCamera: () => {},
      onBegin: () => {},
      onEnd: () => {},
      onError: (_, error) => {
        throw error;
      },
    });
    reading = (async () => {
      for await (const frame of stage.group) frame.release();
    })();
    server = await startHttp(
      { sources: [stage.group], registry, port: 0, page: true },
      { faults: stage.faults },
    );
    // A browser's own sandbox needs a user who is not root.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: DESKTOP, colorScheme: 'light' });
    witness.watch(page);
    await page.goto(`${server.url}/`);
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await stage?.close();
    await reading;
  });

  it('shows a tile for each camera, with a picture that moves', async () => {
    for (const { cameraId } of stage.cameras) {
      await untilStatus(cameraId, 'flowing', SOON_MS);
      const colours = (): Promise<string> => page.evaluate<string>(coloursOf(cameraId));
      const first = await until(colours, (seen) => seen !== '', SOON_MS);
      const second = await until(colours, (seen) => seen !== first, SOON_MS);
      await until(colours, (seen) => seen !== first && seen !== second, SOON_MS);
    }
    expect(await page.locator('article.tile').count()).toBe(stage.cameras.length);
  });

  it('shows age, rate, capture time, what is left of the session, and the strip of states', async () => {
    const { cameraId } = stage.cameras[0]!;
    const text = async (selector: string): Promise<string> =>
      (await tile(cameraId).locator(selector).textContent())?.trim() ?? '';
    expect(await text('.age')).toMatch(/^\d+(\.\d)? s$/);
    await until(
      () => text('.fps'),
      (fps) => Number(fps) > 5 && Number(fps) < 15,
      SOON_MS,
    );
    expect(await text('.captured')).toMatch(/^\d{1,2}:\d\d:\d\d/);
    const left = await text('.expiry');
    expect(left).toMatch(/^4:\d\d$/);
    await until(
      () => text('.expiry'),
      (now) => now !== left,
      SOON_MS,
    );
    expect(await tile(cameraId).locator('.strip').isVisible()).toBe(true);
    expect(await tile(cameraId).locator('.sparkline').first().isVisible()).toBe(true);
  });

  it('has the camera in trouble first, says that it is one of four, and shows how it recovers', async () => {
    await new Promise((resolve) => setTimeout(resolve, HISTORY_MS));
    const verdict = (): Promise<string | null> => page.locator('h1').textContent();
    await until(verdict, (words) => words === 'All 4 cameras are well', SOON_MS);
    await press('car-park', 'cut-network');
    await page.mouse.move(0, 0);
    await untilStatus('car-park', 'reconnecting', SOON_MS);
    const pressed = tile('car-park').locator('button[data-action="cut-network"]');
    expect(await pressed.getAttribute('data-active')).toBe('true');
    expect(await tile('car-park').locator('.fault-note').textContent()).toMatch(
      /^Now: .* Another button ends/,
    );
    await until(verdict, (words) => words === '1 of 4 cameras not well', SOON_MS);
    const first = page.locator('article.tile').first();
    await until(
      () => first.getAttribute('data-camera'),
      (cameraId) => cameraId === 'car-park',
      SOON_MS,
    );
    await screenshot('monitor-light.png', TOP);
    await untilStatus('car-park', 'flowing', RECOVERY_MS);
    const gaps = await until(
      () => gapsOf('car-park'),
      (seen) => seen.length > 0,
      SOON_MS,
    );
    expect(gaps.at(-1)).toMatch(/s missing: no session meanwhile/);
  }, 240_000);

  it('breaks cameras by its buttons, and shows how each recovers and what the ledger has of it', async () => {
    await press('stairwell', 'sleep');
    await press('loading-bay', 'throttle');
    await press('front-door', 'drop-fragment');
    const throttled = untilStatus('loading-bay', 'reconnecting', SOON_MS);
    const asleep = untilStatus('stairwell', 'idle', SOON_MS);
    const dropped = until(
      () => gapsOf('front-door'),
      (gaps) => gaps.length === 1,
      SOON_MS,
    );

    // One camera goes through what leaves no lasting trouble.
    const changed = dropped.then(async (gaps) => {
      expect(gaps[0]).toMatch(/2\.0 s missing/);
      expect(await status('front-door')).toBe('flowing');
      await press('front-door', 'change-resolution');
      const size = (): Promise<string | null> => tile('front-door').locator('.size').textContent();
      await until(size, (now) => now === '640 × 360', SOON_MS);
      await until(size, (now) => now === '1280 × 720', RECOVERY_MS);
      const { renewals, reconnects } = stage.group.getMetrics().get('front-door')!;
      expect([renewals, reconnects]).toEqual([0, 0]);
      await press('front-door', 'expire-session');
      await until(
        () => stage.group.getMetrics().get('front-door')!.reconnects,
        (reconnections) => reconnections === 1,
        SOON_MS,
      );
      await untilStatus('front-door', 'flowing', SOON_MS);
    });
    await Promise.all([throttled, asleep]);

    const recovered = ['stairwell', 'loading-bay'].map(async (cameraId) => {
      await untilStatus(cameraId, 'flowing', RECOVERY_MS);
      const gaps = await until(
        () => gapsOf(cameraId),
        (seen) => seen.length > 0,
        SOON_MS,
      );
      return gaps.at(-1);
    });
    const [ofSleep, ofThrottle] = await Promise.all(recovered);
    expect(ofSleep).toMatch(/2\d s missing: the camera sent nothing/);
    expect(ofThrottle).toMatch(/s missing: no session meanwhile/);
    await changed;
  }, 120_000);

  it('is used by keyboard alone', async () => {
    await page.evaluate('document.activeElement.blur()');
    const focused = (): Promise<string> =>
      page.evaluate<string>(
        `(() => { const { dataset, closest } = document.activeElement;
          return (dataset.action ?? '') + '@' + (document.activeElement.closest('.tile')?.dataset.camera ?? ''); })()`,
      );
    for (let presses = 0; (await focused()) !== 'drop-fragment@car-park'; presses++) {
      if (presses > 60) throw new Error('The button was not reached within 60 presses of Tab');
      await page.keyboard.press('Tab');
    }
    const isOutlined = `getComputedStyle(document.activeElement).outlineStyle !== 'none'`;
    expect(await page.evaluate(isOutlined)).toBe(true);
    const before = (await gapsOf('car-park')).length;
    await page.keyboard.press('Enter');
    await until(
      () => gapsOf('car-park'),
      (gaps) => gaps.length === before + 1,
      SOON_MS,
    );
  });

  it('names all that is to be used or looked at, for those who hear it', async () => {
    const unnamed = await page.evaluate<string[]>(`
      [...document.querySelectorAll('button, input, select, img, a, article')]
        .filter((one) => one.checkVisibility())
        .filter((one) => {
          const label = one.getAttribute('aria-label') ?? one.getAttribute('alt') ?? one.textContent;
          const around = one.closest('label')?.textContent ?? '';
          return (label + around).trim() === '' && !one.hasAttribute('alt');
        })
        .map((one) => one.outerHTML.slice(0, 200))`);
    expect(unnamed).toEqual([]);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await page.locator('h1').count()).toBe(1);
    expect(await tile('car-park').locator('img.picture').getAttribute('alt')).toMatch(/^car-park at /);
  });

  it('fits phones without scrolling sideways, in light and dark', async () => {
    const isTooWide = 'document.documentElement.scrollWidth > innerWidth';
    const background = (): Promise<number> =>
      page.evaluate<number>(
        `getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0)`,
      );
    const backgrounds: number[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const viewport of [SMALLEST, PHONE]) {
        await page.setViewportSize(viewport);
        expect(await page.evaluate(isTooWide)).toBe(false);
      }
      backgrounds.push(await background());
    }
    expect(backgrounds[0]).toBeGreaterThan(600);
    expect(backgrounds[1]).toBeLessThan(165);
    await page.evaluate('scrollTo(0, 0)');
    await screenshot('monitor-dark-phone.png');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(DESKTOP);
  });

  it('puts as many tiles into each row as into the others', async () => {
    const tops = async (): Promise<number[]> => {
      const boxes = await Promise.all(
        (await page.locator('article.tile').all()).map((one) => one.boundingBox()),
      );
      return boxes.map((box) => Math.round(box!.y));
    };
    const rowsOf = (all: number[]): number[] =>
      [...new Set(all)].map((top) => all.filter((y) => y === top).length);
    for (const [viewport, rows] of [
      [DESKTOP, [4]],
      [LAPTOP, [4]],
      [TABLET, [2, 2]],
    ] as const) {
      await page.setViewportSize(viewport);
      await until(tops, (all) => rowsOf(all).join() === rows.join(), SOON_MS);
    }
    await page.setViewportSize(DESKTOP);
  });

  it('says that it knows nothing any more when the monitor has gone, until it is back', async () => {
    const options = { sources: [stage.group], registry: new Registry(), page: true };
    const first = await startHttp({ ...options, port: 0 });
    const visit = await browser.newPage({ viewport: LAPTOP, colorScheme: 'light' });
    const heading = visit.locator('h1');
    const verdict = (): Promise<string | null> => heading.textContent();
    const colourOf = (selector: string): Promise<string> =>
      visit.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).color`);
    await visit.goto(`${first.url}/`);
    await until(verdict, (words) => /\b4 cameras/.test(words ?? ''), SOON_MS);
    const well = await colourOf('[data-filter="well"]');
    await first.close();
    await until(verdict, (words) => words === 'Unknown: connection lost', SOON_MS);
    expect(await visit.title()).toBe('Unknown: connection lost');
    expect(await colourOf('h1')).toBe(await colourOf('.rates'));
    expect(await colourOf('[data-filter="well"]')).not.toBe(well);
    expect(await visit.locator('.banner').first().textContent()).toMatch(/connection to the monitor is lost/);
    const again = await startHttp({ ...options, port: Number(new URL(first.url).port) });
    await until(verdict, (words) => /\b4 cameras/.test(words ?? ''), SOON_MS);
    expect(await colourOf('[data-filter="well"]')).toBe(well);
    await visit.close();
    await again.close();
  });

  it('takes pictures only while somebody looks', async () => {
    const frames = channel('kvs-frames:frame');
    await until(
      () => frames.hasSubscribers,
      (isLookedAt) => isLookedAt,
      SOON_MS,
    );
    await page.close();
    // One that was under way may still be taken.
    let takenAtMs = performance.now();
    const quietMs = (): number => {
      if (frames.hasSubscribers) takenAtMs = performance.now();
      return performance.now() - takenAtMs;
    };
    await until(quietMs, (ms) => ms > 2_000, SOON_MS);
  });

  it('complained of nothing, and asked nobody but its own origin', () => {
    expect(witness.complaints).toEqual([]);
    expect([...witness.origins]).toEqual([new URL(server.url).origin]);
  });
});
