/** What stands for a secret that was taken out. */
const HIDDEN = '…';

/** Ends of names whose value nobody may see. */
const NAMES =
  '(?:token|signature|credentials?|secret|passw(?:or)?d|passphrase|hmac|jwt|(?:api|access|private|secret)[-_]?key(?:[-_]?id)?)';
/** Names that are secret enough to hide what follows them in prose too: `AWS_SECRET_ACCESS_KEY: …`. */
const SURE_NAMES =
  '(?:secret[-_]?access[-_]?key|access[-_]?key[-_]?id|(?:session|security)[-_]?token|passw(?:or)?d)';
const VALUE = `[^\\s&,;"'\`<>()[\\]{}\\\\]+`;
/** What makes up tokens, also percent-encoded. */
const TOKEN = '[A-Za-z0-9+/_~=%-]';
/** A character of a secret access key, also percent-encoded, and where one may start: also behind another encoded character. */
const KEY = '(?:[A-Za-z0-9/+]|%(?:25)*2[BbFf])';
const KEY_START = '(?:(?<![A-Za-z0-9/+])|(?<=%(?:25)*(?!2[BbFf])[\\dA-Fa-f]{2}))';

const RULES: readonly [RegExp, string][] = [
  // JSON.parse quotes the text around the place, with whatever stands there, cut anywhere.
  [/(?:\.\.\.)?"[^]{0,80}?"(?:\.\.\.)?(?= is not valid JSON)/g, `"${HIDDEN}"`],
  // A whole header, since its parts go by many names; names and values of raw headers stand side by side.
  [/(\b(?:proxy-)?authorization["'`]?\s*[:=,]\s*["'`]?)[^\r\n"'`}]+/gi, `$1${HIDDEN}`],
  [/(\b(?:set-)?cookie["'`]?\s*[:=,]\s*["'`]?)[^\r\n"'`}]+/gi, `$1${HIDDEN}`],
  [/(\b(?:Bearer|Basic)\s+)(?=[\w.~+/=:-]*[\d=])[\w.~+/=:-]{8,}/gi, `$1${HIDDEN}`],
  // A value in quotes may have any character in it.
  [
    new RegExp(`(${NAMES}["'\`]?\\s*(?:=>|[:=,])\\s*)(["'\`])(?:(?!\\2)[^\\\\\\r\\n]|\\\\.)*`, 'gi'),
    `$1$2${HIDDEN}`,
  ],
  // In escaped JSON the quotes are escaped, too.
  [new RegExp(`(${NAMES}\\\\+"\\s*:\\s*\\\\+")[^"\\\\]*`, 'gi'), `$1${HIDDEN}`],
  [new RegExp(`(${NAMES}(?:[ \\t]{0,4}=[ \\t]{0,4}|%(?:25)*3D))${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // As tables and some clients print headers.
  [
    new RegExp(`(\\bx-amz-(?:security-token|signature|credential)["'\`]?[ \\t]{1,4})${VALUE}`, 'gi'),
    `$1${HIDDEN}`,
  ],
  [new RegExp(`(${SURE_NAMES}\\s*[:=]\\s*)${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // Of a query nothing is of use but short numbers; who signs URLs has names of their own for it.
  [/([?&](?:[\w.~-]|%5B|%5D)+=)(?!\d{1,20}(?![\w.~%+/-]))[^\s&"'`<>)\]}\\]+/gi, `$1${HIDDEN}`],
  [/(\/\/)[^\s/?#"'`<>]+@/g, `$1${HIDDEN}@`],
  [/(%2F%2F)(?:(?!%2F)[^\s/?#"'`<>])+%40/gi, `$1${HIDDEN}%40`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/g, HIDDEN],
  // A secret access key of AWS; a digest has no capitals.
  [
    new RegExp(
      `${KEY_START}(?=${KEY}{0,39}?\\d)(?=${KEY}{0,39}?[a-z])(?=${KEY}{0,39}?[A-Z])${KEY}{40}(?!${KEY})`,
      'g',
    ),
    HIDDEN,
  ],
];

/** Session tokens of KVS have 152 characters, those of AWS's credentials more. Comes last: it knows no borders. */
const LONG_TOKEN = new RegExp(
  `(?<!${TOKEN})(?=${TOKEN}*\\d)(?=${TOKEN}*[a-z])(?=${TOKEN}*[A-Z])${TOKEN}{100,}`,
  'g',
);
/** A word of a path: short, or letters with a number behind them. What is random has long words with digits in between. */
const PATH_WORD = /^(?:.{0,8}|[a-z]*\d*)$/i;

/** Whether it is no token but names of folders, as stack traces have them. */
function isPath(run: string): boolean {
  return run.includes('/') && run.split(/[/+_~=%-]/).every((word) => PATH_WORD.test(word));
}

/**
 * Removes session tokens, signatures and credentials from a text: what is named like one in a URL, a header, JSON or a line of
 * `NAME=value`, what a URL has before its `@`, what looks like a key or a token. Everything that reaches a log, an error or a report
 * goes through here.
 */
export function redact(text: string): string {
  const unnamed = RULES.reduce((safe, [pattern, replacement]) => safe.replace(pattern, replacement), text);
  return unnamed.replace(LONG_TOKEN, (run) => (isPath(run) ? run : HIDDEN));
}
