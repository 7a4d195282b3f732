import type { ActionContext, BaseRecord, Filter } from 'adminjs';
import type { Document } from 'mongodb';
import { fieldsFor, PanelResource, refuseSearch, roleOf } from './resource.ts';
import type { PanelCipher, PanelField, PanelSpec } from './spec.ts';

/**
 * A table that is in no collection: what the product knows of itself, made anew for every look, in the order in which it
 * is made. Searched by what its fields show.
 */
export class MadeResource extends PanelResource {
  private readonly make: () => Promise<Document[]> | Document[];

  constructor(spec: PanelSpec, cipher: PanelCipher, make: () => Promise<Document[]> | Document[]) {
    super(spec, cipher);
    this.make = make;
  }

  private async matching(fields: readonly PanelField[], filter: Filter): Promise<Document[]> {
    if (fields.length === 0) return [];
    const given = Object.values(filter.filters ?? {}) as { path: string; value: unknown }[];
    const wanted = given
      .filter(({ value }) => value !== '')
      .map(({ path, value }) => {
        const field = fields.find(({ name, filter: how }) => name === path && how !== undefined) ?? refuseSearch(path);
        if (typeof value !== 'string' || !field.filter?.(value.trim())) return refuseSearch(path);
        return (document: Document) => field.value(document) === value.trim();
      });
    return (await this.make()).filter((document) => wanted.every((isWanted) => isWanted(document)));
  }

  override async count(filter: Filter, context?: ActionContext): Promise<number> {
    return (await this.matching(fieldsFor(this.spec, roleOf(context)), filter)).length;
  }

  override async find(
    filter: Filter,
    { limit, offset }: { limit?: number; offset?: number },
    context?: ActionContext,
  ): Promise<BaseRecord[]> {
    const fields = fieldsFor(this.spec, roleOf(context));
    const from = Math.max(Math.trunc(Number(offset)) || 0, 0);
    const found = (await this.matching(fields, filter)).slice(from, from + Math.max(Math.trunc(Number(limit)) || 1, 1));
    return found.map((document) => this.record(document, fields));
  }

  protected override async documentsOf(
    ids: readonly (string | number)[],
    fields: readonly PanelField[],
  ): Promise<Document[]> {
    if (fields.length === 0 || ids.length === 0) return [];
    const wanted = new Set(ids.map((id) => this.idOf(id)));
    return (await this.make()).filter(({ _id }) => wanted.has(_id));
  }
}
