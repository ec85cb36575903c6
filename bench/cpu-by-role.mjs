// CPU of this process's threads by what they are for.
import { readdirSync, readFileSync } from 'node:fs';

const folder = '/proc/self/task';

/** To be called before the first source: answers a function that tells CPU seconds so far by role. V8's and libuv's helpers were
 *  there before the source, the network thread was not. */
export function watchRoles() {
  const helpers = new Set(readdirSync(folder));
  const roleOf = (id) => {
    if (id === String(process.pid)) return 'main';
    if (readFileSync(`${folder}/${id}/comm`, 'utf8').trim() === 'kvs-frames') return 'engine';
    return helpers.has(id) ? 'helpers' : 'network';
  };
  return () => {
    const seconds = { main: 0, engine: 0, helpers: 0, network: 0 };
    for (const id of readdirSync(folder)) {
      const [nanoseconds] = readFileSync(`${folder}/${id}/schedstat`, 'utf8').split(' ');
      seconds[roleOf(id)] += Number(nanoseconds) / 1e9;
    }
    return seconds;
  };
}

/** User and system time so far of another process, seconds; the kernel's accounts are in hundredths. */
export function cpuSecondsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
