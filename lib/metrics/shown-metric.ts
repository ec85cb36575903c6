import type { Sample } from './samples.js';
import type { SeriesDescription } from './series.js';

/** What a metric shows of each camera. */
export type CameraSamples = Iterable<readonly [cameraId: string, samples: readonly Sample[]]>;

/** One line of a scrape, as prom-client's registry takes it. */
interface Value {
  labels: Record<string, string | number>;
  value: number;
  /** Of a histogram's lines. */
  metricName?: string;
}

/** By that a copy of this package, of whatever version, knows the metrics of another, and whether they show any camera. */
const IS_IDLE = Symbol.for('kvs-frames.metric.isIdle');

/** Whether it is a metric of a copy of this package and shows nothing, as when the package was loaded again. */
export function isLeftBehind(metric: unknown): boolean {
  return (metric as { [IS_IDLE]?: () => boolean } | undefined)?.[IS_IDLE]?.() === true;
}

/**
 * A metric in the shape that prom-client's registry asks of its own: described, and got at each scrape. The Counter, Gauge and
 * Histogram that come with it keep values themselves, each under a key made of its labels; here nothing is to be kept, and
 * the buckets of that Histogram can't be set at all.
 */
export class ShownMetric {
  /** prom-client takes `_total` off it in a registry of the OpenMetrics kind, and puts it to each line. */
  name: string;
  readonly help: string;
  readonly type: SeriesDescription['kind'];
  readonly aggregator: NonNullable<SeriesDescription['aggregator']>;
  readonly [IS_IDLE]: () => boolean;
  readonly #samples: () => CameraSamples;

  constructor(series: SeriesDescription, samples: () => CameraSamples, isIdle: () => boolean) {
    this.name = series.name;
    this.help = series.help;
    this.type = series.kind;
    this.aggregator = series.aggregator ?? 'sum';
    this.#samples = samples;
    this[IS_IDLE] = isIdle;
  }

  /** Reads before it answers: a registry asks all its metrics in one turn. */
  async get(): Promise<Pick<ShownMetric, 'name' | 'help' | 'type' | 'aggregator'> & { values: Value[] }> {
    const { name, help, type, aggregator } = this;
    const values: Value[] = [];
    for (const [cameraId, samples] of this.#samples()) {
      for (const { labels, value, suffix } of samples) {
        const line: Value = { labels: { camera_id: cameraId, ...labels }, value };
        if (suffix !== undefined) line.metricName = name + suffix;
        values.push(line);
      }
    }
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  /** What sources count runs on, whatever is reset. */
  reset(): void {}
}
