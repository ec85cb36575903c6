import type { Logger } from '../logger.js';
import type { SourceReading } from './reading.js';
import { addedUp, single, type Sample } from './samples.js';
import { seriesTable } from './series.js';
import { redact } from '../redact.js';

/** What each series shows, in the order of the table of series. */
export type Numbers = readonly (readonly Sample[])[];

/** A source that is shown in a registry. */
export interface PublishedSource {
  read: () => SourceReading;
  logger: Logger;
}

const nothing: Numbers = seriesTable.map(() => []);

/** Counters and histograms add up; gauges are the later source's. */
const merged = (earlier: Numbers, later: Numbers): Numbers =>
  seriesTable.map(({ kind }, at) => (kind === 'gauge' ? later[at]! : addedUp(earlier[at]!, later[at]!)));

/**
 * What is shown under one `camera_id`: its live sources, and the sum of those that ended. However many these were, the sum is
 * of the size of one.
 */
export class CameraAccount {
  readonly #cameraId: string;
  /** The newest reading of each live source that could be had. */
  readonly #readings = new Map<PublishedSource, SourceReading | null>();
  #ended = nothing;
  #failures = 0;

  constructor(cameraId: string) {
    this.#cameraId = cameraId;
  }

  get liveSources(): number {
    return this.#readings.size;
  }

  begin(source: PublishedSource): void {
    this.#readings.set(source, null);
  }

  /** It is not read any more, once it was now. */
  end(source: PublishedSource): void {
    this.#ended = merged(this.#ended, this.#numbersOf(source));
    this.#readings.delete(source);
  }

  /** Reads each live source, once. The last row counts those readings that failed. */
  numbers(): Numbers {
    const sources = [...this.#readings.keys()];
    const sum = sources.reduce((earlier, source) => merged(earlier, this.#numbersOf(source)), this.#ended);
    return [...sum, single(this.#failures)];
  }

  /** One source that can't be read must not hide the others: it shows what it did before, and that is counted. */
  #numbersOf(source: PublishedSource): Numbers {
    try {
      const reading = source.read();
      const numbers = seriesTable.map((series) => series.read(reading));
      this.#readings.set(source, reading);
      return numbers;
    } catch (error) {
      this.#failures += 1;
      source.logger.warn(`${this.#cameraId}: its metrics could not be read: ${redact(String(error))}`);
      const last = this.#readings.get(source) ?? null;
      return last === null ? nothing : seriesTable.map((series) => series.read(last));
    }
  }
}
