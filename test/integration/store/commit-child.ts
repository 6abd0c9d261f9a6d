/** A process of its own that makes an object: `commit-child.ts CACHE KEY CONTENT [how long the lock is kept, in ms]`. */
import { commitTree } from './commit-tree.js';

const [, , cache = '', key = '', content = '', keepMs = '0'] = process.argv;
const outcome = await commitTree(cache, key, content, Number(keepMs));
process.stdout.write(`${outcome}\n`);
