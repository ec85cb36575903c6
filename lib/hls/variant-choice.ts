import {
  bandwidthAfter,
  bitsPerSecond,
  UNKNOWN_BANDWIDTH,
  type Bandwidth,
  type Download,
} from './bandwidth.js';
import type { Variant } from './playlist.js';
import { variantKey, type Ladder } from './variant.js';

/** Of the measured bandwidth a variant that is entered may need this part: hls.js goes up at the same. */
const ENTRY_SHARE = 0.7;
/** A variant that is read is left when it needs more than this part. */
const STAY_SHARE = 0.95;
/** Between a switch and one up, at least, in ms. Doubled each time that an ascent did not last, up to the longest. */
const FIRST_HOLD_MS = 10_000;
const LONGEST_HOLD_MS = 600_000;
/** An ascent lasts if nothing drives it back within twice the hold, and this. */
const LASTING_MS = 60_000;
/** Fragments of the variant in use that must have been measured before one goes up. */
const MEASURED_BEFORE_UP = 2;
/** Refused variants that are remembered: more than a ladder has, however often a server thinks of other names. */
const MAX_REFUSED = 64;

/** Another variant that is to be read, and why. */
export interface Change {
  readonly to: Variant;
  readonly why: 'bandwidth rose' | 'bandwidth fell' | 'a fragment took too long' | 'it can be had again';
}

/**
 * Chooses the variant: the first that suits the wanted size to begin with, since until something is measured nothing speaks against
 * it (a host's link is rather fast, and a wrong guess costs one fragment's length), then what the measured bandwidth
 * carries. Decides and touches nothing; times are ms of the monotonic clock.
 */
export class VariantChoice {
  #ladder: Ladder | null = null;
  #current: Variant | null = null;
  #bandwidth: Bandwidth = UNKNOWN_BANDWIDTH;
  /** Bits per second of the variant in use, as measured; 0 if nothing was yet. */
  #actual = 0;
  #measured = 0;
  #isTooSlow = false;
  #holdMs = FIRST_HOLD_MS;
  #switchedMs = -Infinity;
  #wentUpMs = -Infinity;
  /** Until when a variant, by its key, is not read; the one refused last is last. */
  readonly #refused = new Map<string, number>();

  /** The variant in use. */
  get current(): Variant | null {
    return this.#current;
  }

  /** Bits per second, or `null` before the first download. */
  get bandwidth(): number | null {
    return bitsPerSecond(this.#bandwidth);
  }

  /** Whether there is anything to choose. */
  get isOpen(): boolean {
    return this.#ladder !== null && this.#ladder.steps.length + this.#ladder.spares.length > 1;
  }

  /**
   * The variants of a ladder in the order in which they are to be tried: the one in use if it is among them, else what the
   * bandwidth carries; then lower ones, then higher ones, spares, and at last those that were refused.
   */
  order({ steps, spares }: Ladder, nowMs: number): Variant[] {
    const key = this.#current && variantKey(this.#current);
    const same = steps.findIndex((variant) => variantKey(variant) === key);
    const first = same === -1 ? steps.indexOf(this.#carried(steps)) : same;
    const tried = [...steps.slice(first), ...steps.slice(0, first).reverse(), ...spares];
    const isRefused = (variant: Variant): boolean => this.#isRefused(variant, nowMs);
    return [...tried.filter((variant) => !isRefused(variant)), ...tried.filter(isRefused)];
  }

  /** A variant of this ladder is read from now on. */
  use(ladder: Ladder, variant: Variant, nowMs: number): void {
    const before = this.#current;
    this.#ladder = ladder;
    this.#current = variant;
    this.#isTooSlow = false;
    if (before !== null && variantKey(before) === variantKey(variant)) return;
    this.#actual = 0;
    this.#measured = 0;
    if (before === null) return;
    if (variant.bandwidth > before.bandwidth) this.#wentUpMs = nowMs;
    else if (nowMs - this.#wentUpMs < Math.max(LASTING_MS, 2 * this.#holdMs)) {
      this.#holdMs = Math.min(2 * this.#holdMs, LONGEST_HOLD_MS);
    } else this.#holdMs = FIRST_HOLD_MS;
    this.#switchedMs = nowMs;
  }

  /** A fragment of the variant in use was downloaded, or given up because it {@link isTooSlow}. */
  onDownload(download: Download): void {
    this.#bandwidth = bandwidthAfter(this.#bandwidth, download);
    this.#measured += 1;
    this.#isTooSlow = download.ms > download.mediaMs;
    const bits = download.bytes * 8;
    if (!this.#isTooSlow) this.#actual = Math.max(this.#actual * 0.8, (bits * 1000) / download.mediaMs);
  }

  /**
   * Whether a download under way is to be given up for the same fragment of a lower variant: it takes longer than the
   * fragment is, and the rest of it longer than that would.
   *
   * @param totalBytes as announced, or `null`
   */
  isTooSlow({ bytes, ms, mediaMs }: Download, totalBytes: number | null, nowMs: number): boolean {
    const current = this.#current;
    if (current === null || ms <= mediaMs) return false;
    const lowest = this.#below(nowMs).at(-1);
    if (lowest === undefined) return false;
    const allBits = totalBytes === null ? (current.bandwidth * mediaMs) / 1000 : totalBytes * 8;
    return allBits - bytes * 8 > (lowest.bandwidth * mediaMs) / 1000;
  }

  /** This variant can't be had, or does not fit the others: it is not asked for again for so long. */
  refuse(variant: Variant, nowMs: number, forMs: number): void {
    const key = variantKey(variant);
    this.#refused.delete(key);
    this.#refused.set(key, nowMs + forMs);
    for (const [other, untilMs] of this.#refused) {
      if (untilMs <= nowMs || this.#refused.size > MAX_REFUSED) this.#refused.delete(other);
    }
  }

  /** What to read instead, asked between two fragments; `null`: nothing else. */
  wish(nowMs: number): Change | null {
    const current = this.#current;
    const measured = this.bandwidth;
    if (current === null || !this.isOpen || this.#measured === 0) return null;
    const below = this.#below(nowMs);
    const lowest = below.at(-1);
    // Nothing has come of the first fragment.
    if (measured === null) {
      return this.#isTooSlow && lowest !== undefined ? { to: lowest, why: 'a fragment took too long' } : null;
    }
    // What is announced is a peak, and may be wrong either way.
    const needed =
      current.bandwidth > 0 ? Math.min(current.bandwidth, this.#actual || Infinity) : this.#actual;
    if (this.#isTooSlow || needed > STAY_SHARE * measured) {
      const to = below.find((variant) => this.#fits(variant, measured)) ?? lowest;
      const why = this.#isTooSlow ? 'a fragment took too long' : 'bandwidth fell';
      return to === undefined ? null : { to, why };
    }
    if (this.#measured < MEASURED_BEFORE_UP || nowMs - this.#switchedMs < this.#holdMs) return null;
    const isStep = this.#ladder!.steps.includes(current);
    const above = isStep ? this.#above(nowMs) : this.#steps(nowMs);
    const to = above.find((variant) => this.#fits(variant, measured));
    return to === undefined ? null : { to, why: isStep ? 'bandwidth rose' : 'it can be had again' };
  }

  #fits(variant: Variant, measured: number): boolean {
    const announced = this.#current?.bandwidth ?? 0;
    const understated = announced > 0 ? Math.max(1, this.#actual / announced) : 1;
    return variant.bandwidth * understated <= ENTRY_SHARE * measured;
  }

  /** The best step that the measured bandwidth carries. */
  #carried(steps: readonly Variant[]): Variant {
    const measured = this.bandwidth;
    if (measured === null) return steps[0]!;
    return steps.find(({ bandwidth }) => bandwidth <= ENTRY_SHARE * measured) ?? steps.at(-1)!;
  }

  /** Steps that need less than the variant in use, best first. */
  #below(nowMs: number): Variant[] {
    return this.#steps(nowMs).filter(({ bandwidth }) => bandwidth < (this.#current?.bandwidth ?? 0));
  }

  #above(nowMs: number): Variant[] {
    return this.#steps(nowMs).filter(({ bandwidth }) => bandwidth > (this.#current?.bandwidth ?? 0));
  }

  #steps(nowMs: number): Variant[] {
    return (this.#ladder?.steps ?? []).filter((variant) => !this.#isRefused(variant, nowMs));
  }

  #isRefused(variant: Variant, nowMs: number): boolean {
    return (this.#refused.get(variantKey(variant)) ?? -Infinity) > nowMs;
  }
}
