import { expect } from 'chai';
import { TransferError } from '../../../src/download/http.js';
import { parseRetryAfter, retryTransfer } from '../../../src/download/retry.js';

describe('retry', () => {
  it('reads Retry-After as seconds and as a date', () => {
    const now = Date.parse('Mon, 01 Jan 2024 00:00:00 GMT');
    expect(parseRetryAfter('120', now)).to.equal(120_000);
    expect(parseRetryAfter('Mon, 01 Jan 2024 00:00:30 GMT', now)).to.equal(30_000);
    expect(parseRetryAfter('Sun, 31 Dec 2023 23:59:59 GMT', now)).to.equal(0);
    expect(parseRetryAfter('soon', now)).to.equal(undefined);
    expect(parseRetryAfter(undefined, now)).to.equal(undefined);
  });

  it('tries again what may pass, and nothing else', async () => {
    const attempts = async (error: Error): Promise<number> => {
      let count = 0;
      const attempt = (): Promise<never> => {
        count += 1;
        return Promise.reject(error);
      };
      const outcome = await retryTransfer(attempt, { retries: 2, minDelayMs: 1 }).catch((thrown: unknown) => thrown);
      expect(outcome).to.equal(error);
      return count;
    };
    expect(await attempts(new TransferError('cut', false))).to.equal(3);
    expect(await attempts(new TransferError('bad certificate', true))).to.equal(1);
    expect(await attempts(new Error('a bug'))).to.equal(1);
  });

  it('begins to count anew after an attempt that got somewhere', async () => {
    let count = 0;
    const attempt = (): Promise<number> => {
      count += 1;
      return count < 9 ? Promise.reject(new TransferError('cut', false)) : Promise.resolve(count);
    };
    expect(await retryTransfer(attempt, { retries: 1, minDelayMs: 1, isFree: () => count % 2 === 0 })).to.equal(9);
  });

  it('does not wait on when it is told to stop', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const attempt = (): Promise<never> => {
      setImmediate(() => controller.abort(reason));
      return Promise.reject(new TransferError('cut', false));
    };
    const outcome = await retryTransfer(attempt, { minDelayMs: 60_000, signal: controller.signal }).catch(
      (thrown: unknown) => thrown,
    );
    expect(outcome).to.equal(reason);
  });
});
