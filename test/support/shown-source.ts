import type { Registry } from 'prom-client';
import { silentLogger } from '../../lib/logger';
import type { SourceReading } from '../../lib/metrics/reading';
import { publishSource, type AnyRegistry } from '../../lib/metrics/registry-metrics';
import { newReading } from './source-reading';

/** A source that is not there: what it shows can be set. */
export class FakeSource {
  reading = newReading();
  reads = 0;
  readonly unpublish: (keep?: boolean) => void;

  constructor(cameraId: string, registry: AnyRegistry, { keep = false, logger = silentLogger } = {}) {
    const read = (): SourceReading => {
      this.reads += 1;
      return this.reading;
    };
    const end = publishSource(cameraId, read, registry, logger);
    this.unpublish = (keeps = keep) => end(keeps);
  }

  show(changes: Partial<SourceReading>): void {
    this.reading = { ...this.reading, ...changes };
  }
}

/** Lines of one metric, by what is before the value. */
export async function linesOf(registry: Registry, name: string): Promise<Record<string, number>> {
  const lines = (await registry.metrics())
    .split('\n')
    .filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(name.length, at), Number(line.slice(at))];
    }),
  );
}
