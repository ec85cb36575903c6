import type { Metric, Registry, RegistryContentType } from 'prom-client';
import { ConfigError } from '../errors.js';
import { silentLogger, type Logger } from '../logger.js';
import { CameraAccount, type Numbers, type PublishedSource } from './camera-account.js';
import type { SourceReading } from './reading.js';
import { allSeries } from './series.js';
import { isLeftBehind, ShownMetric, type CameraSamples } from './shown-metric.js';

/** One of either content type. */
export type AnyRegistry = Registry<RegistryContentType>;

/** The sources that are shown in one registry, in one set of series. They are read when the registry is scraped. */
class RegistryMetrics {
  readonly #registry: AnyRegistry;
  readonly #cameras = new Map<string, CameraAccount>();
  readonly #metrics = allSeries.map(
    (series, at) =>
      new ShownMetric(
        series,
        () => this.#samples(at),
        () => this.#cameras.size === 0,
      ),
  );
  /** All that the scrape of this turn shows. */
  #scrape: ReadonlyMap<string, Numbers> | undefined;

  constructor(registry: AnyRegistry) {
    this.#registry = registry;
    this.#register();
  }

  /** Shows a source. The answered function ends that. Throws `ConfigError`; then nothing was changed. */
  publish(cameraId: string, source: PublishedSource): (keep: boolean) => void {
    this.#register();
    const account = this.#cameras.get(cameraId) ?? new CameraAccount(cameraId);
    this.#cameras.set(cameraId, account);
    account.begin(source);
    this.#scrape = undefined;
    let state: 'live' | 'kept' | 'gone' = 'live';
    return (keep) => {
      if (state === 'gone' || (state === 'kept' && keep)) return;
      // While another source of the camera lives its counters must not fall, whatever becomes of this one's.
      const isNeeded = account.liveSources > (state === 'live' ? 1 : 0);
      if (state === 'live' && (keep || isNeeded)) account.end(source);
      if (!keep && !isNeeded && this.#cameras.get(cameraId) === account) this.#cameras.delete(cameraId);
      state = keep ? 'kept' : 'gone';
      this.#scrape = undefined;
    };
  }

  /** Once; and again where the program cleared the registry. Single metrics that it removed stay away. What another copy of this
   *  package has left there without a camera goes. */
  #register(): void {
    const there = allSeries.map(({ name }) => this.#registry.getSingleMetric(name) as unknown);
    if (this.#metrics.some((metric, at) => there[at] === metric)) return;
    const isTaken = (metric: unknown): boolean => metric !== undefined && !isLeftBehind(metric);
    const taken = allSeries.filter((_, at) => isTaken(there[at])).map(({ name }) => name);
    if (taken.length > 0) {
      throw new ConfigError(
        `Expected a registry without metrics named kvs_hls_… but received one that has ${taken.join(', ')}: give ` +
          'the source a `registry` of its own, or rename those metrics. (Two copies of this package can not share ' +
          'a registry while both have sources.)',
      );
    }
    for (const { name } of allSeries) this.#registry.removeSingleMetric(name);
    for (const metric of this.#metrics) this.#registry.registerMetric(metric as unknown as Metric);
  }

  *#samples(at: number): CameraSamples {
    for (const [cameraId, numbers] of this.#scraped()) yield [cameraId, numbers[at]!];
  }

  /** A registry asks one metric after the other within one turn: sources are read for the first. */
  #scraped(): ReadonlyMap<string, Numbers> {
    if (this.#scrape === undefined) {
      this.#scrape = new Map([...this.#cameras].map(([id, account]) => [id, account.numbers()]));
      queueMicrotask(() => (this.#scrape = undefined));
    }
    return this.#scrape;
  }
}

const byRegistry = new WeakMap<AnyRegistry, RegistryMetrics>();

/**
 * Shows a source in a registry under `camera_id`; `read` is called once a scrape. Counters and histograms of several sources of
 * one camera add up, gauges are the later one's. The answered function ends it: with `keep` the last values stay, and a later
 * source of the camera counts on from them; without, the camera's series go with its last live source. Called once more without, it
 * lets go of what it had kept. `logger` is told of readings that failed. Throws `ConfigError` where the registry has other metrics of these names.
 */
export function publishSource(
  cameraId: string,
  read: () => SourceReading,
  registry: AnyRegistry,
  logger: Logger = silentLogger,
): (keep: boolean) => void {
  const metrics = byRegistry.get(registry) ?? new RegistryMetrics(registry);
  byRegistry.set(registry, metrics);
  return metrics.publish(cameraId, { read, logger });
}
