/**
 * How many tiles stand side by side: as many as there is room for, but so that rows are as even as can be.
 *
 * @param {number} count of tiles
 * @param {number} width of all of them, in px as all here
 * @param {number} least width of a tile
 * @param {number} gap between two
 */
export function columnsOf(count, width, least, gap) {
  const room = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const rows = Math.max(1, Math.ceil(count / room));
  return Math.max(1, Math.ceil(count / rows));
}
