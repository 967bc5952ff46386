// The CDK app: reads mainstay.config.ts, bundles the functions, makes the stack. `npx cdk synth` needs no account.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from './bundle';
import { ConfigFaulty, type MainstayConfig, parseConfig } from './config';
import { ControlPlaneStack } from './control-plane-stack';

const root = join(__dirname, '..');

export interface AppOptions {
  stackName?: string;
  /** Where the bundles of the functions go. */
  functionsDir?: string;
  /** Where the cloud assembly goes; the CDK CLI says so itself when this is left out. */
  outdir?: string;
}

export function buildApp(config: MainstayConfig, options: AppOptions = {}): App {
  const { stackName = 'mainstay', functionsDir = join(root, 'build', 'functions'), outdir } = options;
  const app = new App(outdir ? { outdir } : {});
  const functionDirs = bundleFunctions(functionsDir);
  new ControlPlaneStack(app, stackName, { stackName, config, functionDirs, description: 'Mainstay control plane' });
  return app;
}

if (require.main === module) {
  const file = join(root, 'mainstay.config.ts');
  try {
    if (!existsSync(file))
      throw new ConfigFaulty('there is no mainstay.config.ts: copy mainstay.config.example.ts and fill it in');
    buildApp(parseConfig(require(file).default)).synth();
  } catch (error) {
    if (!(error instanceof ConfigFaulty)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
