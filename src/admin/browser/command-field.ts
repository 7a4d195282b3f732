import {
  type ActionProperties,
  createElement,
  type Element,
  FormGroup,
  Input,
  Label,
  page,
  Select,
  Text,
  TextArea,
} from './window.ts';

/** One field of the form of a command. */

export type FieldProperties = {
  field: ActionProperties['action']['custom']['fields'][number];
  value: string;
  setValue: (value: string) => void;
  setFile: (file: Blob | undefined) => void;
};

const TEXT_CHARACTERS_MIN = 5;
/** Of fields that are sent and not shown. */
export const UNSEEN_KINDS: ReadonlySet<string> = new Set(['kept', 'preview']);

type Option = { value: string; label: string };

export function isLongEnough(name: string, value: string): boolean {
  return value.trim().length >= (name === 'reason' || name.startsWith('text') ? TEXT_CHARACTERS_MIN : 1);
}

export function Field({
  field: { name, kind, isOptional = false, choices = [] },
  value,
  setValue,
  setFile,
}: FieldProperties): Element {
  const { translateProperty, translateLabel, translateMessage } = page.AdminJS.useTranslation();
  const onChange = (event: { target: { value: string } }) => setValue(event.target.value);
  const options: Option[] = choices.map((choice) => ({ value: choice, label: translateLabel(`${name}.${choice}`) }));
  const common = { id: name, name, value, onChange, required: !isOptional, width: 1 };
  const inputs: Record<string, () => Element> = {
    file: () =>
      createElement('input', {
        type: 'file',
        id: name,
        required: true,
        onChange: (event: { target: { files: Blob[] } }) => setFile(event.target.files[0]),
      }),
    number: () => createElement(Input, { ...common, type: 'text', inputMode: 'numeric', maxLength: 15 }),
    word: () => createElement(Input, { ...common, type: 'text', maxLength: 128 }),
    moment: () => createElement(Input, { ...common, type: 'datetime-local' }),
    rubles: () => createElement(Input, { ...common, type: 'text', inputMode: 'decimal', maxLength: 30 }),
    email: () => createElement(Input, { ...common, type: 'email', maxLength: 254 }),
    secret: () => createElement(Input, { ...common, type: 'password', autoComplete: 'off', maxLength: 512 }),
    letter: () => createElement(TextArea, { ...common, rows: 10, minLength: 5, maxLength: 4_000 }),
    text: () => createElement(TextArea, { ...common, rows: 3, minLength: 5, maxLength: 500 }),
    choice: () =>
      createElement(Select, {
        inputId: name,
        options,
        value: options.find((option) => option.value === value) ?? null,
        onChange: (option: Option | null) => setValue(option?.value ?? ''),
        isClearable: isOptional,
        placeholder: translateMessage('choose'),
      }),
  };
  return createElement(
    FormGroup,
    null,
    createElement(
      Label,
      { htmlFor: name },
      isOptional ? `${translateProperty(name)} (${translateMessage('optional')})` : translateProperty(name),
    ),
    inputs[kind]?.() ?? null,
    (name === 'reason' || name === 'rubles') &&
      createElement(Text, { variant: 'sm', color: 'grey60', mt: 'sm' }, translateMessage(`${name}Help`)),
  );
}
