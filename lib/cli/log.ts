import type { Logger } from '../logger.js';

const write = (level: string, message: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
};

/** Lines on standard error, which leaves standard output to the command's answer. */
export const stderrLogger: Logger = {
  debug: (message) => write('debug', message),
  info: (message) => write('info', message),
  warn: (message) => write('warn', message),
  error: (message) => write('error', message),
};
