import { BaseProperty } from 'adminjs';
import type { PanelField } from './spec.ts';

/** A field as AdminJS wants to know it. */
export class PanelProperty extends BaseProperty {
  readonly field: PanelField;

  constructor(field: PanelField, position: number) {
    const type = field.reference ? 'reference' : (field.type ?? 'string');
    super({ path: field.name, type, isId: field.name === 'id', isSortable: field.name === 'id', position });
    this.field = field;
  }

  override reference(): string | null {
    return this.field.reference ?? null;
  }

  override availableValues(): string[] | null {
    return this.field.choices ? [...this.field.choices] : null;
  }

  override isTitle(): boolean {
    return false;
  }

  override isEditable(): boolean {
    return false;
  }
}
