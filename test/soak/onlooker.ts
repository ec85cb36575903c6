import { get, type IncomingMessage } from 'node:http';
import type { Studio } from './studio';

/** Of what is looked at: pages and figures once, the events for a while. */
const LOOK_EVERY_MS = [1_000, 5_000] as const;
const WATCH_MS = [1_000, 8_000] as const;
const ANSWER_MS = 10_000;

/** Looks at what a program serves, now and then: metrics, cameras, pictures, and the live page's events. */
export class Onlooker {
  readonly #url: string;
  readonly #studio: Studio;

  constructor(url: string, studio: Studio) {
    this.#url = url;
    this.#studio = studio;
  }

  /** Until all is over. */
  async look(): Promise<void> {
    const { chance, over, witness } = this.#studio;
    while (!over.aborted) {
      await this.#studio.pause(chance.between(...LOOK_EVERY_MS));
      if (over.aborted) return;
      const what = chance.pick(['metrics', 'cameras', 'page', 'picture', 'events'] as const);
      try {
        await this.#see(what);
        witness.count(`looks at ${what}`);
      } catch (error) {
        if (!over.aborted) witness.complain(`looking at ${what}: ${String(error)}`);
      }
    }
  }

  async #see(what: 'metrics' | 'cameras' | 'page' | 'picture' | 'events'): Promise<void> {
    const { chance, sources } = this.#studio;
    switch (what) {
      case 'metrics':
        return this.#wholly('/metrics', [200]);
      case 'cameras':
        return this.#wholly('/cameras', [200]);
      case 'page':
        return this.#wholly('/', [200]);
      case 'picture': {
        const source = chance.pick([...sources]);
        // There is none while no frame comes, and none of access units.
        if (source !== undefined)
          await this.#wholly(
            `/picture.jpg?camera=${encodeURIComponent(source.cameraId)}`,
            [200, 204, 404, 415, 503],
          );
        return;
      }
      case 'events':
        return this.#watch(chance.between(...WATCH_MS));
    }
  }

  async #wholly(path: string, statuses: readonly number[]): Promise<void> {
    const response = await this.#ask(path);
    for await (const _ of response);
    if (!statuses.includes(response.statusCode ?? 0))
      throw new Error(`${path} was answered ${response.statusCode}`);
  }

  async #watch(ms: number): Promise<void> {
    const response = await this.#ask('/events');
    let bytes = 0;
    response.on('data', (piece: Buffer) => (bytes += piece.length));
    response.on('error', () => undefined);
    await this.#studio.pause(ms);
    response.destroy();
    if (bytes === 0 && !this.#studio.over.aborted) throw new Error('no event came');
  }

  #ask(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = get(new URL(path, this.#url), { agent: false, timeout: ANSWER_MS }, resolve);
      request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
      request.on('error', reject);
    });
  }
}
