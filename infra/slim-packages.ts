// Stand-ins for packages of the AWS SDK that esbuild cannot make small by itself: the same code without what no function
// calls. A function's cold start is part of every failover, and reading half a megabyte that nobody uses takes its time.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(__dirname, '..');

/** Packages and the files in `dir` to bundle in their place. */
export const slimPackages = (dir: string): Record<string, string> => ({
  ...Object.fromEntries(bulky.map((client) => [client, slimClient(client, dir)])),
  ...ownCredentials(dir),
});

/** Clients whose shapes have computed keys: esbuild takes those for side effects and keeps all of them, 540 KiB for EC2. */
export const bulky = ['@aws-sdk/client-ec2', '@aws-sdk/client-route-53'];

/** The client with what the adapters use of it and with plain keys, so that the shapes nobody uses fall away. */
function slimClient(client: string, dir: string): string {
  const entry = `./node_modules/${client}/dist-es/index.js`;
  const built = buildSync({
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    write: false,
    absWorkingDir: root,
    stdin: { contents: `export { ${usedOf(client).join(', ')} } from '${entry}';`, resolveDir: root },
  });
  const text = built.outputFiles[0]?.text ?? '';
  const values = new Map(
    [...text.matchAll(/^var (_\w+) = (".*");$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const file = join(dir, `${client.replaceAll('/', '-')}.mjs`);
  writeFileSync(
    file,
    text.replaceAll(/\[(_\w+)\]:/g, (key, name: string) => (values.has(name) ? `${values.get(name)}:` : key)),
  );
  return file;
}

/** Names of classes that the sources import from a client; the generic class of a client comes along. */
function usedOf(client: string): string[] {
  const files = ['adapters/aws', 'functions', 'functions/ports'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((file) => (file.endsWith('.ts') ? [join(root, folder, file)] : [])),
  );
  const imports = new RegExp(`import (?:type )?\\{([^}]*)\\} from '${client}'`, 'g');
  const names = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(imports)].flatMap(([, list = '']) =>
      list.split(',').map((name) => name.replace('type ', '').trim()),
    ),
  );
  const generic = `${(client.split('client-')[1] ?? '').replaceAll('-', '')}client`;
  return [...new Set(names)].filter((name) => name.endsWith('Command') || name.toLowerCase() === generic);
}

/** Lambda gives credentials in the environment: a function needs none of the other places where the SDK would look. */
function ownCredentials(dir: string): Record<string, string> {
  const file = join(dir, 'credentials.mjs');
  writeFileSync(file, "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';\n");
  return { '@aws-sdk/credential-provider-node': file };
}
