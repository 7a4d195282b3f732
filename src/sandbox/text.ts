const loremWords = (
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna ' +
  'aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat'
).split(' ');

/** Stands in a text until the moment of writing, when `stamped` puts the clock in its place. */
const sentMark = '@T000000000000000;';
const receivedMark = '@R000000000000000;';

/** Microseconds of the monotonic clock of this machine, the same clock for every process on it. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Cuts a text into tokens of at most six characters, never inside one; joined they are the text again. */
export function tokensOf(text: string): string[] {
  return text.match(/\s?[^\s]{1,6}|\s/gu) ?? [];
}

/** Gives `count` words of filler, one token each. */
export function loremTokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) => ` ${loremWords[index % loremWords.length]}`);
}

/** Gives `count` tokens that each carry a place for the time of writing. */
export function stampTokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) => ` tok${index} ${sentMark}`);
}

/** Gives the tokens of an answer that is not streamed: filler, then places for the times of arrival and of writing. */
export function stampedPlainTokens(count: number): string[] {
  return [...loremTokens(Math.max(count - 1, 0)), ` ${receivedMark}${sentMark}`];
}

/** Puts the times in their places, as 15 digits of microseconds: arrival of the request, and now. */
export function stamped(text: string, receivedUs: number): string {
  return text
    .replaceAll(receivedMark, () => `@R${fifteenDigits(receivedUs)};`)
    .replaceAll(sentMark, () => `@T${fifteenDigits(monotonicUs())};`);
}

/** The answer when no script asks for another: says in the language of the message that no model was called. */
export function noticeText(message: string, imageCount: number): string {
  if (/[а-яё]/iu.test(message)) {
    const images = imageCount === 0 ? '' : ` Изображений: ${imageCount}.`;
    return `Это ответ песочницы Ocelotiq: настоящая модель не вызывалась.${images} Ваше сообщение: ${message}`;
  }
  const images = imageCount === 0 ? '' : ` Images: ${imageCount}.`;
  return `This is the sandbox answer of Ocelotiq: no real model was called.${images} Your message: ${message}`;
}

function fifteenDigits(value: number): string {
  return String(value).padStart(15, '0');
}
