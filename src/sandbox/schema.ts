import { isRecord } from './request.ts';

const depthMax = 6;
const nestingMax = 24;
const itemsMax = 100;
const nodesMax = 10_000;
const textOfFormat: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T00:00:00Z',
  date: '2024-01-01',
  time: '00:00:00Z',
  duration: 'PT1H',
  email: 'sandbox@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** The document that references point into, and how many more values may be made before the rest becomes null. */
type Root = { readonly schema: unknown; nodesLeft: number };

/**
 * Makes a value that a JSON schema accepts, always the same one for the same schema. Knows the keywords that structured
 * output allows, except `pattern`. Recursive schemas end at a fixed depth, where only what is required is filled in.
 */
export function sampleOf(schema: unknown): unknown {
  return sample(schema, { schema, nodesLeft: nodesMax }, 0);
}

function sample(schema: unknown, root: Root, depth: number): unknown {
  root.nodesLeft -= 1;
  if (root.nodesLeft < 0 || depth > nestingMax) return null;
  if (!isRecord(schema)) return {};
  if (typeof schema.$ref === 'string') return sample(resolve(root, schema.$ref), root, depth + 1);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (Array.isArray(schema.allOf)) return sample(merged(schema, schema.allOf, root), root, depth + 1);
  const variants = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(variants)) return sample(variantOf(variants, depth), root, depth + 1);
  return sampleOfType(typeOf(schema, depth), schema, root, depth);
}

function sampleOfType(type: unknown, schema: Record<string, unknown>, root: Root, depth: number): unknown {
  switch (type) {
    case 'object':
      return sampleObject(schema, root, depth);
    case 'array':
      return sampleArray(schema, root, depth);
    case 'integer':
      return sampleNumber(schema, 1);
    case 'number':
      return sampleNumber(schema, 0.5);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleText(schema);
  }
}

function typeOf(schema: Record<string, unknown>, depth: number): unknown {
  const type = schema.type;
  if (Array.isArray(type)) return depth > depthMax && type.includes('null') ? 'null' : type[0];
  if (type !== undefined) return type;
  if (isRecord(schema.properties)) return 'object';
  return 'items' in schema ? 'array' : 'string';
}

/** Deep inside a recursive schema the variant without children ends the recursion. */
function variantOf(variants: unknown[], depth: number): unknown {
  const leaf = variants.find((variant) => isRecord(variant) && variant.type === 'null');
  return depth > depthMax && leaf !== undefined ? leaf : variants[0];
}

function sampleObject(schema: Record<string, unknown>, root: Root, depth: number): Record<string, unknown> {
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const names = Object.keys(properties).filter((name) => depth <= depthMax || required.includes(name));
  return Object.fromEntries(names.map((name) => [name, sample(properties[name], root, depth + 1)]));
}

function sampleArray(schema: Record<string, unknown>, root: Root, depth: number): unknown[] {
  const least = numberOr(schema.minItems, 0);
  const wanted = depth > depthMax ? least : Math.max(least, Math.min(1, numberOr(schema.maxItems, 1)));
  return Array.from({ length: Math.min(wanted, itemsMax) }, () => sample(schema.items, root, depth + 1));
}

function sampleNumber(schema: Record<string, unknown>, smallest: number): number {
  const multiple = schema.multipleOf;
  const unit = typeof multiple === 'number' && multiple > 0 ? multiple : smallest;
  const above = schema.exclusiveMinimum;
  const floor = typeof above === 'number' ? above + unit : numberOr(schema.minimum, unit);
  const below = schema.exclusiveMaximum;
  const ceiling = typeof below === 'number' ? below - unit : numberOr(schema.maximum, Number.MAX_SAFE_INTEGER);
  const value = Math.ceil(floor / unit) * unit;
  return value <= ceiling ? value : Math.floor(ceiling / unit) * unit;
}

function sampleText(schema: Record<string, unknown>): string {
  const formatted = typeof schema.format === 'string' ? textOfFormat[schema.format] : undefined;
  const text = formatted ?? 'sandbox'.padEnd(Math.min(numberOr(schema.minLength, 0), 10_000), '.');
  return text.slice(0, numberOr(schema.maxLength, text.length));
}

function merged(schema: Record<string, unknown>, parts: unknown[], root: Root): Record<string, unknown> {
  const { allOf: _, ...whole } = schema;
  for (const part of parts) {
    const found = isRecord(part) && typeof part.$ref === 'string' ? resolve(root, part.$ref) : part;
    if (!isRecord(found)) continue;
    const properties = { ...asRecord(whole.properties), ...asRecord(found.properties) };
    const required = [...asArray(whole.required), ...asArray(found.required)];
    Object.assign(whole, found, { properties, required });
  }
  return whole;
}

/** Follows a reference inside the document, such as `#/$defs/node`; anything else gives undefined. */
function resolve(root: Root, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  let found = root.schema;
  for (const step of reference.slice(1).split('/').filter(Boolean)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
