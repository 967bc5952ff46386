// The SSM documents of a control plane, by name: `poke` becomes `<control plane>-poke`. A document gets no rights by being
// listed here; who may send it is in infra/grants.ts.

import { pokeDocument } from '../poke-document';

export const documents: Record<string, object> = {
  poke: pokeDocument,
};
