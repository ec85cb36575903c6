import { redact } from '../redact.js';

/** What a word of a mistyped command line may be shown as: an option's name without its value, a short word, or nothing of it. */
function shown(word: string): string {
  const option = /^--?[a-z][a-z-]{0,30}(?=(=)|$)/.exec(word);
  if (option !== null) return option[1] === undefined ? option[0] : `${option[0]}=…`;
  // Tokens have 16 characters and more.
  return /^[\w.,:+-]{0,12}$/.test(word) ? word : '…';
}

/** What the parser of the command line says is wrong with it, without what may be a secret: it quotes what was given. */
export function safeUsageError(text: string): string {
  const safe = text
    .replace(/^(error: unknown (?:command|option) ')([^]*)'/, (_, before: string, word: string) => {
      return `${before}${shown(word)}'`;
    })
    .replace(
      /^(error: option '[^']*' argument ')([^]*)' is invalid/,
      (_, before: string, word: string) => `${before}${shown(word)}' is invalid`,
    );
  return redact(safe);
}
