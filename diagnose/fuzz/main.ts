/** npm run fuzz:captures [-- COUNT [SEED]]: exit code 1 and the file's number when one is not read. */
import { fuzzCaptures } from './captures.ts';

const [count = 1_000_000, seed = Date.now() & 0x7fff_ffff] = process.argv.slice(2).map(Number);
if (!Number.isInteger(count) || !Number.isInteger(seed) || count < 1) {
  process.stderr.write('npm run fuzz:captures [-- COUNT [SEED]]\n');
  process.exit(2);
}
const begun = performance.now();
const { files, packets, connections, damages } = await fuzzCaptures(count, seed);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
process.stdout.write(
  `${files} files of seed ${seed} in ${seconds} s: ${packets} packets, ${connections} connections, ` +
    `${damages} damages told; peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`,
);
