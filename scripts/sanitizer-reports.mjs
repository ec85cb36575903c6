// What the sanitizers report, and which of it is about our code: beside node and libav, which are built without them,
// ThreadSanitizer sees accesses and locks of others but not the atomics by which they are ordered.

/** A paragraph of a race that tells one of its two accesses, e.g. "  Previous atomic write of size 8 at …". */
const ACCESS = /^ {2}(?:Previous )?(?:atomic )?(?:read|write) of size /i;
/** Where a frame's code is, e.g. "(libc.so.6+0x9e9a9)". */
const MODULE = /\((?:[^()]*\/)?([^()/]+)\+0x[0-9a-f]+\)/;
/** The sanitizer's interceptors and what they stand in for: their frame says what was done, not who did it. */
const RUNTIME = /^lib(?:tsan|c|m|pthread|stdc\+\+|gcc_s)[.-]/;
/** The addon, a native test, a replay of the fuzzers' inputs. */
const OUR_MODULE = /^(?:kvs_frames\.node|\w+_(?:test|replay))$/;
const KIND = /(?:WARNING|ERROR|FATAL): ThreadSanitizer: (.*)/;
const LIBAV = /^lib(?:av|sw)\w+[.-]/;
const FREES = /^ *#0 (?:free|realloc|operator delete)/;

const moduleOf = (frame) => MODULE.exec(frame)?.[1] ?? '';

const isOurFrame = (frame, tree) => frame.includes(`${tree}/`) || OUR_MODULE.test(moduleOf(frame));

/** The frames of a paragraph, innermost first. */
const framesOf = (paragraph) => paragraph.split('\n').filter((line) => /^ *#\d+ /.test(line));

/** The frame that made an access, itself or by a function of the runtime: ours, or node's or libav's. */
const doerOf = (access) => framesOf(access).find((frame) => !RUNTIME.test(moduleOf(frame))) ?? '';

/**
 * Whether a race is about the memory of an ArrayBuffer while it lives, as a ring's slots are: JavaScript gives a slot back
 * by an atomic of compiled JavaScript, which ThreadSanitizer does not see. In the native tests slots are given
 * back by atomics that it does see. Freed under a reader or a writer, it counts.
 */
function isHandedOverInJavaScript(paragraphs, accesses) {
  const location = paragraphs.find((paragraph) => paragraph.startsWith('  Location is heap block'));
  const allocator = location === undefined ? [] : framesOf(location);
  return (
    allocator.some((frame) => frame.includes('ArrayBufferAllocator')) &&
    !accesses.some((access) => framesOf(access).some((frame) => FREES.test(frame)))
  );
}

/**
 * Whether a report is about our code. Those of AddressSanitizer and UndefinedBehaviorSanitizer always are. A data race
 * is when one of the two accesses is ours: who made the memory or the threads does not matter. The other must not be
 * libav's own: its threads hand pictures over by atomics. All else of ThreadSanitizer is when a frame of ours is anywhere in it.
 *
 * `tree`: the folder with the sources that were built.
 */
export function isOurs(report, tree) {
  const kind = KIND.exec(report)?.[1];
  if (kind === undefined) return true;
  if (!kind.startsWith('data race')) return report.split('\n').some((line) => isOurFrame(line, tree));
  const paragraphs = report.replace(/^[^]*?ThreadSanitizer:.*\n/, '').split(/\n\n/);
  const accesses = paragraphs.filter((paragraph) => ACCESS.test(paragraph));
  const doers = accesses.map(doerOf);
  return (
    doers.some((frame) => isOurFrame(frame, tree)) &&
    !doers.some((frame) => LIBAV.test(moduleOf(frame))) &&
    !isHandedOverInJavaScript(paragraphs, accesses)
  );
}

/** The reports in what one process wrote. ThreadSanitizer sets each between two lines; of the others it is one text. */
export function reportsIn(text) {
  if (!text.includes('ThreadSanitizer:')) return text.trim() === '' ? [] : [text];
  return text.split(/^={10,}$/m).filter((report) => KIND.test(report));
}
