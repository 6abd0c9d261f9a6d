import { expect } from 'chai';
import { parseHostFamily, readHostFamily, searchPath } from '../../../src/tools/host.js';

const FAMILIES: readonly (readonly [string, string | undefined])[] = [
  ['ID=debian', 'debian'],
  ['ID=linuxmint\nID_LIKE="ubuntu debian"', 'debian'],
  ['ID=raspbian\nID_LIKE=debian', 'debian'],
  ['ID=fedora', 'redhat'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'redhat'],
  ['ID="almalinux"\nID_LIKE="rhel centos fedora"', 'redhat'],
  ['NAME="openEuler"\nVERSION="22.03 (LTS)"\nID="openEuler"', 'redhat'],
  ['ID="anolis"\nID_LIKE="rhel fedora centos"', 'redhat'],
  ['ID="kylin"', 'redhat'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'suse'],
  ["ID='opensuse-tumbleweed'", 'suse'],
  ['ID="sles"\nID_LIKE="suse"', 'suse'],
  ['ID=arch', undefined],
  ['PRETTY_NAME="ID=debian"', undefined],
  ['', undefined],
];

describe('tools/host', () => {
  for (const [osRelease, family] of FAMILIES) {
    it(`takes ${JSON.stringify(osRelease)} for ${family ?? 'unknown'}`, () => {
      expect(parseHostFamily(osRelease)).to.equal(family);
    });
  }

  it('does not fail where there is no os-release', async () => {
    expect(await readHostFamily('/nonexistent')).to.equal(undefined);
  });

  it('looks into the tools directory first and into the directories of daemons last', () => {
    expect(searchPath('/opt/tools', '/bin::/usr/bin:/bin')).to.equal('/opt/tools:/bin:/usr/bin:/usr/sbin:/sbin');
    expect(searchPath(undefined, '/sbin:/bin')).to.equal('/sbin:/bin:/usr/sbin');
  });
});
