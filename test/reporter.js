import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

const { reporters, Runner } = Mocha;

/** Mocha's spec reporter, which also notes the counts for the closing line of test/run.sh. */
export default class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.ISO2ROOTFS_TEST_COUNTS;
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      if (file !== undefined) appendFileSync(file, `${passes} ${failures} ${pending}\n`);
    });
  }
}
