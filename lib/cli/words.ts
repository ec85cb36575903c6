/** Numbers and times as people read them. */

/** `2.31 s`; a dash where there is none. */
export function seconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`;
}

/** `1 gap`, `2 gaps`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `8.2 s`, `2 min 3 s`, `1 h 2 min`. */
export function duration(ofSeconds: number): string {
  if (ofSeconds < 60) return `${ofSeconds.toFixed(1)} s`;
  const whole = Math.round(ofSeconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `4:07`, `1:02:03`: what is left. */
export function countdown(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const rest = two(whole % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** `640 B`, `12.3 MB`: decimal units, as networks are measured. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let value = count;
  while (value >= 999.95 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return at === 0 ? `${count} B` : `${value.toFixed(1)} ${units[at]}`;
}
