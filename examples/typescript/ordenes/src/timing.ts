import { setTimeout as sleep } from 'node:timers/promises';

/** Returns a function that calls `check` at most once each `ms`, and never while it still runs. Callers in between get the same result. */
export function cached(ms: number, check: () => Promise<void>): () => Promise<void> {
  let due = -Infinity;
  let result = Promise.resolve();
  return () => {
    if (performance.now() >= due) {
      due = Infinity;
      result = check().finally(() => { due = performance.now() + ms; });
    }
    return result;
  };
}

/** Returns the result of `work`, or throws a TimeoutError after `ms`. The work itself goes on. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => { throw new DOMException(`no answer within ${ms} ms`, 'TimeoutError'); });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/** Calls `task` at once, and again `interval` ms after each end of it, until `signal` is aborted. */
export async function repeat(interval: number, signal: AbortSignal, task: () => Promise<void>, failed: (error: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    await task().catch(failed);
    await sleep(interval, undefined, { signal }).catch(() => undefined);
  }
}
