import { isIP } from 'node:net';
import { register as defaultRegistry, type Registry } from 'prom-client';
import { checkOptions, shown, type Rules } from '../config.js';
import { ConfigError } from '../errors.js';
import type { FrameSource } from '../frame-source.js';
import { silentLogger, type Logger } from '../logger.js';
import type { HttpOptions } from './server.js';
import { listSources } from './sources.js';

/** Options that were checked, with their defaults. */
export interface CheckedHttpOptions {
  /** The sources there are now, those of groups among them. */
  sources: () => FrameSource[];
  host: string;
  port: number;
  token: string | undefined;
  allowedHosts: readonly string[];
  registry: Registry;
  page: boolean;
  logger: Logger;
}

const HTTP: Rules = {
  sources: { kind: 'any', optional: true },
  host: { kind: 'string', default: '127.0.0.1' },
  port: { kind: 'integer', min: 0, max: 65535, default: 9464 },
  token: {
    kind: 'string',
    isSecret: true,
    // Longer ones would meet the limit on headers.
    pattern: /^[\x21-\x7e]{16,1024}$/,
    wrongly: (token) =>
      token.length < 16
        ? 'a shorter one'
        : token.length > 1024
          ? 'a longer one'
          : 'one with other characters',
    example: 'what `openssl rand -hex 16` prints (16–1024 ASCII characters, no space)',
    optional: true,
  },
  allowedHosts: { kind: 'any', optional: true },
  registry: { kind: 'object', methods: ['metrics'], what: "prom-client's Registry", optional: true },
  page: { kind: 'boolean', optional: true },
  logger: {
    kind: 'object',
    methods: ['debug', 'info', 'warn', 'error'],
    what: 'a logger such as console',
    optional: true,
  },
};

/** True for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const address = host.replace(/^::ffff:/i, '');
  return (
    (isIP(address) === 4 && address.startsWith('127.')) || (isIP(host) === 6 && /^[0:]*:0*1$/.test(host))
  );
}

function checkNames(names: unknown): readonly string[] {
  const wanted = 'an array of names or addresses without scheme and port, such as ["frames.example.com"],';
  if (!Array.isArray(names)) {
    throw new ConfigError(`Expected ${wanted} for allowedHosts but received ${shown(names)}`);
  }
  return names.map((name: unknown) => {
    const isName =
      typeof name === 'string' && (/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name) || isIP(name) !== 0);
    if (!isName) {
      throw new ConfigError(`Expected ${wanted} for allowedHosts but received ${shown(name)} in it`);
    }
    return name;
  });
}

/** Throws `ConfigError`. */
export function checkHttpOptions(options: HttpOptions): CheckedHttpOptions {
  type Given = Omit<HttpOptions, 'host' | 'port'> & { host: string; port: number };
  const checked = checkOptions<Given>(options, HTTP, 'serveHttp()');
  const { token, page = false, registry = defaultRegistry, logger = silentLogger } = checked;
  // Brackets are how an address is written in a URL.
  const host = checked.host.replace(/^\[(.*)\]$/, '$1');
  if (page && token === undefined && !isLoopback(host)) {
    throw new ConfigError(
      `The page shows live pictures, and ${host} is reachable from other machines: give a token of at least ` +
        '16 characters, such as what `openssl rand -hex 16` prints, or listen on 127.0.0.1',
    );
  }
  return {
    sources: listSources(checked.sources),
    host,
    port: checked.port,
    token,
    allowedHosts: checkNames(checked.allowedHosts ?? []),
    registry,
    page,
    logger,
  };
}
