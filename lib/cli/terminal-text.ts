/** What a terminal shows in two columns: East Asian wide and fullwidth characters, and pictographs. */
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
/** What would move the cursor, change colours or the order of what is shown; lone surrogates and line breaks too. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const segmenter = new Intl.Segmenter();

const columnsOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);

/** The text in one line, without what a terminal would obey: names come from outside. */
export function printable(text: string): string {
  return text.replace(UNSEEN, '');
}

/** Columns that a printable text takes on a terminal. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOf(segment);
  return columns;
}

/** As much of a printable text as fits; what is cut ends with `…`. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let shown = '';
  let left = columns - 1;
  for (const { segment } of segmenter.segment(text)) {
    left -= columnsOf(segment);
    if (left < 0) break;
    shown += segment;
  }
  return columns < 1 ? '' : `${shown}…`;
}
