import { z } from 'zod';

/** Kinds of values that the configuration is made of. */

export const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
export const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
/** A share of something that has a duration of its own. */
export const percent = (fallback: number) => z.coerce.number().min(0.01).max(100).default(fallback);
export const seconds = (fallback: number, max = 86_400) => integer(fallback, 1, max);
export const secret = z.string().min(1);

export const mongoUri = z.string().regex(/^mongodb(\+srv)?:\/\//, 'must start with mongodb:// or mongodb+srv://');
/** Of a database, or of all keys of an installation. */
export const name = (charactersMax: number) => z.string().regex(new RegExp(`^[\\w-]{1,${charactersMax}}$`));
