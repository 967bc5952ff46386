// `npm run nag`: cdk-nag's AWS Solutions rules over the example with every option on. Prints each open finding and the
// counts; ends with 1 when one is open. What is acknowledged, and why, is in infra/acknowledgements.ts.

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { everyOption } from './examples/every-option';
import { stubFunctions } from './stub-functions';

export interface NagReport {
  /** `rule at path`. */
  open: string[];
  /** How many findings are acknowledged, each on one construct. */
  acknowledged: number;
  /** Acknowledgements of what is not found there. */
  idle: string[];
}

/** A validation run of its own: as a plug-in of the app it would end the synthesis instead of returning what it has found. */
const findings = (app: App): string[] =>
  new AwsSolutionsChecks(app)
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    );

export function judged(app: App): NagReport {
  const open = findings(app);
  const marks = app.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) =>
          Object.keys(data as object).map((id) => ({ id: id.replace(/^annotation::/i, ''), path: node.path })),
        ),
    );
  const all = withoutMarks(() => findings(app));
  const isFound = ({ id, path }: { id: string; path: string }) =>
    all.some((finding) => finding.startsWith(`${id} at ${path}/`));
  return {
    open,
    acknowledged: marks.length,
    idle: marks.filter((mark) => !isFound(mark)).map(({ id, path }) => `${id} at ${path}`),
  };
}

/** What would be found if nothing were acknowledged. */
function withoutMarks<T>(run: () => T): T {
  const key = Object.getOwnPropertyDescriptor(Validations, 'ACKNOWLEDGED_RULES_METADATA_KEY');
  Object.defineProperty(Validations, 'ACKNOWLEDGED_RULES_METADATA_KEY', { value: 'none', configurable: true });
  try {
    return run();
  } finally {
    if (key) Object.defineProperty(Validations, 'ACKNOWLEDGED_RULES_METADATA_KEY', key);
  }
}

export function nag(): NagReport {
  const functions = stubFunctions();
  const app = new App();
  everyOption(app, functions.dirs);
  functions.remove();
  return judged(app);
}

if (require.main === module) {
  const { open, acknowledged, idle } = nag();
  for (const finding of open) console.log(finding);
  for (const mark of idle) console.log(`acknowledged, but not found: ${mark}`);
  console.log(`cdk-nag, AWS Solutions: ${open.length} open, ${acknowledged} acknowledged`);
  process.exitCode = open.length === 0 ? 0 : 1;
}
