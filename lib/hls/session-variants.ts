import type { Clock } from '../clock.js';
import { HlsStreamError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Session } from '../session/provider.js';
import type { Download } from './bandwidth.js';
import type { VariantInfo } from './fragment.js';
import { isThrottled } from './failure.js';
import type { Variant } from './playlist.js';
import { variantKey, variantName, type Ladder } from './variant.js';
import type { VariantChoice } from './variant-choice.js';

export interface VariantDependencies {
  choice: VariantChoice;
  clock: Clock;
  logger: Logger;
}

/** How long a variant that can't be read is not asked for, in ms; less where the network may be to blame. */
const REFUSED_MS = 300_000;
const REFUSED_TRANSIENT_MS = 10_000;

/** Whether another variant may well be readable though one failed so. */
export function isVariantsFault(error: unknown): boolean {
  if (!(error instanceof HlsStreamError) || isThrottled(error)) return false;
  return !['HLS_SESSION_EXPIRED', 'HLS_NETWORK', 'HLS_TIMEOUT'].includes(error.code);
}

/** The variants of one session, and which of them a track reads. */
export class SessionVariants {
  readonly #session: Session;
  readonly #with: VariantDependencies;
  readonly #ladder: Ladder | null;
  /** What the master playlist says of the list that is read; `null` where there is no master. */
  readonly variant: Variant | null;
  /** What is told of it with each fragment. */
  readonly info: VariantInfo | null;

  constructor(
    session: Session,
    dependencies: VariantDependencies,
    read?: { ladder: Ladder; variant: Variant },
  ) {
    this.#session = session;
    this.#with = dependencies;
    this.#ladder = read?.ladder ?? null;
    this.variant = read?.variant ?? null;
    const { bandwidth, width, height } = read?.variant ?? { bandwidth: 0, width: null, height: null };
    this.info = read === undefined ? null : { bandwidth, width, height };
  }

  /** The same session's, another being read. */
  other(variant: Variant): SessionVariants {
    return new SessionVariants(this.#session, this.#with, { ladder: this.#ladder!, variant });
  }

  /** Names the numbering of the list: the session, and the variant if there are several. */
  get feed(): string {
    const { url } = this.#session;
    return this.variant === null || !this.areSeveral ? url : `${url}\n${variantKey(this.variant)}`;
  }

  /** Whether the bandwidth has anything to choose among. */
  get areSteps(): boolean {
    return (this.#ladder?.steps.length ?? 0) > 1;
  }

  /** Those not in use, in the order in which they are to be tried. */
  others(): Variant[] {
    if (this.#ladder === null) return [];
    const ordered = this.#with.choice.order(this.#ladder, this.#with.clock.monotonic());
    return ordered.filter((variant) => variant !== this.variant);
  }

  /** This one is the one that is followed from now on; `why` not the one before. */
  use(why: string): void {
    const { choice, clock, logger } = this.#with;
    if (this.#ladder === null || this.variant === null) return;
    const before = choice.current;
    choice.use(this.#ladder, this.variant, clock.monotonic());
    if (!this.areSeveral) return;
    const now = `Session ${this.#session.id} reads variant ${variantName(this.variant)}`;
    if (before === null) logger.info(`${now}, which suits the wanted size; nothing is measured yet`);
    else if (variantKey(before) !== variantKey(this.variant)) {
      const measured = choice.bandwidth === null ? 'nothing' : `${Math.round(choice.bandwidth / 1000)} kb/s`;
      logger.info(`${now} instead of ${variantName(before)}: ${why}; measured: ${measured}`);
    }
  }

  /** A variant can't be read, or does not fit the others. */
  refuse(error: unknown, variant = this.variant): void {
    const { choice, clock, logger } = this.#with;
    if (variant === null) return;
    const forMs = isVariantsFault(error) ? REFUSED_MS : REFUSED_TRANSIENT_MS;
    choice.refuse(variant, clock.monotonic(), forMs);
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn(
      `Session ${this.#session.id}: variant ${variantName(variant)} is left alone for ${forMs / 1000} s: ${reason}`,
    );
  }

  /** A fragment was fetched, or given up as too slow. */
  onDownload(download: Download): void {
    if (this.#isInUse) this.#with.choice.onDownload(download);
  }

  /** As {@link VariantChoice.isTooSlow}. */
  isTooSlow(download: Download, totalBytes: number | null): boolean {
    const { choice, clock } = this.#with;
    return this.#isInUse && choice.isTooSlow(download, totalBytes, clock.monotonic());
  }

  get #isInUse(): boolean {
    return this.variant !== null && this.#with.choice.current === this.variant;
  }

  /** Whether there are others. */
  get areSeveral(): boolean {
    const { steps = [], spares = [] } = this.#ladder ?? {};
    return steps.length + spares.length > 1;
  }
}
