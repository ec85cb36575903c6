import type { Trouble } from './messages';

/** Tells of what no process of a soak may show: rejections that nobody handles, exceptions that nobody catches, warnings. */
export function tellTroubles(tell: (trouble: Trouble) => void): void {
  const told = (what: string) => (reason: unknown) => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    tell({ type: 'trouble', text: `${what}: ${text}` });
  };
  process.on('unhandledRejection', told('unhandled rejection'));
  process.on('uncaughtException', told('uncaught exception'));
  process.on('warning', told('process warning'));
}
