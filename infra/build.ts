// `npm run build` bundles the agent and the CLI into build/. With a job (JSON, see BuildJob) it also bundles the functions
// and synthesizes the stack. A process of its own, because bundling needs much memory and none of it afterwards.

import { join } from 'node:path';
import { buildApp } from './app';
import { bundlePrograms } from './bundle';
import { type MainstayConfigInput, parseConfig } from './config';

export interface BuildJob {
  /** Where the programs and the functions' bundles go. */
  outDir: string;
  /** Where the cloud assembly goes. */
  assemblyDir: string;
  config: MainstayConfigInput;
  stackName: string;
}

if (require.main === module) {
  const job = process.argv[2] === undefined ? null : (JSON.parse(process.argv[2]) as BuildJob);
  bundlePrograms(job?.outDir ?? join(__dirname, '..', 'build'));
  if (job) {
    const { outDir, assemblyDir, stackName } = job;
    buildApp(parseConfig(job.config), {
      functionsDir: join(outDir, 'functions'),
      outdir: assemblyDir,
      stackName,
    }).synth();
  }
}
