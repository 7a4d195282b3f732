import { z } from 'zod';

/** What the configuration says, for people to look at: numbers with their bounds, and few texts by name. Never a secret. */

export type Setting = {
  value: number | string;
  fallback?: number | string;
  min?: number;
  max?: number;
};

/** Texts that are no secret. Whatever else is text is not shown. */
const PLAIN_TEXTS: ReadonlySet<string> = new Set(['PURGE_CRON', 'PURGE_TIMEZONE', 'WEBHOOK_RETRY_SECONDS']);

function settingOf(schema: z.ZodType, value: number | string): Setting {
  if (!(schema instanceof z.ZodDefault)) return { value };
  const fallback = schema.def.defaultValue as number | string;
  const inner: unknown = schema.def.innerType;
  if (!(inner instanceof z.ZodNumber)) return { value, fallback };
  const { minValue, maxValue } = inner;
  return {
    value,
    fallback,
    ...(minValue === null ? {} : { min: minValue }),
    ...(maxValue === null ? {} : { max: maxValue }),
  };
}

/** The settings by the names of their variables, as this process was started. */
export function plainSettings(
  shape: Readonly<Record<string, z.ZodType>>,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Setting>> {
  const settings: Record<string, Setting> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const value = values[name];
    if (typeof value === 'number' || (typeof value === 'string' && PLAIN_TEXTS.has(name)))
      settings[name] = settingOf(schema, value);
  }
  return settings;
}
