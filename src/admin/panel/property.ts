import { BaseProperty, type PropertyType } from 'adminjs';
import type { PanelField } from './spec.ts';

/** A field as AdminJS wants to know it. */
export class PanelProperty extends BaseProperty {
  readonly field: PanelField;

  constructor(field: PanelField, position: number) {
    // AdminJS hands types on that only our components know.
    const type = (field.reference ? 'reference' : (field.type ?? 'string')) as PropertyType;
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
