import {
  GetHLSStreamingSessionURLCommand,
  KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';
import type { Registry } from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { HlsFrameSource, KvsHlsFrameSource, type FrameSource } from '../../lib/index';
import { soakCamera, soakCameraNames, type SoakCameraName } from './cameras';
import type { Chance } from './chance';
import type { Door } from './messages';
import type { Witness } from './witness';

/** Renewals every few seconds: sessions of 300 s, replaced so many seconds before their end. */
const MARGINS_SECONDS = [292, 294, 296] as const;
/** The service's longest. */
const URL_SECONDS = 43_200;

/** What the consumers of a soak have in common: sources of its cameras, one witness, one registry, chance. */
export class Studio {
  readonly chance: Chance;
  readonly witness: Witness;
  readonly registry: Registry;
  /** Sources that are read now: what the pages show. */
  readonly sources = new Set<FrameSource>();
  /** Fires when no consumer begins anything new and all read as fast as they can. */
  readonly calm: AbortSignal;
  /** Fires when all is over. */
  readonly over: AbortSignal;
  readonly #doors: Record<SoakCameraName, Door>;

  constructor(parts: {
    chance: Chance;
    witness: Witness;
    registry: Registry;
    doors: Record<SoakCameraName, Door>;
    calm: AbortSignal;
    over: AbortSignal;
  }) {
    this.chance = parts.chance;
    this.witness = parts.witness;
    this.registry = parts.registry;
    this.calm = parts.calm;
    this.over = parts.over;
    this.#doors = parts.doors;
  }

  kvs(name: SoakCameraName, cameraId: string = name): KvsHlsFrameSource {
    const { endpoint, region } = this.#doors[name];
    return new KvsHlsFrameSource({
      ...this.#common,
      streamName: name,
      cameraId,
      region,
      endpoint,
      credentials: this.#credentials(name),
      hlsSessionSeconds: 300,
      urlRefreshMarginSeconds: this.chance.pick(MARGINS_SECONDS),
      maxMediaPlaylistFragmentResults: 12,
      ...soakCamera(name).source,
    });
  }

  /** A source on a session's URL, which nobody renews. Throws what the SDK throws. */
  async hls(name: SoakCameraName): Promise<HlsFrameSource> {
    const { endpoint, region } = this.#doors[name];
    const client = new KinesisVideoArchivedMediaClient({
      ...{ endpoint, region, maxAttempts: 1 },
      credentials: this.#credentials(name),
    });
    try {
      const { HLSStreamingSessionURL: url } = await client.send(
        new GetHLSStreamingSessionURLCommand({
          StreamName: name,
          PlaybackMode: 'LIVE',
          Expires: URL_SECONDS,
          MaxMediaPlaylistFragmentResults: 12,
          DisplayFragmentTimestamp: 'ALWAYS',
          HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
        }),
        { abortSignal: AbortSignal.any([this.over, AbortSignal.timeout(10_000)]) },
      );
      // The service may answer 200 and have none.
      if (url === undefined) throw new Error('The answer has no session URL');
      return new HlsFrameSource({ ...this.#common, url, cameraId: name });
    } finally {
      client.destroy();
    }
  }

  /** A pause that ends early when all is over. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.over }).catch(() => undefined);
  }

  /** What a consumer does for a frame, ms: slow for a while, quick for a while, and quick once it is calm. */
  pace(slowMs: number): () => Promise<void> {
    let isSlow = false;
    let turnsAtMs = 0;
    return async () => {
      if (this.calm.aborted) return;
      const nowMs = performance.now();
      if (nowMs >= turnsAtMs) {
        isSlow = !isSlow;
        turnsAtMs = nowMs + this.chance.between(2_000, isSlow ? 6_000 : 20_000);
      }
      if (isSlow) await this.pause(this.chance.between(0, 2 * slowMs));
    };
  }

  get #common() {
    return {
      registry: this.registry,
      reconnectDelaySeconds: 0.2,
      maxReconnectDelaySeconds: 2,
    };
  }

  /** Of an account each: what throttles one camera's calls is nothing to the others. */
  #credentials(name: SoakCameraName): { accessKeyId: string; secretAccessKey: string } {
    return { accessKeyId: `AKIDSOAK${soakCameraNames.indexOf(name)}`, secretAccessKey: 'not-a-secret' };
  }
}
