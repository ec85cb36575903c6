/** How the pixels of `frame.data` are laid out; `OutputOptions.format` describes each. */
export type PixelFormat = 'bgr24' | 'rgb24' | 'gray8' | 'nv12' | 'i420' | 'rgb-chw' | 'bgr-chw';

/** How an access unit's NAL units are told apart in `frame.data`. */
export type Framing = 'annexb' | 'avcc';

/** A part of a picture: left, top and size, in its pixels, with fractions. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One number each for red, green and blue. */
export type Colour = readonly [number, number, number];

/** How frames of one form lie in their slots. */
export interface FrameLayout {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat | Framing;
  /** Of the numbers in `frame.tensor`. */
  readonly dataType: 'uint8' | 'float32' | 'float16';
  /** Bytes from row to row of the first plane; 0 for access units. */
  readonly stride: number;
  /** The camera's picture, in pixels. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** The part of the camera's picture that is shown. */
  readonly source: Box;
  /** Where it is shown; the rest of the frame is padding. */
  readonly picture: Box;
  /** What the samples of `nv12` and `i420` mean: MatrixCoefficients of ITU-T H.273 (1: BT.709, 5 and 6: BT.601), and the range. */
  readonly yuv?: { readonly matrix: number; readonly fullRange: boolean };
  /** Of the `-chw` formats: value = level × factor + offset for red, green, blue; the level is 0–255. */
  readonly levels?: { readonly factor: Colour; readonly offset: Colour };
}

/** From the frame's coordinates to the camera's; x and y are continuous: a pixel's centre is at + 0.5. */
export function toSource({ source, picture }: FrameLayout, x: number, y: number): { x: number; y: number } {
  return {
    x: source.x + ((x - picture.x) * source.width) / picture.width,
    y: source.y + ((y - picture.y) * source.height) / picture.height,
  };
}

/** Likewise a box, which may reach beyond the picture. */
export function boxToSource({ source, picture }: FrameLayout, box: Box): Box {
  const scaleX = source.width / picture.width;
  const scaleY = source.height / picture.height;
  return {
    x: source.x + (box.x - picture.x) * scaleX,
    y: source.y + (box.y - picture.y) * scaleY,
    width: box.width * scaleX,
    height: box.height * scaleY,
  };
}

/** The shape of `frame.tensor`: rows, columns, channels for packed formats, channels first for planar ones. */
export function shapeOf({ format, width, height }: FrameLayout, bytes: number): readonly number[] {
  switch (format) {
    case 'bgr24':
    case 'rgb24':
      return [height, width, 3];
    case 'rgb-chw':
    case 'bgr-chw':
      return [3, height, width];
    case 'gray8':
      return [height, width];
    default:
      return [bytes];
  }
}
