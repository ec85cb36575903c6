import { inspect } from 'node:util';
import { ConfigError } from './errors.js';
import { redact } from './redact.js';

/** What one option may be. The default is used where the option is absent or `undefined`. */
export type Rule =
  | { kind: 'integer' | 'number'; min: number; max: number; default?: number; optional?: true }
  /** `isSecret`: a message never shows the value; `wrongly` may say instead what is wrong with it. */
  | {
      kind: 'string';
      isSecret?: true;
      wrongly?: (value: string) => string;
      pattern?: RegExp;
      example?: string;
      default?: string;
      optional?: true;
    }
  | { kind: 'choice'; choices: readonly string[]; default?: string; optional?: true }
  | { kind: 'date'; optional: true }
  /** Checked by whoever uses it; `methods` must be there. */
  | { kind: 'object'; methods?: readonly string[]; what: string; default?: unknown; optional: true }
  | { kind: 'boolean'; optional: true }
  /** Checked by whoever uses it. */
  | { kind: 'any'; optional: true };

export type Rules = Record<string, Rule>;

/** Shows a refused value in a message: short, and never a secret. */
export function shown(value: unknown): string {
  // A URL's path may be secret, too; its host says enough.
  const text = redact(inspect(value, { depth: 1, breakLength: Infinity })).replace(
    /(:\/\/[^\s/?#"'`]*)[/?#][^\s"'`]*/g,
    '$1/…',
  );
  return `${text.length > 80 ? `${text.slice(0, 80)}…` : text} of type ${value === null ? 'null' : typeof value}`;
}

/** Letters that must be changed, added or removed to come from one word to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word nearest to a misspelt one, or `undefined` if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const ranked = known
    .map((name) => ({ name, far: distance(lower, name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.name : undefined;
}

function checkNumber(name: string, value: unknown, rule: Extract<Rule, { min: number }>): number {
  const isRight = typeof value === 'number' && (rule.kind === 'number' || Number.isInteger(value));
  if (!isRight || Number.isNaN(value) || value < rule.min || value > rule.max) {
    const what = rule.kind === 'integer' ? 'an integer' : 'a number';
    const range = rule.max === Infinity ? `≥ ${rule.min}` : `${rule.min}–${rule.max}`;
    throw new ConfigError(`Expected ${what} ${range} for ${name} but received ${shown(value)}`);
  }
  return value;
}

/** What is said of a secret that is none. */
function unshown(value: unknown, wrongly: (value: string) => string = () => 'another one'): string {
  if (typeof value !== 'string') return `a value of type ${typeof value}`;
  return value === '' ? 'an empty one' : wrongly(value);
}

function checkOne(name: string, value: unknown, rule: Rule): unknown {
  switch (rule.kind) {
    case 'integer':
    case 'number':
      return checkNumber(name, value, rule);
    case 'string':
      if (typeof value !== 'string' || value === '' || (rule.pattern && !rule.pattern.test(value))) {
        const example = rule.example === undefined ? '' : `, such as ${rule.example},`;
        const received = rule.isSecret ? unshown(value, rule.wrongly) : shown(value);
        throw new ConfigError(`Expected a string${example} for ${name} but received ${received}`);
      }
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') {
        throw new ConfigError(`Expected true or false for ${name} but received ${shown(value)}`);
      }
      return value;
    case 'any':
      return value;
    case 'choice':
      if (typeof value !== 'string' || !rule.choices.includes(value)) {
        const choices = rule.choices.map((choice) => `'${choice}'`).join(', ');
        throw new ConfigError(`Expected one of ${choices} for ${name} but received ${shown(value)}`);
      }
      return value;
    case 'date':
      if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
        throw new ConfigError(`Expected a valid Date for ${name} but received ${shown(value)}`);
      }
      return value;
    case 'object': {
      const isFunction = typeof value === 'function';
      const lacks = (rule.methods ?? []).filter(
        (method) => typeof (value as Record<string, unknown> | null)?.[method] !== 'function',
      );
      if ((typeof value !== 'object' && !isFunction) || value === null || lacks.length > 0) {
        // The value may hold credentials: its type is all a message may say.
        const missing = lacks.length > 0 ? ` without ${lacks.join(', ')}` : '';
        throw new ConfigError(
          `Expected ${rule.what} for ${name} but received a value of type ${typeof value}${missing}`,
        );
      }
      return value;
    }
  }
}

/**
 * Checks options against rules and fills in defaults. Throws `ConfigError` for an unknown name, a missing one, a
 * wrong type or a value out of range.
 */
export function checkOptions<T>(options: unknown, rules: Rules, who: string): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(`Expected an options object for ${who} but received ${shown(options)}`);
  }
  const known = Object.keys(rules);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(rules, name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `Known are: ${known.join(', ')}` : `Did you mean ${near}?`;
    throw new ConfigError(`Unknown option ${name} for ${who}. ${hint}`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(rules)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) checked[name] = checkOne(name, value, rule);
    else if ('default' in rule && rule.default !== undefined) checked[name] = rule.default;
    else if (!rule.optional) throw new ConfigError(`Option ${name} is missing for ${who}`);
  }
  return checked as T;
}
