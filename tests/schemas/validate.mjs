// Reads a JSON array of events from standard input and prints, for each, the errors by the schema of its type (none: valid).
// Strict mode: a schema with a misspelt keyword, an unknown format or a missing definition ends the script.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const directory = process.argv[2];
const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
addFormats(ajv);

const files = readdirSync(directory).filter((name) => name.endsWith('.schema.json'));
for (const file of files) {
  ajv.addSchema(JSON.parse(readFileSync(join(directory, file), 'utf8')));
}
const types = files.map((name) => name.replace('.schema.json', '')).filter((name) => name !== 'common');
const schemas = new Map(types.map((type) => [type, ajv.getSchema(`${type}.schema.json`)]));

const events = JSON.parse(readFileSync(0, 'utf8'));
const results = events.map((event) => {
  const validate = schemas.get(event.type);
  if (!validate) {
    return [`there is no schema for ${event.type}`];
  }
  return validate(event) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
});
console.log(JSON.stringify({ types, results }));
