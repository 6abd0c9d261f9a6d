import { expect } from 'chai';
import { compileCatalog } from '../../../src/catalog/compile.js';
import { expandCompiled, loadCatalog, type CompiledCatalog } from '../../../src/catalog/load.js';

describe('compileCatalog', () => {
  it('gives, by way of a file, what reading the YAML gives', async () => {
    const written = JSON.stringify(await compileCatalog());
    expect(written).not.to.include(process.cwd());
    expect(expandCompiled(JSON.parse(written) as CompiledCatalog)).to.deep.equal(await loadCatalog());
  });
});
