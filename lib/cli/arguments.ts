import { InvalidArgumentError } from 'commander';

/** Parser of an option's number. */
export function numberIn(min: number, max: number, isInteger: boolean): (text: string) => number {
  const what = isInteger ? 'an integer' : 'a number';
  const range = max === Infinity ? `≥ ${min}` : `${min}–${max}`;
  return (text) => {
    const value = Number(text);
    if (
      text.trim() === '' ||
      Number.isNaN(value) ||
      value < min ||
      value > max ||
      (isInteger && !Number.isInteger(value))
    ) {
      throw new InvalidArgumentError(`Expected ${what} ${range}.`);
    }
    return value;
  };
}

export const frameCount = numberIn(1, Number.MAX_SAFE_INTEGER, true);
export const framesPerSecond = numberIn(0.001, 1000, false);
export const portNumber = numberIn(0, 65535, true);
