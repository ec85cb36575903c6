import { HlsStreamError } from '../errors.js';
import type { Variant } from './playlist.js';

/** Upper bounds of the variant that is read. */
export interface VariantLimits {
  /** Lines of the picture. Default: none. */
  maxHeight?: number;
  /** Peak bits per second. Default: none. */
  maxBandwidth?: number;
}

/** Codecs that the engine decodes, as RFC 6381 spells them: H.264 and H.265, parameter sets in or out of band. */
const VIDEO_CODEC = /^(avc1|avc3|hvc1|hev1)(\.|$)/;

function isDecodable(variant: Variant): boolean {
  return variant.codecs === null || variant.codecs.some((codec) => VIDEO_CODEC.test(codec));
}

function pixels(variant: Variant): number {
  return (variant.width ?? 0) * (variant.height ?? 0);
}

/**
 * The best variant that can be decoded: highest resolution, then bandwidth, not above the limits; the lowest if all are.
 * A variant without `CODECS` is taken for video, one without `RESOLUTION` for not too high. KVS always has exactly one.
 *
 * @throws HlsStreamError `HLS_UNSUPPORTED` if none is H.264 or H.265 video
 */
export function chooseVariant(variants: readonly Variant[], limits: VariantLimits = {}): Variant {
  const { maxHeight = Infinity, maxBandwidth = Infinity } = limits;
  const ranked = variants
    .filter(isDecodable)
    .sort((a, b) => pixels(b) - pixels(a) || b.bandwidth - a.bandwidth);
  const chosen =
    ranked.find(({ height, bandwidth }) => (height ?? 0) <= maxHeight && bandwidth <= maxBandwidth) ??
    ranked.at(-1);
  if (chosen === undefined) {
    const codecs = [...new Set(variants.flatMap((variant) => variant.codecs ?? []))].join(', ').slice(0, 200);
    throw new HlsStreamError(
      'HLS_UNSUPPORTED',
      `None of the ${variants.length} variants is H.264 or H.265 video; their codecs: ${codecs || 'none'}`,
      { resource: 'master' },
    );
  }
  return chosen;
}
