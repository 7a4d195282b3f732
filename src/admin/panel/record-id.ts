/**
 * Ids as they stand in addresses: AdminJS puts them there as they are, so what would end a part of an address (the slash
 * of `openai/gpt`) is written as `~` and two hexadecimal digits.
 */

const UNSAFE = /[^\w:@.-]/g;
const ESCAPED = /~([0-9a-f]{2})/g;

export function toAddress(id: string): string {
  return id.replaceAll(UNSAFE, (character) => `~${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function fromAddress(text: string): string {
  return text.replaceAll(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
