import { expect } from 'chai';
import { applianceEnvironment, launchAppliance } from '../../src/tools/appliance.js';
import { run } from '../../src/tools/run.js';

describe('libguestfs appliance', function () {
  this.timeout(300_000);

  it('starts under software emulation', async () => {
    const result = await launchAppliance('tcg');
    expect(result.ok, JSON.stringify(result)).to.equal(true);
  });

  it('is started directly, without libvirt', async () => {
    const { stdout } = await run('guestfish', ['get-backend', ':', 'get-backend-settings'], {
      env: applianceEnvironment('tcg'),
    });
    expect(stdout).to.equal('direct\nforce_tcg\n');
  });

  it('says what is wrong when it cannot be built', async () => {
    const result = await launchAppliance('tcg', {
      environment: { ...process.env, SUPERMIN_KERNEL: '/dev/null', LIBGUESTFS_CACHEDIR: '/dev/null' },
    });
    expect(!result.ok && result.problem).to.contain('/dev/null');
    expect(!result.ok && result.remedy).to.contain('libguestfs-test-tool');
  });
});
