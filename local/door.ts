// A way from this machine to an address inside a network of namespaces: a program that stands in there, takes connections on a Unix
// socket in a folder, as PostgreSQL's clients look for one, and leads them to host and port. Ends with its standard input.

import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const [folder = '', host = '', port = '0'] = process.argv.slice(2);

if (require.main === module) {
  const server = createServer((near) => {
    const far = connect({ host, port: Number(port), noDelay: true });
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(join(folder, `.s.PGSQL.${port}`), () => process.stdout.write('open\n'));
  process.stdin.on('end', () => process.exit());
  process.stdin.resume();
}
