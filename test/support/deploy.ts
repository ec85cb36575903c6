import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './child';

export const DEPLOY = join(ROOT, 'deploy');
export const RULES = join(DEPLOY, 'prometheus', 'alerts.yml');

interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; refId: string }[];
  repeat?: string;
}

export interface Dashboard {
  title: string;
  panels: Panel[];
  templating: { list: { name: string; multi?: boolean }[] };
}

export const readDashboard = (): Dashboard =>
  JSON.parse(readFileSync(join(DEPLOY, 'grafana', 'kvs-frames.json'), 'utf8')) as Dashboard;

/** All that the dashboard asks Prometheus, with its variables filled in. */
export function dashboardQueries(
  values: Readonly<Record<string, string>>,
): { title: string; expr: string }[] {
  return readDashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replace(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole),
    })),
  );
}

/** Names of this package's series in a text. */
export const seriesNamesIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/kvs_hls_\w+/g)].map(([name]) => name)),
];
