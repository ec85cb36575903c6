/**
 * Where the reader's own words go, and those of libav: the shape the AWS SDK v3 uses, so one logger serves both; pino, winston
 * and `console` fit as they are. What only repeats itself is left out, five lines of a kind and then one a minute (`debug` excepted);
 * the next line says how many there were. May throw: that line is lost, and nothing else.
 */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** The default: says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
