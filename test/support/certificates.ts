import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a TLS server needs. */
export interface Identity {
  key: Buffer;
  cert: Buffer;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** An authority of its own in a folder; `path` is what NODE_EXTRA_CA_CERTS takes. */
export class Authority {
  readonly #folder: string;
  readonly path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'ca.pem');
    const subject = ['-subj', '/CN=Test authority', '-days', '2'];
    openssl(folder, 'req', '-x509', ...NEW_KEY, '-keyout', 'ca-key.pem', '-out', 'ca.pem', ...subject);
  }

  /** A certificate that it signs, for these names (`IP:127.0.0.1`); with `days` below 0 one whose time is over. */
  sign(file: string, names: string, days = 2): Identity {
    const [key, request, cert] = [`${file}-key.pem`, `${file}.csr`, `${file}.pem`];
    writeFileSync(join(this.#folder, 'names.txt'), `subjectAltName=${names}\n`);
    openssl(this.#folder, 'req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', '/CN=test');
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'names.txt'];
    openssl(this.#folder, 'x509', '-req', '-in', request, ...by, '-days', `${days}`, '-out', cert);
    return this.#read(key, cert);
  }

  /** A certificate for these names that nobody but itself signs. */
  selfSigned(file: string, names: string): Identity {
    const [key, cert] = [`${file}-key.pem`, `${file}.pem`];
    const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`, '-days', '2'];
    openssl(this.#folder, 'req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, ...subject);
    return this.#read(key, cert);
  }

  #read(key: string, cert: string): Identity {
    return { key: readFileSync(join(this.#folder, key)), cert: readFileSync(join(this.#folder, cert)) };
  }
}
