import { HlsStreamError } from '../errors.js';
import type { Variant } from './playlist.js';

/** What the variant that is read has to suit. */
export interface VariantLimits {
  /** Lines of the picture, at most. Default: any. */
  maxHeight?: number;
  /** Peak bits per second, at most. Default: any. */
  maxBandwidth?: number;
  /** Pixels that are of use: nothing is gained by a variant that is larger than needed for them. Default: all. */
  wantedWidth?: number;
  wantedHeight?: number;
  /** Whether a variant must not be smaller in both directions, or in one: that is enough for a picture that is fitted into the
   *  wanted size as a whole. Default `both`. */
  wantedSides?: 'both' | 'one';
  /** The bandwidth has no say: the variant that suits the size is read for as long as it can be had. Default `false`. */
  keepVariant?: boolean;
}

/** The variants of a master playlist that can be read. No URL is in it twice. */
export interface Ladder {
  /** Those that the bandwidth chooses among, best first; each needs less than the one before. Never empty. */
  readonly steps: readonly Variant[];
  /** Those that are read only where no step can be had, best first. */
  readonly spares: readonly Variant[];
}

/** Codecs that the engine decodes, as RFC 6381 spells them: H.264 and H.265, parameter sets in or out of band. */
const VIDEO_CODEC = /^(avc1|avc3|hvc1|hev1)(\.|$)/;

function isDecodable(variant: Variant): boolean {
  return variant.codecs === null || variant.codecs.some((codec) => VIDEO_CODEC.test(codec));
}

function pixels(variant: Variant): number {
  return (variant.width ?? 0) * (variant.height ?? 0);
}

function byQuality(a: Variant, b: Variant): number {
  return pixels(b) - pixels(a) || b.bandwidth - a.bandwidth;
}

/** One of each URL: masters name a variant once for each group of audio that goes with it. */
function distinct(variants: readonly Variant[]): Variant[] {
  const byUrl = new Map<string, Variant>();
  for (const variant of variants) {
    const same = byUrl.get(variant.url);
    if (same === undefined || variant.bandwidth < same.bandwidth) byUrl.set(variant.url, variant);
  }
  return [...byUrl.values()];
}

/** Whether nothing would be gained by a larger one. One of unknown size may be too small. */
function suffices({ width, height }: Variant, limits: VariantLimits): boolean {
  const { wantedWidth = 0, wantedHeight = 0, wantedSides = 'both' } = limits;
  const sides = [
    { wanted: wantedWidth, is: width },
    { wanted: wantedHeight, is: height },
  ].filter(({ wanted }) => wanted > 0);
  const isEnough = ({ wanted, is }: (typeof sides)[number]): boolean => is !== null && is >= wanted;
  return sides.length > 0 && (wantedSides === 'one' ? sides.some(isEnough) : sides.every(isEnough));
}

/** Index of the smallest that suffices, of several the one of most bandwidth; of the largest if none does. */
function bestOf(ranked: readonly Variant[], limits: VariantLimits): number {
  const smallest = ranked.findLast((variant) => suffices(variant, limits));
  return smallest === undefined ? 0 : ranked.findIndex((other) => pixels(other) === pixels(smallest));
}

/** Sample entries that have a name, with a profile (RFC 6381); another one might be anything, also the session's token. */
const KNOWN_CODECS =
  /^(?:avc[1-4]|hvc1|hev1|dvh[1e]|dva[v1]|vvc1|vvi1|vp08|vp09|vp8|vp9|av01|mp4v|mp4a|ac-3|ac-4|ec-3|opus|flac|stpp|wvtt)(?:\.\w{1,6}){0,9}$/i;

/**
 * Ranks the variants that can be decoded: highest resolution first, then bandwidth. The first step is the one that suits the
 * limits best; if none keeps them, it is the lowest of all.
 *
 * A variant without `CODECS` is taken for video, one without `RESOLUTION` for not too high. KVS always has exactly one.
 *
 * @throws HlsStreamError `HLS_UNSUPPORTED` if none is H.264 or H.265 video
 */
export function ladderOf(variants: readonly Variant[], limits: VariantLimits = {}): Ladder {
  const { maxHeight = Infinity, maxBandwidth = Infinity } = limits;
  const ranked = distinct(variants.filter(isDecodable)).sort(byQuality);
  if (ranked.length === 0) {
    const codecs = [...new Set(variants.flatMap((variant) => variant.codecs ?? []))]
      .filter((codec) => KNOWN_CODECS.test(codec))
      .join(', ')
      .slice(0, 200);
    throw new HlsStreamError(
      'HLS_UNSUPPORTED',
      `None of the ${variants.length} variants is H.264 or H.265 video; their codecs: ${codecs || 'none that is known'}`,
      { resource: 'master' },
    );
  }
  const allowed = ranked.filter(
    ({ height, bandwidth }) => (height ?? 0) <= maxHeight && bandwidth <= maxBandwidth,
  );
  const usable = allowed.length === 0 ? ranked.slice(-1) : allowed.slice(bestOf(allowed, limits));
  const steps: Variant[] = [];
  for (const variant of usable) {
    const isFirst = steps.length === 0;
    if (isFirst || (!limits.keepVariant && variant.bandwidth < steps.at(-1)!.bandwidth)) steps.push(variant);
  }
  const more = ranked.filter((variant) => !steps.includes(variant));
  const isLower = (variant: Variant): boolean => usable.includes(variant);
  return { steps, spares: [...more.filter(isLower), ...more.filter((other) => !isLower(other)).reverse()] };
}

/** What tells a variant from the others whatever token its URL bears today. */
export function variantKey({ url, bandwidth, width, height }: Variant): string {
  return `${new URL(url).pathname} ${bandwidth} ${width ?? ''}x${height ?? ''}`;
}

/** As a log names it. */
export function variantName({ width, height, bandwidth }: Variant): string {
  const size = width === null || height === null ? 'of unknown size' : `${width}x${height}`;
  return `${size}, ${Math.round(bandwidth / 1000)} kb/s`;
}
