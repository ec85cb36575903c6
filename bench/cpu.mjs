// CPU time by the kernel's accounts.
import { readFileSync } from 'node:fs';

/** User and system time of this process, all threads. */
export function processCpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Time the calling process's main thread ran. */
export function threadCpuSeconds() {
  const [runNanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(runNanoseconds) / 1e9;
}

/** Time of children that ended and were waited for. */
export function childrenCpuSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // After "pid (comm) ": state is field 3 of proc(5), cutime and cstime are 16 and 17, in ticks of 10 ms.
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
