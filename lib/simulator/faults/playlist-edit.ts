import type { ListedFragment, Listing, ListingWindow } from '../listing.js';

/** What is wrong with a media playlist: with the entries it has, or with its text. */
export type PlaylistEdit = WindowEdit | TextEdit;

export type WindowEdit =
  /** Always as it was when the row first took effect. */
  | { readonly type: 'stands-still' }
  /** As it was so long ago. */
  | { readonly type: 'older'; readonly byMs: number }
  /** Without one fragment, counted as in conditions; those behind it move up. */
  | { readonly type: 'skips'; readonly fragment: number }
  /** Only the newest so many. */
  | { readonly type: 'shortened'; readonly entries: number }
  | { readonly type: 'no-entries' }
  /** One fragment, counted as in conditions, is there twice in a row. */
  | { readonly type: 'repeats'; readonly fragment: number }
  /** One fragment, counted as in conditions, is listed late: behind the one behind it. */
  | { readonly type: 'swaps'; readonly fragment: number }
  /** Dates are wrong by so much. */
  | { readonly type: 'dates-off'; readonly byMs: number }
  /** Dates count from 1970 instead of from now. */
  | { readonly type: 'dates-1970' };

export type TextEdit =
  | { readonly type: 'text-empty' }
  | { readonly type: 'text-garbled' }
  | { readonly type: 'text-html' }
  /** Right, but 6 MiB longer by comments: more than a reader takes. */
  | { readonly type: 'text-huge' }
  /** Ends in the middle of its last fragment's URL. */
  | { readonly type: 'text-truncated' }
  | { readonly type: 'no-dates' }
  | { readonly type: 'no-map' }
  /** The init section's URL does not number it. */
  | { readonly type: 'map-unnumbered' }
  | { readonly type: 'endlist' };

/** An edit, and what it is counted from. */
export interface PlacedEdit {
  readonly edit: PlaylistEdit;
  /** Unix ms at which its row first took effect on the stream. */
  readonly sinceMs: number;
  /** Index in the stream of the fragment that the script calls 0. */
  readonly firstIndex: number;
  /** Called when a playlist shows it. */
  readonly shown: () => void;
}

/**
 * What an edit is about is in a window. Edits of one fragment go on for ever, since the numbers behind it have moved, but
 * once it has left the window nobody sees them.
 */
export function isShown({ entries }: ListingWindow, { edit, firstIndex }: PlacedEdit): boolean {
  switch (edit.type) {
    case 'skips':
    case 'repeats':
    case 'swaps':
      return entries.some(({ fragment }) => fragment.index === firstIndex + edit.fragment);
    case 'map-unnumbered':
      return new Set(entries.map((entry) => entry.initSequence)).size > 1;
    default:
      return true;
  }
}

/** The window with an edit; the same one for edits of the text. */
export function editWindow(
  window: ListingWindow,
  { edit, sinceMs, firstIndex }: PlacedEdit,
  listing: Pick<Listing, 'asOf'>,
  nowMs: number,
): ListingWindow {
  const { entries } = window;
  switch (edit.type) {
    case 'stands-still':
      return listing.asOf(sinceMs);
    case 'older':
      return listing.asOf(nowMs - edit.byMs);
    case 'shortened':
      return { ...window, entries: entries.slice(-edit.entries) };
    case 'no-entries':
      return { ...window, entries: [] };
    case 'skips':
      return { ...window, entries: without(entries, firstIndex + edit.fragment) };
    case 'repeats':
      return { ...window, entries: twice(entries, firstIndex + edit.fragment) };
    case 'swaps':
      return { ...window, entries: swapped(entries, firstIndex + edit.fragment) };
    case 'dates-off':
      return { ...window, entries: entries.map((entry) => moved(entry, edit.byMs)) };
    case 'dates-1970':
      return { ...window, entries: entries.map((entry) => moved(entry, -sinceMs)) };
    default:
      return window;
  }
}

const moved = (entry: ListedFragment, byMs: number): ListedFragment => ({
  ...entry,
  startMs: entry.startMs + byMs,
});

const numberedOn = (entries: readonly ListedFragment[], by: number): ListedFragment[] =>
  entries.map((entry) => ({ ...entry, sequence: entry.sequence + by }));

function without(entries: readonly ListedFragment[], index: number): readonly ListedFragment[] {
  const behind = entries.findIndex((entry) => entry.fragment.index > index);
  if (behind < 0) return entries.filter((entry) => entry.fragment.index !== index);
  const [next, ...rest] = numberedOn(entries.slice(behind), -1) as [ListedFragment, ...ListedFragment[]];
  const before = entries.slice(0, behind).filter((entry) => entry.fragment.index !== index);
  const isBehindHole = next.fragment.index === index + 1;
  return [...before, isBehindHole ? { ...next, isDiscontinuous: true } : next, ...rest];
}

function twice(entries: readonly ListedFragment[], index: number): readonly ListedFragment[] {
  const before = entries.filter((entry) => entry.fragment.index < index);
  const same = entries.filter((entry) => entry.fragment.index === index);
  const after = entries.filter((entry) => entry.fragment.index > index);
  return [...before, ...same, ...numberedOn([...same, ...after], 1)];
}

function swapped(entries: readonly ListedFragment[], index: number): readonly ListedFragment[] {
  const at = entries.findIndex((entry) => entry.fragment.index === index);
  const first = entries[at];
  const second = entries[at + 1];
  if (first === undefined) return entries;
  // What was listed is never moved again: the first one comes with the second.
  if (second === undefined) return entries.slice(0, at);
  const copy = [...entries];
  copy[at] = { ...second, sequence: first.sequence };
  copy[at + 1] = { ...first, sequence: second.sequence };
  return copy;
}

const hugeBytes = 6 * 2 ** 20;
const html =
  '<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head>' +
  '<body><h1>Please accept the terms of use</h1></body></html>\n';

/** The text with an edit; the same text for edits of the window. */
export function editText(text: string, { edit }: PlacedEdit): string {
  switch (edit.type) {
    case 'text-empty':
      return '';
    case 'text-garbled':
      // Deterministic, and no playlist: every character moved by a varying distance.
      return [...text]
        .map((char, n) => String.fromCharCode(33 + ((char.charCodeAt(0) + n * 7) % 93)))
        .join('');
    case 'text-html':
      return html;
    case 'text-huge':
      return text + `# ${'-'.repeat(97)}\n`.repeat(Math.ceil(hugeBytes / 100));
    case 'text-truncated':
      return text.slice(0, text.lastIndexOf('SessionToken=') + 40);
    case 'no-dates':
      return withoutLines(text, '#EXT-X-PROGRAM-DATE-TIME');
    case 'no-map':
      return withoutLines(text, '#EXT-X-MAP');
    case 'map-unnumbered':
      return text.replace(/(#EXT-X-MAP:.*)&SequenceNumber=\d+/g, '$1');
    case 'endlist':
      return `${text}#EXT-X-ENDLIST\n`;
    default:
      return text;
  }
}

function withoutLines(text: string, tag: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(tag))
    .join('\n');
}
