import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cached, repeat, within } from '../src/timing.ts';

test('a check that hangs is not started again, and a caller does not wait for it', async () => {
  let calls = 0;
  let end = () => {};
  const check = cached(0, () => { calls++; return new Promise<void>((resolve) => { end = resolve; }); });
  for (let i = 0; i < 3; i++) await assert.rejects(within(5, check()), { name: 'TimeoutError' });
  assert.equal(calls, 1);
  end();
  await sleep(1);
  void check();
  assert.equal(calls, 2);
});

test('a task does not start while it still runs, goes on after an error, and ends with the signal', async () => {
  const stopping = new AbortController();
  const errors: string[] = [];
  let [running, most, runs] = [0, 0, 0];
  await repeat(1, stopping.signal, async () => {
    most = Math.max(most, ++running);
    await sleep(10);
    running--;
    if (++runs === 3) stopping.abort();
    throw new Error(`run ${runs}`);
  }, (error) => errors.push((error as Error).message));
  assert.deepEqual([most, errors], [1, ['run 1', 'run 2', 'run 3']]);
});

test('a SIGTERM before the start has ended is no crash', async () => {
  const program = spawn(process.execPath, ['src/main.ts'], {
    cwd: new URL('..', import.meta.url), stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, APP_PORT: '0', DAPR_HTTP_PORT: '1', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' },
  });
  await once(program.stdout, 'data'); // it waits for the migrations
  program.kill('SIGTERM');
  assert.deepEqual(await once(program, 'exit'), [0, null]);
});
