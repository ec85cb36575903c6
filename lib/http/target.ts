import { Refusal } from './answer.js';

/** What a request line asks for. */
export interface Target {
  /** Decoded. */
  path: string;
  query: URLSearchParams;
}

/** Throws a `Refusal` for what is no plain path: another form of target, wrong or treacherous encoding. */
export function parseTarget(target: string): Target {
  const malformed = new Refusal(400, 'The URL is malformed\n');
  const [, raw = '', search = ''] =
    /^(\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*)(?:\?([\x21-\x7e]*))?$/.exec(target) ?? [];
  if (raw === '' || raw.startsWith('//')) throw malformed;
  let path: string;
  try {
    path = decodeURIComponent(raw);
    // URLSearchParams lets wrong encoding pass.
    decodeURIComponent(search);
  } catch {
    throw malformed;
  }
  const isTreacherous = path.split('/').some((step) => step === '.' || step === '..');
  // eslint-disable-next-line no-control-regex
  if (isTreacherous || /[\x00-\x1f\x7f\\]/.test(path)) throw malformed;
  return { path, query: new URLSearchParams(search) };
}
