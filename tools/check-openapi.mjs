/** Checks the OpenAPI documents of the daemons: valid as 3.1, and each operation told apart and said what it does. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { CONFIG_ROUTES } from '../dist/control/api/config-routes.js';
import { openapiOf, OPENAPI_ROUTES } from '../dist/control/api/openapi.js';
import * as tables from '../dist/control/api/routes.js';
import { FEED_ROUTES } from '../dist/control/api/feed-routes.js';
import { TOKEN_ROUTES } from '../dist/control/api/token-routes.js';

const problems = [];

for (const [table, own] of Object.entries(tables).filter(([name]) => name.endsWith('_ROUTES'))) {
  const all = { ...own, ...CONFIG_ROUTES, ...FEED_ROUTES, ...TOKEN_ROUTES, ...OPENAPI_ROUTES };
  const routes = Object.entries(all).map(([name, route]) => ({ name, route }));
  const document = JSON.parse(JSON.stringify(openapiOf(routes, { title: table, version: '1' })));
  const { valid, errors } = await new Validator().validate(document);
  if (!valid)
    problems.push(...[errors].flat().map((error) => `${table}: ${JSON.stringify(error)}`));
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods))
      problems.push(
        ...faultsOf(operation, path).map((fault) => `${table}: ${method} ${path}: ${fault}`),
      );
  const ids = routes.map(({ name }) => name);
  if (new Set(ids).size !== ids.length) problems.push(`${table}: an operationId comes twice`);
}

for (const problem of problems) console.error(`openapi: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);

function faultsOf({ summary = '', parameters = [], requestBody, responses }, path) {
  const named = parameters.map(({ name }) => name);
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, part]) => part);
  return [
    ...(/^[A-Z].{5,}[^.]$/.test(summary)
      ? []
      : [`summary '${summary}' is no sentence without its full stop`]),
    ...parts.filter((part) => !named.includes(part)).map((part) => `{${part}} is not described`),
    ...(new Set(named).size === named.length ? [] : ['a parameter comes twice']),
    ...(requestBody !== undefined && responses['415'] === undefined ? ['no 415 for its body'] : []),
  ];
}
