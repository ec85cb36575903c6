import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePrometheus } from '../support/debian';
import { DEPLOY, RULES } from '../support/deploy';

const FOLDER = join(DEPLOY, 'prometheus');
const TESTS = readdirSync(FOLDER).filter((name) => name.endsWith('.test.yml'));

const rules = readFileSync(RULES, 'utf8');
/** Each rule from its name on. */
const alerts = rules.split(/^ +- alert: /m).slice(1);
const nameOf = (alert: string): string => alert.slice(0, alert.indexOf('\n'));

let promtool: string;

function runPromtool(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: FOLDER, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

beforeAll(async () => {
  ({ promtool } = await ensurePrometheus());
}, 300_000);

describe('the alert rules', () => {
  it('are valid, and so is the example of a configuration that uses them', () => {
    const { status, output } = runPromtool('check', 'config', 'prometheus.yml');
    expect(output).toContain(`SUCCESS: ${alerts.length} rules found`);
    expect(status).toBe(0);
  });

  it.each(TESTS)('fire when they should and not when they should not: %s', (file) => {
    const { status, output } = runPromtool('test', 'rules', file);
    expect(output).toMatch(/^Unit Testing: {2}\S+\n {2}SUCCESS\s*$/);
    expect(status).toBe(0);
  });

  it('are each seen firing by such a test', () => {
    const seen = TESTS.map((file) => readFileSync(join(FOLDER, file), 'utf8')).join('\n');
    const unseen = alerts
      .map(nameOf)
      .filter((name) => !seen.includes(`ALERTS{alertname="${name}",alertstate="firing"`));
    expect(unseen).toEqual([]);
  });

  it('say how bad it is, which camera it is and what to do', () => {
    // These are about a program, or about many cameras.
    const ofNoCamera = ['KvsManyCamerasUnhealthy', 'KvsExporterDown', 'KvsExporterAbsent', 'KvsNoCameras'];
    const wanting = alerts.filter(
      (alert) =>
        !/severity: (critical|warning)\n/.test(alert) ||
        !/description: >-\n {12}\S.{60}/.test(alert) ||
        !/summary: .*\{\{ \$labels\.camera_id \}\}/.test(alert) !== ofNoCamera.includes(nameOf(alert)),
    );
    expect(wanting.map(nameOf)).toEqual([]);
  });
});
