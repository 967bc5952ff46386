// The API's types for whoever calls it from TypeScript, inferred from the shapes that requests are checked by and docs/openapi.json is made of:
// `RequestOf<'startOperation'>`, `AnswerOf<'getCluster'>`. Types only: nothing of it is left at run time.

import type { z } from 'zod';
import type { RouteId, routes } from './routes';

type Routes = typeof routes;
type AnswersOf<Id extends RouteId> = Routes[Id]['answers'];

/** The body, as it is sent. */
export type RequestOf<Id extends RouteId> = Routes[Id] extends { body: infer Body extends z.ZodType }
  ? z.input<Body>
  : undefined;

/** The JSON of an answer when it went well. */
export type AnswerOf<Id extends RouteId> = {
  [Status in keyof AnswersOf<Id>]: AnswersOf<Id>[Status] extends { shape: infer Shape extends z.ZodType }
    ? z.output<Shape>
    : never;
}[keyof AnswersOf<Id>];
