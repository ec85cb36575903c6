// What a Node process is charged for, by the kernel's accounts.
import { readFileSync } from 'node:fs';

/** User and system time of this process, all threads. */
export function processCpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Time the main thread ran. */
export function mainThreadSeconds() {
  const [runNanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(runNanoseconds) / 1e9;
}

/** The most memory that a process has had resident; 0 once it is gone. */
export function peakRssBytes(pid = process.pid) {
  try {
    const [, kibibytes] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Counts frames, and what the main thread spends from the first one on. */
export class FrameMeter {
  frames = 0;
  #mainAtFirst = 0;

  frame() {
    if (this.frames === 0) this.#mainAtFirst = mainThreadSeconds();
    this.frames += 1;
  }

  report(more = {}) {
    const seconds = mainThreadSeconds() - this.#mainAtFirst;
    console.log(
      JSON.stringify({
        frames: this.frames,
        mainThreadMicrosecondsPerFrame: (seconds / Math.max(1, this.frames - 1)) * 1e6,
        ...more,
      }),
    );
  }
}
